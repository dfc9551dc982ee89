"""Packed files are read whole or not at all; what is no text or no table is named."""

import bz2
import gzip
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.files.packing import TableError, unpacked

CONTENT = b"ts,v\n" + b"".join(b"%d,%d\n" % (1_700_000_000 + row * 60, row * 7919 % 1013) for row in range(2000))
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


def content(path: Path, encoding: str = "") -> bytes:
    with unpacked(path, encoding) as plain:
        return plain.path.read_bytes()


@pytest.mark.parametrize("pack", PACKED.values(), ids=PACKED)
def test_a_file_of_several_packed_parts_is_all_of_them(file: Path, pack: Callable[[bytes], bytes]) -> None:
    file.write_bytes(pack(CONTENT[:999]) + pack(CONTENT[999:]))
    assert content(file) == CONTENT


@given(st.sampled_from(sorted(PACKED)), st.floats(0.0, 0.999))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_packed_file_that_was_cut_off_anywhere_is_refused(file: Path, kind: str, share: float) -> None:
    packed = PACKED[kind](CONTENT)
    file.write_bytes(packed[: max(6, int(share * len(packed)))])
    with pytest.raises(TableError, match=r"is a damaged|cannot be read"):
        content(file)


@pytest.mark.parametrize(
    ("begin", "told"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "an Excel workbook; export"),
        (b"Rar!\x1a\x07", "a RAR archive; unpack"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"%PDF-1.7", "a PDF"),
        (b"SQLite format 3\x00", "an SQLite database"),
        (b"\x89HDF\r\n\x1a\n", "HDF5 or NetCDF"),
        (b"\x93NUMPY\x01", "a numpy array"),
        (b"Obj\x01\x04", "an Avro file"),
        (b"\xef\xbb\xbf <?xml version='1.0'?>", "HTML or XML"),
        (b"<html>", "HTML or XML"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS; fetch"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
def test_what_is_no_table_is_named(file: Path, begin: bytes, told: str, pack: Callable[[bytes], bytes]) -> None:
    file.write_bytes(pack(begin + b" and more"))
    with pytest.raises(TableError, match=told):
        content(file)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress])
def test_a_tar_archive_is_named_packed_or_not(file: Path, tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    inner = tmp_path / "inner.csv"
    inner.write_bytes(CONTENT)
    with tarfile.open(tmp_path / "plain", "w") as archive:
        archive.add(inner)
    file.write_bytes(pack((tmp_path / "plain").read_bytes()))
    with pytest.raises(TableError, match="a tar archive"):
        content(file)


def test_an_empty_zip_and_one_of_several_files_are_named(file: Path) -> None:
    with zipfile.ZipFile(file, "w"):
        pass
    with pytest.raises(TableError, match="an empty zip"):
        content(file)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.csv", "a")
        archive.writestr("b.csv", "b")
    with pytest.raises(TableError, match="holds 2 files"):
        content(file)


def test_a_zip_with_a_password_is_one_line(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.csv", CONTENT)
    packed = bytearray(file.read_bytes())
    packed[6] |= 1
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    file.write_bytes(packed)
    with pytest.raises(TableError, match=r"encrypted.*unpack it"):
        content(file)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16"])
def test_utf_16_is_read_with_its_mark_and_without(file: Path, encoding: str) -> None:
    file.write_bytes(CONTENT.decode().encode(encoding))
    assert content(file) == CONTENT


@given(st.text(min_size=1), st.sampled_from(["utf-16", "utf-32", "ascii", "cp1252", "utf-7", "shift_jis", "idna", "x"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_text_in_another_encoding_than_was_said_is_read_or_refused(file: Path, text: str, encoding: str) -> None:
    file.write_bytes(b"date,v\n" + text.encode(errors="replace"))
    with suppress(TableError):
        content(file, encoding)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("# by me\n# date,v\n2024-01-01,1\n", "\ndate,v\n2024-01-01,1\n"),
        ("#t v w\n1 2 3\n2 3 4\n", "t\tv\tw\n1\t2\t3\n2\t3\t4\n"),
        ("# by me, and you\ndate,v\n2024-01-01,1\n", "\ndate,v\n2024-01-01,1\n"),
        ("# one, two, three\n2024-01-01,1\n", "\n2024-01-01,1\n"),
        ("date,v\n# amid, it\n2024-01-01,1\n", "date,v\n\n2024-01-01,1\n"),
    ],
)
def test_the_last_comment_above_rows_of_as_many_cells_is_their_header(file: Path, text: str, kept: str) -> None:
    file.write_text(text)
    assert content(file).decode() == kept
