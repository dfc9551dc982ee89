"""Where the model's compiled code is kept, so that it is compiled once and not at each start.

The compiler (numba) keeps code beside the source, or in the folder that `NUMBA_CACHE_DIR` names. Neither may be
writable in a container or under systemd; then another folder is found before the model is imported. A note in the
folder says that all of the code is there, for this source and this processor, and a lock lets one process compile while
those that start at the same time wait for it.
"""

import importlib.util
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

VARIABLE = "NUMBA_CACHE_DIR"
OFF = "NUMBA_DISABLE_JIT"
COMPILER = ("numba", "llvmlite")
CPUINFO = Path("/proc/cpuinfo")
LOCK = "lstm-stream.lock"


class CodeCache(NamedTuple):
    """The folder of the compiled code, and which code it must be.

    Attributes
    ----------
    folder
        Where it is kept; None: nowhere, it is compiled at each start.
    key
        Of the source, the compiler and the processor.
    remark
        What an operator should know of the choice; "" if it is the usual one.
    """

    folder: Path | None
    key: str
    remark: str = ""
    is_needed: bool = True
    """Not where the compiler is switched off."""

    def is_complete(self) -> bool:
        """Whether all of the code is there."""
        return not self.is_needed or (self.folder is not None and self._note(self.folder).exists())

    def complete(self) -> None:
        """Note that it is."""
        if self.folder is not None:
            with suppress(OSError):  # without the note the code is looked for again, and found
                self._note(self.folder).touch()

    def _note(self, folder: Path) -> Path:
        return folder / f"lstm-stream-{self.key}.complete"


def package_folder() -> Path:
    """Where the model's source lies; it is not imported for that."""
    spec = importlib.util.find_spec("lstm_stream")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("the package lstm_stream is missing; install lstm-stream again")
    return Path(spec.submodule_search_locations[0])


def code_cache(
    package: Path, environment: MutableMapping[str, str], writable: Callable[[Path], bool] | None = None
) -> CodeCache:
    """Choose the folder, before the model is imported; `environment` then names it where it is not the usual one.

    1. The folder of `NUMBA_CACHE_DIR`; where that can't be written, what is in it is copied to one that can.
    2. Beside the source.
    3. `lstm-stream` in the user's cache folder (`XDG_CACHE_HOME`), or else in the folder of temporary files.

    Parameters
    ----------
    package
        Folder of the source.
    environment
        Of this process; `os.environ`.
    writable
        Whether files can be made in a folder, `is_writable` by default.
    """
    key, can_be_used = _key(package, environment), writable or is_writable
    given = environment.get(VARIABLE, "")
    usual = Path(given) if given else package / "__pycache__"
    if environment.get(OFF, "0") not in ("", "0"):
        return CodeCache(None, key, is_needed=False)
    if can_be_used(usual):
        return CodeCache(usual, key)
    for folder in _others(environment):
        if can_be_used(folder):
            environment[VARIABLE] = str(folder)
            copied = _copy(usual, folder) if given else 0
            what = f", with {copied} files of it" if copied else ""
            return CodeCache(folder, key, f"{usual} can't be written: compiled code is kept in {folder}{what}")
    return CodeCache(None, key, f"{usual} can't be written, nor another folder; name one in {VARIABLE}")


@contextmanager
def alone(cache: CodeCache, say: Callable[[str], object]) -> Iterator[None]:
    """Hold the folder's lock for the length of a block; a line is said where another process has it."""
    if cache.folder is None or sys.platform == "win32":
        yield
        return
    import fcntl

    with open(cache.folder / LOCK, "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another process compiles the model: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield  # closing the file gives the lock back, and so does the end of the process


def _others(environment: MutableMapping[str, str]) -> Iterator[Path]:
    """Folders of this user alone: what is in them is run."""
    home = environment.get("HOME", "")
    base = environment.get("XDG_CACHE_HOME") or (str(Path(home) / ".cache") if home else "")
    if base:
        yield Path(base) / "lstm-stream"
    user = os.getuid() if sys.platform != "win32" else 0
    yield Path(tempfile.gettempdir()) / f"lstm-stream-{user}"


def is_writable(folder: Path) -> bool:
    """Whether files can be made there, and whether it is ours; it is made if it is not there."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        tempfile.TemporaryFile(dir=folder).close()
        return sys.platform == "win32" or folder.stat().st_uid in (os.getuid(), 0)
    except OSError:
        return False


def _copy(source: Path, target: Path) -> int:
    """Copy the code that is not there yet; how many files."""
    files = [one for one in source.rglob("*") if one.is_file() and one.name != LOCK] if source.is_dir() else []
    for one in files:
        there = target / one.relative_to(source)
        if not there.exists():
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(one, there)
    return len(files)


def _key(package: Path, environment: Mapping[str, str]) -> str:
    digest = blake2b(digest_size=8)
    for name in sorted(environment):
        if name.startswith("NUMBA_") and name != VARIABLE:  # options of the compiler, such as one to check each index
            digest.update(f"{name}={environment[name]}".encode())
    for one in sorted(package.glob("*.py")):
        digest.update(one.name.encode() + one.read_bytes())
    for part in (sys.version, *map(_version, COMPILER), platform.machine(), *_processor()):
        digest.update(part.encode())
    return digest.hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _processor() -> Iterator[str]:
    """What the code depends on: the processor's name and what it can do."""
    if CPUINFO.exists():
        lines = CPUINFO.read_text(errors="replace").splitlines()
        yield from sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))})
    else:
        yield platform.processor()
