"""Shards at rest: a state and the offset it goes on from, in one file that is there whole or not at all."""

import contextlib
import json
import logging
import math
import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO, NamedTuple, Protocol
from urllib.parse import quote

from numpy.typing import NDArray

from pipeline.checkpoints import tensor_file
from pipeline.checkpoints.stores import CheckpointError, Files, InTime, opened, place_of, reaching, store_of, write_whole
from pipeline.checkpoints.tensor_file import DamagedError, Shape, TensorFile, write_all

log = logging.getLogger(__name__)

_NAME = re.compile(r"(\d{20})\.safetensors")
_TEMPORARY = re.compile(r"\.(\d{20})\.safetensors\..*\.tmp")


class Address(NamedTuple):
    """Whose state it is. The topic's id tells a re-created topic from its forerunner of the same name."""

    cluster: str
    topic: str
    topic_id: str
    partition: int


class Checkpoint(NamedTuple):
    """A shard at rest.

    Attributes
    ----------
    offset
        Of the next record to fold.
    header
        What JSON can say of the state.
    arrays
        The rest of it, by name.
    url
        Where it lies.
    """

    offset: int
    header: dict[str, object]
    arrays: dict[str, NDArray[Any]]
    url: str


class Block(Protocol):
    """Some rows of some of the arrays of a checkpoint."""

    @property
    def row(self) -> int: ...
    @property
    def arrays(self) -> Mapping[str, NDArray[Any]]: ...


class _Whole(NamedTuple):
    """All arrays, as one block."""

    row: int
    arrays: Mapping[str, NDArray[Any]]


class _Like(NamedTuple):
    dtype: Any
    sizes: tuple[int, ...]


class _GoneError(DamagedError):
    """There is no such file."""


