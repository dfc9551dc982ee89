"""The file of a command: one on disk, `-` or a pipe, which is kept on disk as it is read several times."""

import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO

import click


class TableFile(click.Path):
    """A path; what comes through a pipe is copied first."""

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False, path_type=Path)

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        if re.match(r"\w+://", str(value)):
            self.fail(f"`{value}` is a URL; download it, or pipe it in: curl -L {value} | ... -", param, ctx)
        if str(value) == "-":
            return _kept(sys.stdin.buffer, "stdin", ctx)
        path = Path(str(super().convert(str(value), param, ctx)))
        if path.is_file():
            return path
        with open(path, "rb") as pipe:
            return _kept(pipe, path.name, ctx)


def _kept(source: BinaryIO, name: str, ctx: click.Context | None) -> Path:
    """A copy that lives as long as the command."""
    folder = tempfile.TemporaryDirectory(prefix="lstm-stream-")
    (ctx or click.get_current_context()).with_resource(folder)
    target = Path(folder.name) / name
    with open(target, "wb") as file:
        shutil.copyfileobj(source, file)
    return target
