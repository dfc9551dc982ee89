"""A checkpoint's file: safetensors, written in parts in any order and read with one copy.

8 bytes tell the length of a JSON header, which tells the type, the shape and the place of each array; then come the
arrays, those of wide types first, so that each is aligned. The header's metadata has the state and a checksum of all
that is loaded. The file is laid out before there is anything in it. At the end it is read once for the checksum, whose
place in the header is known.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, BinaryIO, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

FORMAT = "lstm-stream checkpoint 2"
DIGESTS: dict[str, Callable[[bytes], Any]] = {
    FORMAT: hashlib.sha256,
    "lstm-stream checkpoint 1": partial(hashlib.blake2b, digest_size=32),
}
"""By the formats that can be read. Processors have instructions for SHA-256, which then takes half the time."""
LARGEST_HEADER = 40_000_000
"""Characters before escapes; the safetensors library reads no header beyond 100 million bytes."""
READ_AT_ONCE = 1 << 24
"""Bytes."""

_KINDS = {
    "F64": "<f8",
    "I64": "<i8",
    "U64": "<u8",
    "F32": "<f4",
    "I32": "<i4",
    "U32": "<u4",
    "F16": "<f2",
    "I16": "<i2",
    "U16": "<u2",
    "I8": "|i1",
    "U8": "|u1",
    "BOOL": "|b1",
}
_KIND_OF = {np.dtype(code): kind for kind, code in _KINDS.items()}
_PLACEHOLDER = "0" * 64


class DamagedError(Exception):
    """The file holds no whole checkpoint, or not the one that it should."""


class Shape(Protocol):
    """What an array is like."""

    @property
    def dtype(self) -> np.dtype[Any]: ...
    @property
    def sizes(self) -> tuple[int, ...]: ...


class Source(Protocol):
    """What is read from."""

    def read(self, size: int = ..., /) -> bytes: ...
    def readinto(self, buffer: memoryview, /) -> int | None: ...
    def tell(self) -> int: ...


class _Place(NamedTuple):
    dtype: np.dtype[Any]
    sizes: tuple[int, ...]
    begin: int  # byte in the file
    end: int

    @property
    def row(self) -> int:
        """Bytes of a row."""
        return self.dtype.itemsize * int(np.prod(self.sizes[1:], dtype=np.int64))


class TensorFile:
    """One that is being written.

    Parameters
    ----------
    file
        Empty, open to write and read.
    told
        What the metadata tells as the state.
    shapes
        Of the arrays, by name.
    """

    def __init__(self, file: BinaryIO, told: str, shapes: Mapping[str, Shape]) -> None:
        if len(told) > LARGEST_HEADER:
            raise ValueError(f"the header has {len(told)} bytes: what grows with the series belongs into arrays")
        self._file, self._told = file, told
        self._sizes = {name: (np.dtype(shape.dtype), tuple(shape.sizes)) for name, shape in shapes.items()}
        self._header = self._head(_PLACEHOLDER)
        self._places = _placed(json.loads(self._header[8:]), len(self._header))
        end = max((place.end for place in self._places.values()), default=len(self._header))
        write_all(file, self._header)
        file.truncate(end)

    def put(self, row: int, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Write these arrays from a row on."""
        for name, array in arrays.items():
            place = self._places[name]
            self._file.seek(place.begin + row * place.row)
            write_all(self._file, _bytes(np.asarray(array, place.dtype, order="C")))

    def seal(self) -> None:
        """Write the checksum: the file is whole."""
        self._file.flush()
        checksum = _Checksum(FORMAT, self._told)
        for name in sorted(self._places):
            place = self._places[name]
            checksum.begin(name, place.dtype, place.sizes)
            self._file.seek(place.begin)
            for length in _lengths(place.end - place.begin):
                checksum.add(self._file.read(length))
        self._file.seek(0)
        write_all(self._file, self._head(checksum.told()))
        self._file.flush()

    def _head(self, checksum: str) -> bytes:
        metadata = {"format": FORMAT, "state": self._told, "checksum": checksum}
        entries: dict[str, object] = {"__metadata__": metadata}
        begin = 0
        for name in sorted(self._sizes, key=lambda one: (-self._sizes[one][0].itemsize, one)):
            dtype, sizes = self._sizes[name]
            end = begin + dtype.itemsize * int(np.prod(sizes, dtype=np.int64))
            entries[name] = {"dtype": _KIND_OF[dtype], "shape": sizes, "data_offsets": (begin, end)}
            begin = end
        text = json.dumps(entries, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        return len(text).to_bytes(8, "little") + text


def load(file: Source) -> tuple[str, dict[str, NDArray[Any]]]:
    """What the metadata tells as the state, and the arrays by name.

    Raises
    ------
    DamagedError
        It is no whole file of ours.
    """
    try:
        head = _read_head(file)
        metadata = head["__metadata__"]
        places = _placed(head, file.tell())
        form = metadata["format"]
        if form not in DIGESTS:
            raise DamagedError(f"its format is {form!r}, this version reads {' and '.join(map(repr, DIGESTS))}")
        told, sealed = str(metadata["state"]), metadata["checksum"]
        arrays = {name: _read(file, place) for name, place in places.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError, MemoryError) as error:
        raise DamagedError(f"it is not a whole safetensors file ({type(error).__name__}: {error})") from error
    if file.read(1):
        raise DamagedError("it is not a whole safetensors file (there is more behind its end)")
    if sealed != _sum(form, told, arrays):
        raise DamagedError("its checksum is wrong: it was damaged after it was written")
    return told, arrays


def write_all(file: BinaryIO, content: bytes | memoryview) -> None:
    """Write all of it; a file without a buffer may take less at once."""
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]


