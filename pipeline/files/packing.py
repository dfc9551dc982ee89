"""Files as plain bytes that a reader can open by name: unpacked, in UTF-8, without comment lines or fixed columns.

The first bytes of a file say what it is, whatever its name is: gzip, bzip2, xz, Zstandard, a zip archive of one file,
Parquet, or text.
"""

import bz2
import codecs
import gzip
import lzma
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple, cast

import zstandard

from pipeline.files.other_kinds import HEAD as KIND_HEAD
from pipeline.files.other_kinds import other_kind, utf_16_without_mark

PARQUET = b"PAR1"
ZIP = b"PK\x03\x04"
KINDS = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd", ZIP: "zip"}
"""By their first bytes."""
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, zstandard.ZstdError, zipfile.BadZipFile)
WILDCARDS = re.compile(r"[*?\[\]{}]")
HEAD = 65_536  # bytes in which comment lines are looked for
CHUNK = 1 << 20
LINES = 50
"""Whose columns are counted where they may be set apart by spaces."""
MARKS = re.compile(r"[,;\t|{\"]")


class TableError(Exception):
    """A file that is not a table of time series; the message names file, line and fix, in one line."""

    def __init__(self, message: str) -> None:
        super().__init__(message.replace("\r", "").replace("\n", "\\n").replace("\0", "\\0"))


class Plain(NamedTuple):
    """A file that can be read as it lies.

    Attributes
    ----------
    path
        Where it lies, for as long as it is open.
    is_parquet
        Else it is UTF-8 text.
    comments
        Lines that began with `#`; they are empty now, so that the others keep their numbers.
    """

    path: Path
    is_parquet: bool
    comments: int


@contextmanager
def unpacked(path: Path, encoding: str = "") -> Iterator[Plain]:
    """Open a file in plain form; what had to be written for that is deleted afterwards.

    Parameters
    ----------
    path
        Of the file.
    encoding
        Of its text; empty: UTF-8, or UTF-16 where it begins with the mark of that.

    Raises
    ------
    TableError
        When it cannot be read, is damaged, or is no such text.
    """
    with tempfile.TemporaryDirectory(prefix="lstm-stream-") as folder, _refusing(path, encoding):
        kind = _kind(path)
        plain = _unpacked(path, kind, Path(folder) / "unpacked") if kind else path
        if _head(plain, 4) == PARQUET:
            yield Plain(_named_plainly(plain, Path(folder)), True, 0)
            return
        _refuse_other_kinds(path, plain)
        plain = _in_utf_8(plain, encoding, Path(folder))
        comments, plain = _without_comments(plain, Path(folder))
        plain = _with_tabs(plain, Path(folder))
        yield Plain(_named_plainly(plain, Path(folder)), False, comments)


@contextmanager
def _refusing(path: Path, encoding: str) -> Iterator[None]:
    try:
        yield
    except UnicodeError as error:
        raise _in_no_such_encoding(path, encoding, error) if encoding else not_utf_8(path) from None
    except LookupError as error:
        raise TableError(f"{path}: {error}; name an encoding that Python knows, such as latin-1") from None
    except DAMAGED as error:
        raise TableError(f"{path} is a damaged {_kind(path)} file: {error}") from None
    except OSError as error:
        raise TableError(f"{path} cannot be read: {error.strerror or error}") from None


def not_utf_8(path: Path) -> TableError:
    """What is said of text in another encoding."""
    return TableError(f"{path} is not UTF-8 text; name its encoding, such as --encoding latin-1, or save it in UTF-8")


def _in_no_such_encoding(path: Path, encoding: str, error: UnicodeError) -> TableError:
    return TableError(f"{path} is not {encoding} text ({error}); name another --encoding, or save it in UTF-8")


def _refuse_other_kinds(path: Path, plain: Path) -> None:
    if kind := other_kind(_head(plain, KIND_HEAD)):
        raise TableError(f"{path} is {kind.what}; {kind.fix}")


def _head(path: Path, count: int) -> bytes:
    with open(path, "rb") as file:
        return file.read(count)


def _kind(path: Path) -> str:
    """How it is packed; empty: not at all."""
    head = _head(path, 8)
    return next((kind for magic, kind in KINDS.items() if head.startswith(magic)), "")


def _unpacked(path: Path, kind: str, target: Path) -> Path:
    if kind != "zstd":
        return _copied(_opened(path, kind), target)
    _copy_zstd(path, target)
    return target


