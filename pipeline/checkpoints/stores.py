"""Where checkpoints and weights lie: folders and object stores, whose calls come back, whose errors say what to do."""

import errno
import os
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

from fsspec.asyn import AsyncFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from pipeline.checkpoints.tensor_file import DamagedError, Source

SMALL = 1 << 26
"""Bytes that are put into an object store from memory; more go through a temporary file."""
FETCHED_AT_ONCE = 1 << 25
"""Bytes, from an object store."""
LONGEST, LONGEST_TRANSFER = 120.0, 600.0  # seconds that a call to an object store may take; with a file
_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}  # protocol: what to install of ours
_PATIENCE = {"connect_timeout": 5, "read_timeout": 15, "retries": {"total_max_attempts": 1}}
"""Of botocore, in seconds. s3fs tries five times by itself: five times botocore's own five wait six minutes for a store
that does not answer, which is longer than the watchdog lets a checkpoint take."""
_OPTIONS: Mapping[str, Mapping[str, object]] = {
    protocol: {"config_kwargs": _PATIENCE} for protocol, extra in _EXTRAS.items() if extra == "s3"
}


class CheckpointError(RuntimeError):
    """Checkpoints, or weights, can't be written or read; the message says what to do."""


class Purpose(NamedTuple):
    """What is kept in a store, for messages."""

    what: str
    setting: str
    expected: str  # of the setting


CHECKPOINTS = Purpose("checkpoints", "checkpoints.url", "a folder, s3://bucket/path or gs://bucket/path")


class Files(Protocol):
    """What is used of an fsspec file system (fsspec ships no types)."""

    def open(self, path: str, mode: str, block_size: int) -> AbstractContextManager[Source]: ...
    def put_file(self, lpath: str, rpath: str) -> None: ...
    def pipe_file(self, path: str, value: bytes) -> None: ...
    def rm_file(self, path: str) -> None: ...
    def ls(self, path: str, detail: bool) -> list[str]: ...
    def invalidate_cache(self, path: str) -> None: ...
    def unstrip_protocol(self, name: str) -> str: ...


class AsyncFiles(Protocol):
    """What is used of a file system of coroutines: fsspec takes `timeout` from the call and waits no longer."""

    def get_file(self, rpath: str, lpath: str, *, timeout: float) -> None: ...
    def put_file(self, lpath: str, rpath: str, *, timeout: float) -> None: ...
    def pipe_file(self, path: str, value: bytes, *, timeout: float) -> None: ...
    def rm_file(self, path: str, *, timeout: float) -> None: ...
    def ls(self, path: str, detail: bool, *, timeout: float) -> list[str]: ...
    def invalidate_cache(self, path: str) -> None: ...
    def unstrip_protocol(self, name: str) -> str: ...


class InTime:
    """An object store whose calls come back, or raise `TimeoutError`.

    s3fs alone may wait for ever: aiohttp sets no time limit on what follows a server's `100 Continue`.
    """

    def __init__(self, files: AsyncFiles) -> None:
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


def store_of(url: str, of: Purpose = CHECKPOINTS) -> tuple[Files | InTime, str]:
    """The file system of a URL or a folder, and the path in it."""
    protocol = url.partition("://")[0] if "://" in url else "file"
    try:
        files, path = _url_to_fs(url, **_OPTIONS.get(protocol, {}))
    except ImportError as error:
        extra = _EXTRAS.get(protocol)
        fix = f"pip install 'lstm-stream[{extra}]'" if extra else str(error)
        raise CheckpointError(f"{of.what} at {url} need another package: {fix}") from error
    except ValueError as error:
        raise CheckpointError(f"{of.what} can't be at {url} ({error}); set {of.setting} to {of.expected}") from error
    is_remote = isinstance(files, AsyncFileSystem)
    return InTime(files) if is_remote else files, path.rstrip("/")


@contextmanager
def reaching(what: str, url: str, of: Purpose = CHECKPOINTS) -> Iterator[None]:
    """Say what can be done where the store fails in this block, which holds calls to it alone."""
    try:
        yield
    except DamagedError:
        raise
    except Exception as error:
        raise CheckpointError(_advice(what, url, of, error)) from error


def opened(files: Files | InTime, path: str) -> AbstractContextManager[Source]:
    """A file to read from."""
    if isinstance(files, InTime):
        return files.fetched(path)
    if isinstance(files, LocalFileSystem):
        return Path(path).open("rb", buffering=0)
    return files.open(path, "rb", block_size=FETCHED_AT_ONCE)


def write_whole(files: Files | InTime, path: str, url: str, write: Callable[[BinaryIO], None], size: int) -> None:
    """Let there be a file of what is written, of so many bytes or a little more; whole or not at all."""
    if isinstance(files, LocalFileSystem):
        with _written_file(Path(path), url) as file:
            write(file)
    elif size <= SMALL:
        content = BytesIO()
        write(content)
        with reaching("write", url):
            files.pipe_file(path, content.getvalue())  # a put to an object store is whole or not at all
    else:
        with tempfile.TemporaryDirectory(prefix="lstm-stream-") as folder:
            local = Path(folder) / "checkpoint.safetensors"
            with local.open("x+b", buffering=0) as file:
                write(file)
            with reaching("write", url):
                files.put_file(str(local), path)  # in parts, of which nothing shows before the last one


def place_of(files: Files | InTime, path: str) -> str:
    """Where a file lies, for people and for `store_of`."""
    return path if isinstance(files, LocalFileSystem) else files.unstrip_protocol(path)


@contextmanager
def _written_file(path: Path, url: str) -> Iterator[BinaryIO]:
    """Write beside, flush to the disk, rename, flush the folder: after a power cut it is the old or the new."""
    with reaching("write", url):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
        file = temporary.open("x+b", buffering=0)
    try:
        with file:
            yield file
            with reaching("write", url):
                os.fsync(file.fileno())
        with reaching("write", url):
            os.replace(temporary, path)  # noqa: PTH105 - one named call is what the tests can fail at
    except Exception:
        temporary.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # elsewhere a folder can't be flushed
        with reaching("write", url):
            _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _advice(what: str, url: str, of: Purpose, error: Exception) -> str:
    problem = f"can't {what} {of.what} at {url}"
    if isinstance(error, PermissionError):
        return f"{problem}: permission denied; let this user {what} there, or set {of.setting} to another place"
    if isinstance(error, NotADirectoryError | FileExistsError):
        return f"{problem}: a part of that path is a file; set {of.setting} to {of.expected}"
    if isinstance(error, TimeoutError):
        return f"{problem}: no answer in time; check that the place is reachable, and that it is not overloaded"
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.ENOSPC, errno.EDQUOT):
        return f"{problem}: the disk is full; free some space, or set {of.setting} to another place"
    if number == errno.EROFS:
        return f"{problem}: the file system is read-only; set {of.setting} to another place"
    return f"{problem}: {str(error) or type(error).__name__}; check {of.setting} and that the place is reachable"
