"""Checkpoints of each format that there was: the present one goes on, an older one is refused with the way out.

`tests/formats` holds one of each, of 200 events (`events`) with the settings `SETTINGS`.
"""

import json
import math
from pathlib import Path

import pytest

from lstm_stream.header import FORMAT
from pipeline.checkpoints import read
from pipeline.fingerprints import FingerprintError
from pipeline.messages import Record
from pipeline.settings import Events, Model, Settings
from pipeline.shard import Shard

STORED = Path(__file__).parent / "formats"
SETTINGS = Settings(
    events=Events(timestamp_format="s"),
    model=Model(horizon=3, hidden_size=4, window=8, windows=4, replay=4, memory=32, learning_rate=3e-3),
)
EVENTS = 200


def events(begin: int, end: int) -> list[Record]:
    """Of two hourly series."""
    return [_record(i, {"series": f"s{i % 2}", "timestamp": _time(i), "value": _value(i)}) for i in range(begin, end)]


def _record(offset: int, event: dict[str, object]) -> Record:
    return Record("events", 0, offset, -1, None, json.dumps(event).encode())


def _time(i: int) -> int:
    return 1_704_067_200 + 3600 * (i // 2)


def _value(i: int) -> float:
    return math.sin(i / 3) + i % 2


def stored(number: int) -> Shard:
    checkpoint = read(str(STORED / f"format-{number}.safetensors"))
    return Shard.load("events", 0, checkpoint.header, checkpoint.arrays, SETTINGS)


def test_each_format_has_a_stored_file() -> None:
    assert {file.stem for file in STORED.iterdir()} == {f"format-{number}" for number in range(5, FORMAT + 1)}


@pytest.mark.parametrize("number", range(5, FORMAT))
def test_an_older_format_is_refused_with_the_way_out(number: int) -> None:
    with pytest.raises(FingerprintError, match=rf"format {number}, and this version reads {FORMAT}; .*--rebuild"):
        stored(number)


def test_the_present_format_goes_on_where_it_was() -> None:
    shard = stored(FORMAT)
    assert shard.next_offset == EVENTS
    fold = shard.fold(events(EVENTS, EVENTS + 10), "every")
    assert len(fold.forecasts) == 10
    assert fold.counts.late == fold.counts.repeated == 0
    kept = shard.bank.diagnostics.recent("s1", 10)[1]
    assert kept.tolist() == pytest.approx([_value(i) for i in range(EVENTS - 9, EVENTS + 10, 2)], abs=1e-5)
