"""Whatever style a table is written in, it is read as it was written or refused in one line; a damaged one, too."""

import math
import random
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.files.packing import TableError
from pipeline.files.tables import survey
from pipeline.files.telling import told_of
from tests.written_tables import Truth, written_table

FOLDER = Path(__file__).parent / "files"
TEXTS = sorted(file for file in FOLDER.iterdir() if file.suffix in (".csv", ".txt", ".tsv", ".json", ".jsonl", ".dat"))
JUNK = (
    *(
        "",
        "NA",
        "x",
        "-",
        "1e400",
        "inf",
        "9" * 30,
        "2024-02-30",
        "31/12/2024",
        "24:00",
        '"',
        "1,5",
        "1.234",
        "(5)",
        "$3",
    ),
    *("#", "{", "[", "\0", "9999-12-31", "0001-01-01", "12 AM", "Q5 2024", "2024-W60", "\u0661\u0662", "\u00b2", "1_0"),
    *("\ufeff", "+00:00", "2024", "Jan", "\r", "\n", ";", ",", "\t"),
)
SEEDS = st.integers(0, 2**32)
many = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


def seen(file: Path) -> Truth:
    return {
        (one.series, datetime.fromtimestamp(one.time / 1e6, UTC).replace(tzinfo=None)): (
            None if math.isnan(one.value) else one.value
        )
        for one in survey(file).read()
    }


@many
@given(SEEDS)
def test_a_table_is_read_as_it_was_written_or_refused(file: Path, seed: int) -> None:
    table = written_table(random.Random(seed))
    file.write_text(table.text, newline="")
    try:
        found = seen(file)
    except TableError:
        return
    assert found == table.truth


def test_most_tables_are_read(file: Path) -> None:
    read = 0
    for seed in range(100):
        file.write_text(written_table(random.Random(seed)).text, newline="")
        with suppress(TableError):
            read += bool(survey(file).length)
    assert read > 70


@many
@given(SEEDS)
def test_a_damaged_file_is_read_or_refused_in_one_line(file: Path, seed: int) -> None:
    rng = random.Random(seed)
    text = rng.choice(TEXTS).read_bytes().decode("latin-1")
    for _ in range(rng.randint(1, 4)):
        text = damaged(rng, text)
    file.write_text(text, newline="")
    try:
        lines = list(told_of(survey(file)))
    except TableError as refused:
        lines = [str(refused)]
    assert not any("\n" in line for line in lines)


def damaged(rng: random.Random, text: str) -> str:
    """With a line lost or twice, a cell of another kind, or cut off."""
    lines = text.split("\n")
    place = rng.randrange(len(lines))
    kind = rng.randrange(5)
    if kind == 0:
        return "\n".join(lines[:place] + lines[place + 1 :])
    if kind == 1:
        return "\n".join([*lines, lines[place]])
    if kind == 2:
        return text[: rng.randrange(len(text) + 1)]
    if kind == 3:
        at = rng.randrange(len(text) + 1)
        return text[:at] + rng.choice(JUNK) + text[at:]
    cells = lines[place].split(rng.choice(",;\t"))
    cells[rng.randrange(len(cells))] = rng.choice(JUNK)
    return "\n".join([*lines[:place], ",".join(cells), *lines[place + 1 :]])
