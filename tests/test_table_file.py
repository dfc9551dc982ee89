"""A file comes from disk, through a pipe or on standard input; what is none of these is refused with the fix."""

import os
import tempfile
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline.cli import main

CONTENT = "ts,v\n" + "".join(f"2024-05-{day:02d},{day}\n" for day in range(1, 29))


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_pipe_is_read_like_a_file_and_nothing_is_left_of_it(tmp_path: Path, own_folder: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(CONTENT,))
    writer.start()
    result = CliRunner().invoke(main, ["evaluate", str(pipe), "--values", "nope"])
    writer.join()
    assert "pipe.csv has no column `nope` (--values); it has `ts`, `v`" in result.stderr
    assert list(own_folder.iterdir()) == []


def test_standard_input_is_read_like_a_file(own_folder: Path) -> None:
    result = CliRunner().invoke(main, ["evaluate", "-", "--values", "nope"], input=CONTENT)
    assert "stdin has no column `nope` (--values); it has `ts`, `v`" in result.stderr
    assert list(own_folder.iterdir()) == []


@pytest.mark.parametrize("command", [["evaluate"], ["replay", "--topic", "x"], ["demo", "--csv"], ["pretrain"]])
def test_a_url_and_a_folder_are_bad_usage(command: list[str], tmp_path: Path) -> None:
    for what, told in (("https://example.com/a.csv", "is a URL; download it"), (str(tmp_path), "is a directory")):
        result = CliRunner().invoke(main, [*command, what])
        assert result.exit_code == 2
        assert told in result.stderr
