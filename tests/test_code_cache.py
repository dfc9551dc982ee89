"""Compiled code is kept where it can be written, is found again, and is compiled by one process at a time."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pipeline.code_cache import VARIABLE, CodeCache, alone, code_cache, is_writable


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package of one module."""
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "one.py").write_text("x = 1\n")
    return folder


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment with a home of its own."""
    return {"HOME": str(tmp_path / "home")}


def test_code_lies_beside_the_source_where_that_can_be_written(package: Path, home: dict[str, str]) -> None:
    found = code_cache(package, home)
    assert (found.folder, found.remark) == (package / "__pycache__", "")
    assert VARIABLE not in home


def test_the_folder_that_is_named_is_taken(package: Path, home: dict[str, str], tmp_path: Path) -> None:
    home[VARIABLE] = str(tmp_path / "named")
    found = code_cache(package, home)
    assert (found.folder, found.remark) == (tmp_path / "named", "")
    assert home[VARIABLE] == str(tmp_path / "named")


def test_beside_a_source_that_cannot_be_written_to_it_is_the_user_s_folder_and_that_is_told(
    package: Path, home: dict[str, str], tmp_path: Path
) -> None:
    (package / "__pycache__").write_text("a file, so that nothing can lie in it")
    expected = tmp_path / "home" / ".cache" / "lstm-stream"
    found = code_cache(package, home)
    assert found.folder == expected
    assert str(expected) in found.remark
    assert home[VARIABLE] == str(expected)


def test_the_cache_folder_of_the_desktop_goes_before_the_home(
    package: Path, home: dict[str, str], tmp_path: Path
) -> None:
    (package / "__pycache__").write_text("")
    home["XDG_CACHE_HOME"] = str(tmp_path / "xdg")
    assert code_cache(package, home).folder == tmp_path / "xdg" / "lstm-stream"


def test_without_a_home_it_is_the_folder_of_temporary_files(package: Path) -> None:
    (package / "__pycache__").write_text("")
    folder = code_cache(package, {}).folder
    assert folder is not None
    assert folder.parent == Path(tempfile.gettempdir())


def test_code_in_a_folder_that_can_only_be_read_is_copied(package: Path, home: dict[str, str], tmp_path: Path) -> None:
    baked = CodeCache(tmp_path / "baked", code_cache(package, dict(home)).key)
    (tmp_path / "baked" / "sub").mkdir(parents=True)
    (tmp_path / "baked" / "sub" / "step.nbc").write_bytes(b"code")
    baked.complete()
    home[VARIABLE] = str(tmp_path / "baked")
    found = code_cache(package, home, lambda folder: folder != tmp_path / "baked" and is_writable(folder))
    assert found.folder == tmp_path / "home" / ".cache" / "lstm-stream"
    assert (found.folder / "sub" / "step.nbc").read_bytes() == b"code"
    assert found.is_complete()
    assert home[VARIABLE] == str(found.folder)


def test_where_nothing_can_be_written_it_says_what_to_set(package: Path, home: dict[str, str]) -> None:
    found = code_cache(package, home, lambda _: False)
    assert found.folder is None
    assert VARIABLE in found.remark
    found.complete()
    assert not found.is_complete()


def test_a_folder_of_somebody_else_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getuid", lambda: 4711)
    (tmp_path / "of-another").mkdir()
    assert is_writable(tmp_path / "of-another") == (tmp_path.stat().st_uid == 0)


def test_code_is_complete_for_its_source_alone(package: Path, home: dict[str, str]) -> None:
    found = code_cache(package, home)
    assert not found.is_complete()
    found.complete()
    assert code_cache(package, home).is_complete()
    (package / "one.py").write_text("x = 2\n")
    assert not code_cache(package, home).is_complete()


def test_plain_python_needs_no_code(package: Path, home: dict[str, str]) -> None:
    assert code_cache(package, {**home, "NUMBA_DISABLE_JIT": "1"}).folder is None


HOLDER = """
import sys
from pathlib import Path
from pipeline.code_cache import CodeCache, alone
with alone(CodeCache(Path(sys.argv[1]), "key"), print):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_one_process_at_a_time_compiles_and_the_others_say_that_they_wait(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    told: list[str] = []

    def wait(line: str) -> None:
        told.append(line)
        assert holder.stdin is not None
        holder.stdin.write("\n")
        holder.stdin.flush()

    with alone(CodeCache(tmp_path, "key"), wait):
        assert [line.endswith("waiting for it") for line in told] == [True]
    assert holder.wait(30) == 0
    with alone(CodeCache(tmp_path, "key"), wait):
        assert [line.endswith("waiting for it") for line in told] == [True]
    holder.stdin.close()
    holder.stdout.close()