def _read_head(file: Source) -> Any:
    length = int.from_bytes(file.read(8), "little")
    if not 2 <= length <= 100_000_000:
        raise ValueError(f"a header of {length} bytes")
    text = file.read(length)
    if len(text) < length:
        raise ValueError("it ends within its header")
    return json.loads(text)


def _placed(head: Any, begin: int) -> dict[str, _Place]:
    """Where each array lies, in the order of the file; they follow each other without gaps."""
    found = []
    for name, entry in head.items():
        if name != "__metadata__":
            sizes, (first, last) = tuple(map(int, entry["shape"])), entry["data_offsets"]
            found.append((first, last, name, np.dtype(_KINDS[entry["dtype"]]), sizes))
    places: dict[str, _Place] = {}
    at = 0
    for first, last, name, dtype, sizes in sorted(found, key=lambda one: one[:2]):
        if (
            first != at
            or min(sizes, default=0) < 0
            or last - first != dtype.itemsize * int(np.prod(sizes, dtype=np.int64))
        ):
            raise ValueError(f"array {name!r} is not where it should be")
        places[name] = _Place(dtype, sizes, begin + first, begin + last)
        at = last
    return places


def _read(file: Source, place: _Place) -> NDArray[Any]:
    array = np.empty(place.sizes, place.dtype)
    into = _bytes(array)
    at = 0
    for length in _lengths(len(into)):
        part = into[at : at + length]
        while part:
            count = file.readinto(part)
            if not count:
                raise ValueError("it ends within an array")
            part = part[count:]
        at += length
    return array


def _lengths(size: int) -> Iterator[int]:
    """Of parts that make up so many bytes."""
    while size > 0:
        yield min(size, READ_AT_ONCE)
        size -= READ_AT_ONCE


def _bytes(array: NDArray[Any]) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


class _Checksum:
    """Of all that is loaded: what JSON says, and every array's name, type, shape and bytes, in the order of names."""

    def __init__(self, form: str, told: str) -> None:
        self._digest = DIGESTS[form](told.encode())

    def begin(self, name: str, dtype: np.dtype[Any], sizes: tuple[int, ...]) -> None:
        self._digest.update(f"{name!r} {dtype.str} {sizes}".encode())

    def add(self, part: bytes | memoryview) -> None:
        self._digest.update(part)

    def told(self) -> str:
        return str(self._digest.hexdigest())


def _sum(form: str, told: str, arrays: Mapping[str, NDArray[Any]]) -> str:
    checksum = _Checksum(form, told)
    for name in sorted(arrays):
        checksum.begin(name, arrays[name].dtype, arrays[name].shape)
        checksum.add(_bytes(arrays[name]))
    return checksum.told()