class Checkpoints:
    """The checkpoints below one folder or URL.

    They lie at ``<url>/<cluster>/<topic>-<topic id>/<partition>/<offset>.safetensors``.

    Parameters
    ----------
    url
        A folder, or whatever fsspec knows: ``s3://bucket/path``, ``gs://bucket/path``, ``memory://path``.
    keep
        How many checkpoints of a partition stay, at least 1.

    Raises
    ------
    CheckpointError
        If nothing here can open that kind of URL.
    """

    def __init__(self, url: str, keep: int) -> None:
        if keep < 1:
            raise ValueError(f"keep is {keep}, at least one checkpoint has to stay")
        self._url = url
        self._keep = keep
        self._files, self._root = store_of(url)

    def probe(self) -> None:
        """Raise `CheckpointError` if a checkpoint could not be written."""
        path = f"{self._root}/.probe-{uuid.uuid4().hex}"
        content = b"lstm-stream asks whether it may write here"
        write_whole(self._files, path, self._url, lambda file: write_all(file, content), 0)
        with reaching("write", self._url):
            self._files.rm_file(path)

    def save(
        self, address: Address, offset: int, header: Mapping[str, object], arrays: Mapping[str, NDArray[Any]]
    ) -> str:
        """Write a checkpoint, whole or not at all, then remove the oldest beyond `keep`.

        Those of larger offsets stay: after an operator has moved the group back they are still true states of
        their offsets, and a worker that wakes up late must not remove what its successor wrote.

        Parameters
        ----------
        address
            Whose state it is.
        offset
            Of the next record to fold.
        header
            What JSON can say; without NaN.
        arrays
            Any shape; float, integer or bool.

        Returns
        -------
        str
            Where it lies, for `read`.
        """
        shapes = {name: _Like(array.dtype, array.shape) for name, array in arrays.items()}
        return self.save_in_parts(address, offset, header, shapes, [_Whole(0, arrays)])

    def save_in_parts(
        self,
        address: Address,
        offset: int,
        header: Mapping[str, object],
        shapes: Mapping[str, Shape],
        blocks: Iterable[Block],
    ) -> str:
        """The same of a state that comes block by block, so that it need not be in memory twice.

        Parameters
        ----------
        shapes
            Of all arrays, by name.
        blocks
            Each row of each array once, in any order. What they raise goes through, and then nothing was written.
        """
        path = f"{self._folder(address)}/{offset:020d}.safetensors"
        told = json.dumps({"address": address, "offset": offset, "header": header}, allow_nan=False)

        def write(file: BinaryIO) -> None:
            checkpoint = TensorFile(file, told, shapes)
            for block in blocks:
                with reaching("write", self._url):
                    checkpoint.put(block.row, block.arrays)
            with reaching("write", self._url):
                checkpoint.seal()

        write_whole(self._files, path, self._url, write, _size(shapes))
        self._prune(address, offset)
        return place_of(self._files, path)

    def load(self, address: Address, at_most: int) -> Checkpoint | None:
        """Take the newest whole checkpoint that does not know more than the log up to `at_most`.

        1. List the partition's checkpoints with an offset of at most `at_most`, the newest first.
        2. Read the first. If it is damaged, foreign or gone meanwhile, say so and try the next.
        3. None is left: None.

        Raises
        ------
        CheckpointError
            If the place can't be read (which is not the same as having no checkpoint).
        """
        with reaching("read", self._url):
            paths = _by_offset(self._list(address))
        for offset in sorted((known for known in paths if known <= at_most), reverse=True):
            checkpoint = self._read_or_warn(paths[offset], address, offset)
            if checkpoint is not None:
                return checkpoint
        return None

    def _read_or_warn(self, path: str, address: Address, offset: int) -> Checkpoint | None:
        try:
            found, checkpoint = _checkpoint(self._files, path, self._url, place_of(self._files, path))
            if (found, checkpoint.offset) != (address, offset):
                raise DamagedError(f"it says that it is of {found}, offset {checkpoint.offset}")
        except DamagedError as error:
            log.warning("checkpoint %s is skipped, an older one is looked for: %s", place_of(self._files, path), error)
            return None
        return checkpoint

    def _folder(self, address: Address) -> str:
        topic = quote(f"{address.topic}-{address.topic_id}", safe="")
        return f"{self._root}/{quote(address.cluster, safe='') or '-'}/{topic}/{address.partition}"

    def _list(self, address: Address) -> list[str]:
        folder = self._folder(address)
        self._files.invalidate_cache(folder)  # object stores remember listings, and other workers write here
        try:
            return self._files.ls(folder, detail=False)
        except FileNotFoundError as error:
            if error.__cause__ is not None:  # the store refused: there is no such bucket
                raise
            return []

    def _prune(self, address: Address, saved: int) -> None:
        try:
            with reaching("remove", self._url):
                for path in self._superfluous(address, saved):
                    with contextlib.suppress(FileNotFoundError):
                        self._files.rm_file(path)
        except CheckpointError as error:
            log.warning("old checkpoints below %s stay: %s", place_of(self._files, self._folder(address)), error)

    def _superfluous(self, address: Address, saved: int) -> list[str]:
        there = self._list(address)
        paths = _by_offset(there)
        older = sorted((offset for offset in paths if offset <= saved), reverse=True)
        crashed = (path for path in there if _is_leftover(path, saved))
        return [*(paths[offset] for offset in older[self._keep :]), *crashed]


def read(url: str) -> Checkpoint:
    """Read one checkpoint file, wherever it came from.

    Raises
    ------
    CheckpointError
        If it can't be read, or is none.
    """
    files, path = store_of(url)
    try:
        return _checkpoint(files, path, url, url)[1]
    except _GoneError as error:
        raise CheckpointError(f"there is no checkpoint {url}") from error
    except DamagedError as error:
        raise CheckpointError(f"{url} can't be used: {error}") from error


def _checkpoint(files: Files | InTime, path: str, url: str, place: str) -> tuple[Address, Checkpoint]:
    with reaching("read", url), contextlib.suppress(FileNotFoundError), opened(files, path) as file:
        told, arrays = tensor_file.load(file)
        state = json.loads(told)
        return Address(*state["address"]), Checkpoint(state["offset"], state["header"], arrays, place)
    raise _GoneError("it is gone")


def _by_offset(paths: Iterable[str]) -> dict[int, str]:
    """The checkpoints among them."""
    matches = ((_NAME.fullmatch(_name_in(path)), path) for path in paths)
    return {int(match[1]): path for match, path in matches if match}


def _name_in(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _is_leftover(path: str, saved: int) -> bool:
    """Tell whether it is what a crash left of an attempt before this one."""
    match = _TEMPORARY.fullmatch(_name_in(path))
    return match is not None and int(match[1]) < saved


def _size(shapes: Mapping[str, Shape]) -> int:
    """Bytes of arrays."""
    return sum(shape.dtype.itemsize * math.prod(shape.sizes) for shape in shapes.values())