def _opened(path: Path, kind: str) -> IO[bytes]:
    if kind == "gzip":
        return cast(IO[bytes], gzip.open(path))
    if kind == "bzip2":
        return bz2.open(path)
    if kind == "xz":
        return lzma.open(path)
    return _of_archive(path)


def _copy_zstd(path: Path, target: Path) -> None:
    """Unpack frame by frame: `zstandard.open` would take a file that was cut off for a shorter one."""
    with open(path, "rb") as source, open(target, "wb") as file:
        frame = zstandard.ZstdDecompressor().decompressobj()
        while packed := source.read(CHUNK):
            while packed:
                file.write(frame.decompress(packed))
                packed = frame.unused_data if frame.eof else b""
                if packed:
                    frame = zstandard.ZstdDecompressor().decompressobj()
        if not frame.eof:
            raise EOFError("it ends within a frame")


def _of_archive(path: Path) -> IO[bytes]:
    archive = zipfile.ZipFile(path)
    names = [one.filename for one in archive.infolist() if not one.is_dir()]
    if "[Content_Types].xml" in names:
        raise TableError(f"{path} is an Excel workbook; export the sheet as CSV")
    files = [name for name in names if not name.startswith("__MACOSX/")]
    if len(files) != 1:
        raise TableError(f"{path} holds {len(files)} files; pack one table alone, or unpack it")
    try:
        return archive.open(files[0])
    except (RuntimeError, NotImplementedError) as error:  # with a password, or packed in a way that Python cannot read
        raise TableError(f"{path} cannot be unpacked: {error}; unpack it and give the file") from None


def _copied(source: IO[bytes], target: Path) -> Path:
    with source, open(target, "wb") as file:
        shutil.copyfileobj(source, file, CHUNK)
    return target


def _in_utf_8(path: Path, encoding: str, folder: Path) -> Path:
    chosen = encoding or (
        "utf-16" if _head(path, 2) in UTF_16 else utf_16_without_mark(_head(path, KIND_HEAD)) or "utf-8"
    )
    if codecs.lookup(chosen).name == "utf-8":
        return path
    target = folder / "utf-8"
    with open(path, encoding=chosen, newline="") as source, open(target, "w", encoding="utf-8", newline="") as file:
        shutil.copyfileobj(source, file, CHUNK)
    return target


def _without_comments(path: Path, folder: Path) -> tuple[int, Path]:
    if not re.search(rb"(^|[\r\n])(\xef\xbb\xbf)?#", _head(path, HEAD)):
        return 0, path
    header = _commented_header(path)
    target, count = folder / "without-comments", 0
    with (
        open(path, encoding="utf-8-sig", newline="") as source,
        open(target, "w", encoding="utf-8", newline="") as file,
    ):
        for number, line in enumerate(source):
            if number == header:
                line = line.lstrip("# ")
            is_comment = line.startswith("#")
            count += is_comment
            file.write(line[len(line.rstrip("\r\n")) :] if is_comment else line)
    return count, target


def _commented_header(path: Path) -> int:
    """The number of the comment that names the columns, as numpy writes it: the last one above rows of as many numbers.

    -1 where none does.
    """
    with open(path, encoding="utf-8-sig", newline="") as source:
        lines = list(islice(source, LINES))
    first = next((number for number, line in enumerate(lines) if not line.startswith("#")), 0)
    if not first:
        return -1
    names, cells = (re.split(r"[,;\t|]|(?<=\S) +(?=\S)", line.strip("# \r\n")) for line in lines[first - 1 : first + 1])
    return first - 1 if len(names) == len(cells) > 1 and _HAS_DATA.search(lines[first]) else -1


_HAS_DATA = re.compile(r"^[\s\"']*[-+]?\d")


def _with_tabs(path: Path, folder: Path) -> Path:
    """Columns that are set apart by spaces, set apart by tabs; the same file where they are not."""
    head = _head(path, HEAD).decode(errors="replace").splitlines()[:-1][:LINES]
    lines = [line for line in head if line.strip()]
    widths = {len(line.split()) for line in lines}
    if len(lines) < 2 or len(widths) != 1 or widths == {1} or any(MARKS.search(line) for line in lines):
        return path
    target = folder / "with-tabs"
    with open(path, encoding="utf-8-sig") as source, open(target, "w", encoding="utf-8") as file:
        for line in source:
            file.write("\t".join(line.split()) + "\n")
    return target


def _named_plainly(path: Path, folder: Path) -> Path:
    """The same file under a name that holds none of the characters that stand for others."""
    if not WILDCARDS.search(str(path)):
        return path
    with open(path, "rb") as source:
        return _copied(source, folder / "plain")
