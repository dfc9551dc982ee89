"""Shards at rest: a state and the offset it goes on from, in one file that is there whole or not at all."""

import contextlib
import errno
import hashlib
import json
import logging
import os
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote

import numpy as np
import safetensors.numpy
from fsspec.asyn import AsyncFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem
from numpy.typing import NDArray

log = logging.getLogger(__name__)

FORMAT = "lstm-stream checkpoint 1"
LARGEST_HEADER = 40_000_000  # characters before escapes; safetensors reads no header beyond 100 million bytes

LONGEST = 120.0  # seconds that a call to an object store may take

_NAME = re.compile(r"(\d{20})\.safetensors")
_TEMPORARY = re.compile(r"\.(\d{20})\.safetensors\..*\.tmp")
_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}  # protocol: what to install of ours
_PATIENCE = {"connect_timeout": 5, "read_timeout": 15, "retries": {"total_max_attempts": 1}}
"""Of botocore, in seconds. s3fs tries five times by itself: five times botocore's own five wait six minutes for a store
that does not answer, which is longer than the watchdog lets a checkpoint take."""
_OPTIONS: Mapping[str, Mapping[str, object]] = {
    protocol: {"config_kwargs": _PATIENCE} for protocol, extra in _EXTRAS.items() if extra == "s3"
}


class _Files(Protocol):
    """What is used of an fsspec file system (fsspec ships no types)."""

    def cat_file(self, path: str) -> bytes: ...
    def pipe_file(self, path: str, value: bytes) -> None: ...
    def rm_file(self, path: str) -> None: ...
    def ls(self, path: str, detail: bool) -> list[str]: ...
    def invalidate_cache(self, path: str) -> None: ...
    def unstrip_protocol(self, name: str) -> str: ...


class _AsyncFiles(Protocol):
    """What is used of a file system of coroutines: fsspec takes `timeout` from the call and waits no longer."""

    def cat_file(self, path: str, *, timeout: float) -> bytes: ...
    def pipe_file(self, path: str, value: bytes, *, timeout: float) -> None: ...
    def rm_file(self, path: str, *, timeout: float) -> None: ...
    def ls(self, path: str, detail: bool, *, timeout: float) -> list[str]: ...
    def invalidate_cache(self, path: str) -> None: ...
    def unstrip_protocol(self, name: str) -> str: ...


class _InTime:
    """An object store whose calls come back, or raise `TimeoutError`.

    s3fs alone may wait for ever: aiohttp sets no time limit on what follows a server's `100 Continue`.
    """

    def __init__(self, files: _AsyncFiles) -> None:
        self._files = files

    def cat_file(self, path: str) -> bytes:
        return self._files.cat_file(path, timeout=LONGEST)

    def pipe_file(self, path: str, value: bytes) -> None:
        self._files.pipe_file(path, value, timeout=LONGEST)

    def rm_file(self, path: str) -> None:
        self._files.rm_file(path, timeout=LONGEST)

    def ls(self, path: str, detail: bool) -> list[str]:
        return self._files.ls(path, detail=detail, timeout=LONGEST)

    def invalidate_cache(self, path: str) -> None:
        self._files.invalidate_cache(path)

    def unstrip_protocol(self, name: str) -> str:
        return self._files.unstrip_protocol(name)


_url_to_fs: Callable[..., tuple[Any, str]] = url_to_fs


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


class CheckpointError(RuntimeError):
    """Checkpoints can't be written or read; the message says what to do."""


class _DamagedError(Exception):
    """The file holds no whole checkpoint, or not the one that it should."""


class _GoneError(_DamagedError):
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
        self._files, self._root = _open(url)

    def probe(self) -> None:
        """Raise `CheckpointError` if a checkpoint could not be written."""
        path = f"{self._root}/.probe-{uuid.uuid4().hex}"
        with _reaching("write", self._url):
            self._write(path, b"lstm-stream asks whether it may write here")
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
        path = f"{self._folder(address)}/{offset:020d}.safetensors"
        content = _to_bytes(address, offset, header, arrays)
        with _reaching("write", self._url):
            self._write(path, content)
        self._prune(address, offset)
        return self._place(path)

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
        with _reaching("read", self._url):
            paths = _by_offset(self._list(address))
        for offset in sorted((known for known in paths if known <= at_most), reverse=True):
            checkpoint = self._read_or_warn(paths[offset], address, offset)
            if checkpoint is not None:
                return checkpoint
        return None

    def _read_or_warn(self, path: str, address: Address, offset: int) -> Checkpoint | None:
        try:
            found, checkpoint = _from_bytes(_content(self._files, path, self._url), self._place(path))
            if (found, checkpoint.offset) != (address, offset):
                raise _DamagedError(f"it says that it is of {found}, offset {checkpoint.offset}")
        except _DamagedError as error:
            log.warning("checkpoint %s is skipped, an older one is looked for: %s", self._place(path), error)
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
            with _reaching("remove", self._url):
                for path in self._superfluous(address, saved):
                    with contextlib.suppress(FileNotFoundError):
                        self._files.rm_file(path)
        except CheckpointError as error:
            log.warning("old checkpoints below %s stay: %s", self._place(self._folder(address)), error)

    def _superfluous(self, address: Address, saved: int) -> list[str]:
        there = self._list(address)
        paths = _by_offset(there)
        older = sorted((offset for offset in paths if offset <= saved), reverse=True)
        crashed = (path for path in there if _is_leftover(path, saved))
        return [*(paths[offset] for offset in older[self._keep :]), *crashed]

    def _write(self, path: str, content: bytes) -> None:
        if isinstance(self._files, LocalFileSystem):
            _write_file(Path(path), content)
        else:
            self._files.pipe_file(path, content)  # a put to an object store is whole or not at all

    def _place(self, path: str) -> str:
        if isinstance(self._files, LocalFileSystem):
            return path
        return self._files.unstrip_protocol(path)


