"""Files that hold no text, or no table: known by their first bytes, and what to do with each."""

from typing import NamedTuple


class OtherKind(NamedTuple):
    """What a file is, and what makes a table of it."""

    what: str
    fix: str


_EXPORT = "export the sheet as CSV"
_UNPACK = "unpack it and give one file"
_WRITE = "write the table as CSV or Parquet"
_BY_BEGIN = {
    b"\xd0\xcf\x11\xe0": OtherKind("an Excel workbook", _EXPORT),
    b"PK\x05\x06": OtherKind("an empty zip archive", "give a file"),
    b"Rar!": OtherKind("a RAR archive", _UNPACK),
    b"7z\xbc\xaf": OtherKind("a 7z archive", _UNPACK),
    b"%PDF": OtherKind("a PDF", _WRITE),
    b"{\\rtf": OtherKind("rich text", _WRITE),
    b"SQLite format 3\x00": OtherKind("an SQLite database", _WRITE),
    b"\x89HDF\r\n": OtherKind("an HDF5 or NetCDF file", _WRITE),
    b"CDF\x01": OtherKind("a NetCDF file", _WRITE),
    b"CDF\x02": OtherKind("a NetCDF file", _WRITE),
    b"GRIB": OtherKind("a GRIB file", _WRITE),
    b"\x93NUMPY": OtherKind("a numpy array", _WRITE),
    b"ARROW1\x00\x00": OtherKind("an Arrow file", _WRITE),
    b"Obj\x01": OtherKind("an Avro file", _WRITE),
    b"ORC": OtherKind("an ORC file", _WRITE),
    b"version https://git-lfs.github.com": OtherKind("a pointer of Git LFS", "fetch the file itself with git lfs pull"),
}
_TAR = OtherKind("a tar archive", _UNPACK)
_MARKUP = OtherKind("HTML or XML", f"{_EXPORT}, or download the data and not its page")
HEAD = 512
"""Bytes that are looked at."""


def other_kind(head: bytes) -> OtherKind | None:
    """What a file with these first bytes is, where it is no table."""
    if head[257:262] == b"ustar":
        return _TAR
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<":
        return _MARKUP
    return next((kind for begin, kind in _BY_BEGIN.items() if head.startswith(begin)), None)


def utf_16_without_mark(head: bytes) -> str:
    """The encoding of text of which nearly every other byte is 0; empty where that is not so."""
    for name, first in (("utf-16-le", 1), ("utf-16-be", 0)):
        zeros, letters = head[first::2], head[1 - first :: 2]
        if len(head) > 3 and zeros.count(0) > 0.9 * len(zeros) and letters.count(0) == 0:
            return name
    return ""
