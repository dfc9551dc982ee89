"""Shards at rest: a state and the offset it goes on from, in one file that is there whole or not at all."""

import contextlib
import errno
import json
import logging
import math
import os
import re
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol
from urllib.parse import quote

from fsspec.asyn import AsyncFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem
from numpy.typing import NDArray

from pipeline import tensor_file
from pipeline.tensor_file import DamagedError, Shape, Source, TensorFile, write_all

log = logging.getLogger(__name__)

SMALL = 1 << 26
"""Bytes that are put into an object store from memory; more go through a temporary file."""
FETCHED_AT_ONCE = 1 << 25
"""Bytes, from an object store."""

LONGEST, LONGEST_TRANSFER = 120.0, 600.0  # seconds that a call to an object store may take; with a file

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

    def open(self, path: str, mode: str, block_size: int) -> AbstractContextManager[Source]: ...
    def put_file(self, lpath: str, rpath: str) -> None: ...
    def pipe_file(self, path: str, value: bytes) -> None: ...
    def rm_file(self, path: str) -> None: ...
    def ls(self, path: str, detail: bool) -> list[str]: ...
    def invalidate_cache(self, path: str) -> None: ...
    def unstrip_protocol(self, name: str) -> str: ...


class _AsyncFiles(Protocol):
    """What is used of a file system of coroutines: fsspec takes `timeout` from the call and waits no longer."""

    def get_file(self, rpath: str, lpath: str, *, timeout: float) -> None: ...
    def put_file(self, lpath: str, rpath: str, *, timeout: float) -> None: ...
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

    @contextmanager
    def fetched(self, path: str) -> Iterator[Source]:
        """A file, fetched as a whole."""
        with tempfile.TemporaryDirectory() as folder:
            local = Path(folder) / "fetched"
            self._files.get_file(path, str(local), timeout=LONGEST_TRANSFER)
            with local.open("rb", buffering=0) as file:
                yield file

    def put_file(self, lpath: str, rpath: str) -> None:
        self._files.put_file(lpath, rpath, timeout=LONGEST_TRANSFER)

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
        self._files, self._root = _open(url)

    def probe(self) -> None:
        """Raise `CheckpointError` if a checkpoint could not be written."""
        path = f"{self._root}/.probe-{uuid.uuid4().hex}"
        self._write(path, lambda file: write_all(file, b"lstm-stream asks whether it may write here"), 0)
        with _reaching("write", self._url):
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
                with _reaching("write", self._url):
                    checkpoint.put(block.row, block.arrays)
            with _reaching("write", self._url):
                checkpoint.seal()

        self._write(path, write, _size(shapes))
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
            found, checkpoint = _checkpoint(self._files, path, self._url, self._place(path))
            if (found, checkpoint.offset) != (address, offset):
                raise DamagedError(f"it says that it is of {found}, offset {checkpoint.offset}")
        except DamagedError as error:
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

    def _write(self, path: str, write: Callable[[BinaryIO], None], size: int) -> None:
        """Let there be a file of what is written, of so many bytes or a little more; whole or not at all."""
        if isinstance(self._files, LocalFileSystem):
            with _written_file(Path(path), self._url) as file:
                write(file)
        elif size <= SMALL:
            content = BytesIO()
            write(content)
            with _reaching("write", self._url):
                self._files.pipe_file(path, content.getvalue())  # a put to an object store is whole or not at all
        else:
            with tempfile.TemporaryDirectory(prefix="lstm-stream-") as folder:
                local = Path(folder) / "checkpoint.safetensors"
                with local.open("x+b", buffering=0) as file:
                    write(file)
                with _reaching("write", self._url):
                    self._files.put_file(str(local), path)  # in parts, of which nothing shows before the last one

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
        return _checkpoint(files, path, url, url)[1]
    except _GoneError as error:
        raise CheckpointError(f"there is no checkpoint {url}") from error
    except DamagedError as error:
        raise CheckpointError(f"{url} can't be used: {error}") from error


def _open(url: str) -> tuple[_Files | _InTime, str]:
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
    except DamagedError:
        raise
    except Exception as error:
        raise CheckpointError(_advice(what, url, error)) from error


def _checkpoint(files: _Files | _InTime, path: str, url: str, place: str) -> tuple[Address, Checkpoint]:
    with _reaching("read", url), contextlib.suppress(FileNotFoundError), _opened(files, path) as file:
        told, arrays = tensor_file.load(file)
        state = json.loads(told)
        return Address(*state["address"]), Checkpoint(state["offset"], state["header"], arrays, place)
    raise _GoneError("it is gone")


def _opened(files: _Files | _InTime, path: str) -> AbstractContextManager[Source]:
    if isinstance(files, _InTime):
        return files.fetched(path)
    if isinstance(files, LocalFileSystem):
        return Path(path).open("rb", buffering=0)
    return files.open(path, "rb", block_size=FETCHED_AT_ONCE)


def _by_offset(paths: Iterable[str]) -> dict[int, str]:
    """The checkpoints among them."""
    matches = ((_NAME.fullmatch(_name_in(path)), path) for path in paths)
    return {int(match[1]): path for match, path in matches if match}


@contextmanager
def _written_file(path: Path, url: str) -> Iterator[BinaryIO]:
    """Write beside, flush to the disk, rename, flush the folder: after a power cut it is the old or the new."""
    with _reaching("write", url):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
        file = temporary.open("x+b", buffering=0)
    try:
        with file:
            yield file
            with _reaching("write", url):
                os.fsync(file.fileno())
        with _reaching("write", url):
            os.replace(temporary, path)  # noqa: PTH105 - one named call is what the tests can fail at
    except Exception:
        temporary.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # elsewhere a folder can't be flushed
        with _reaching("write", url):
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


def _size(shapes: Mapping[str, Shape]) -> int:
    """Bytes of arrays."""
    return sum(shape.dtype.itemsize * math.prod(shape.sizes) for shape in shapes.values())


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