def read(url: str) -> Checkpoint:
    """Read one checkpoint file, wherever it came from.

    Raises
    ------
    CheckpointError
        If it can't be read, or is none.
    """
    files, path = _open(url)
    try:
        return _from_bytes(_content(files, path, url), url)[1]
    except _GoneError as error:
        raise CheckpointError(f"there is no checkpoint {url}") from error
    except _DamagedError as error:
        raise CheckpointError(f"{url} can't be used: {error}") from error


def _open(url: str) -> tuple[_Files, str]:
    protocol = url.partition("://")[0] if "://" in url else "file"
    try:
        files, path = _url_to_fs(url, **_OPTIONS.get(protocol, {}))
    except ImportError as error:
        extra = _EXTRAS.get(protocol)
        fix = f"pip install 'lstm-stream[{extra}]'" if extra else str(error)
        raise CheckpointError(f"checkpoints at {url} need another package: {fix}") from error
    except ValueError as error:
        raise CheckpointError(
            f"checkpoints can't be at {url} ({error}); "
            "set checkpoints.url to a folder, s3://bucket/path or gs://bucket/path"
        ) from error
    is_remote = isinstance(files, AsyncFileSystem)
    return _InTime(files) if is_remote else files, path.rstrip("/")


@contextmanager
def _reaching(what: str, url: str) -> Iterator[None]:
    """Say what can be done where the store fails in this block, which holds calls to it alone."""
    try:
        yield
    except Exception as error:
        raise CheckpointError(_advice(what, url, error)) from error


def _content(files: _Files, path: str, url: str) -> bytes:
    with _reaching("read", url), contextlib.suppress(FileNotFoundError):
        return files.cat_file(path)
    raise _GoneError("it is gone")


def _by_offset(paths: Iterable[str]) -> dict[int, str]:
    """The checkpoints among them."""
    matches = ((_NAME.fullmatch(_name_in(path)), path) for path in paths)
    return {int(match[1]): path for match, path in matches if match}


def _write_file(path: Path, content: bytes) -> None:
    """Write beside, flush to the disk, rename, flush the folder: after a power cut it is the old or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105 - one named call is what the tests can fail at
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # elsewhere a folder can't be flushed
        _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _name_in(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _is_leftover(path: str, saved: int) -> bool:
    """Tell whether it is what a crash left of an attempt before this one."""
    match = _TEMPORARY.fullmatch(_name_in(path))
    return match is not None and int(match[1]) < saved


def _to_bytes(address: Address, offset: int, header: Mapping[str, object], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    plain = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    told = json.dumps({"address": address, "offset": offset, "header": header}, allow_nan=False)
    if len(told) > LARGEST_HEADER:
        raise ValueError(f"the header has {len(told)} bytes: what grows with the series belongs into arrays")
    metadata = {"format": FORMAT, "state": told, "checksum": _checksum(told, plain)}
    return safetensors.numpy.save(plain, metadata)


def _from_bytes(content: bytes, url: str) -> tuple[Address, Checkpoint]:
    try:
        metadata = _metadata(content)
        arrays = safetensors.numpy.load(content)
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _DamagedError(f"it is not a whole safetensors file ({error})") from error
    if metadata.get("format") != FORMAT:
        raise _DamagedError(f"its format is {metadata.get('format')!r}, this version reads {FORMAT!r}")
    told = metadata.get("state", "")
    if metadata.get("checksum") != _checksum(told, arrays):
        raise _DamagedError("its checksum is wrong: it was damaged after it was written")
    state = json.loads(told)
    return Address(*state["address"]), Checkpoint(state["offset"], state["header"], arrays, url)


def _metadata(content: bytes) -> dict[str, str]:
    """Read the metadata of a safetensors file, which its library gives only for files on a disk."""
    length = int.from_bytes(content[:8], "little")
    head: dict[str, dict[str, str]] = json.loads(content[8 : 8 + length])
    return head["__metadata__"]


def _checksum(told: str, arrays: Mapping[str, NDArray[Any]]) -> str:
    """Sum up all that is loaded: what JSON says, and every array's name, type, shape and bytes."""
    checksum = hashlib.blake2b(told.encode(), digest_size=32)
    for name in sorted(arrays):
        array = arrays[name]
        checksum.update(f"{name!r} {array.dtype.str} {array.shape}".encode())
        checksum.update(array.reshape(-1).view(np.uint8).data)
    return checksum.hexdigest()


def _advice(what: str, url: str, error: Exception) -> str:
    problem = f"can't {what} checkpoints at {url}"
    if isinstance(error, PermissionError):
        return f"{problem}: permission denied; let this user {what} there, or set checkpoints.url to another place"
    if isinstance(error, NotADirectoryError | FileExistsError):
        return f"{problem}: a part of that path is a file; set checkpoints.url to a folder"
    if isinstance(error, TimeoutError):
        return f"{problem}: no answer in time; check that the place is reachable, and that it is not overloaded"
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.ENOSPC, errno.EDQUOT):
        return f"{problem}: the disk is full; free some space, or set checkpoints.url to another place"
    if number == errno.EROFS:
        return f"{problem}: the file system is read-only; set checkpoints.url to another place"
    return f"{problem}: {str(error) or type(error).__name__}; check checkpoints.url and that the place is reachable"
