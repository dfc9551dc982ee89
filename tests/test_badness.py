"""Whatever a producer sends ends as a forecast or as one dead letter with its reason, and the daemon lives."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from msgspec import structs

from pipeline import settings
from pipeline.cluster import Writer, create_topics, read_topic
from pipeline.embedded import EmbeddedBroker
from pipeline.messages import Outgoing, Record, decode_forecast
from pipeline.settings import Settings

NOON = 1_769_860_800  # seconds since the epoch, 2026-01-31


class Case(NamedTuple):
    """A record, and the reasons of its dead letters; None: it is a good one."""

    name: str
    value: bytes | None
    reason: str | None
    key: bytes | None = b"fallback"


def event(**fields: object) -> bytes:
    """An event; a field set to ... is left out."""
    whole = {"series": "s", "timestamp": NOON, "value": 1.5} | fields
    return json.dumps({name: value for name, value in whole.items() if value is not ...}).encode()


def number(text: str) -> bytes:
    """An event whose value is spelt so."""
    return b'{"series": "n", "timestamp": 1769860800, "value": ' + text.encode() + b"}"


CASES = (
    Case("not UTF-8", b'{"series": "\xff\xfe", "value": 1}', "not_utf8"),
    Case("not JSON", b"temperature=20", "not_json"),
    Case("an array", b"[]", "not_an_object"),
    Case("null", b"null", "not_an_object"),
    Case("NaN", number("NaN"), "value_out_of_range"),
    Case("Infinity", number("-Infinity"), "value_out_of_range"),
    Case("1e400", number("1e400"), "value_out_of_range"),
    Case("a bool", event(value=True), "bad_value"),
    Case("a string number", event(series="text", value="1.5"), None),
    Case("a null value first", event(series="null", value=None), "null_before_first_value"),
    Case("no value", event(value=...), "missing_value"),
    Case("no series, but a key", event(series=...), None),
    Case("no series and no key", event(series=...), "missing_series", None),
    Case("an object for a value", event(value={"v": 1}), "bad_value"),
    Case("a list for a series", event(series=["s"]), "bad_series"),
    Case("no timestamp", event(series="now", timestamp=...), None),
    Case("a negative timestamp", event(timestamp=-5), "negative_timestamp"),
    Case("a timestamp in words", event(timestamp="noon"), "bad_timestamp"),
    Case("milliseconds", event(series="ms", timestamp=NOON * 1000), None),
    Case("microseconds", event(series="us", timestamp=NOON * 10**6), None),
    Case("nanoseconds", event(series="ns", timestamp=NOON * 10**9), None),
    Case("the year 2300", event(timestamp="2300-01-01T00:00:00Z"), "timestamp_ahead"),
    Case("2 MB", event(series="big", padding="x" * 2_000_000), None),
    Case("2 MB of rubbish", b"x" * 2_000_000, "not_json"),
    Case("a key of 64 KB", event(series=...), "series_too_long", b"k" * 65_536),
    Case("a key of an emoji", event(series=...), None, "🌡".encode()),
    Case("empty", b"", "empty"),
    Case("a tombstone", None, "empty"),
)


@pytest.fixture(scope="module")
def outcome(tansu: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Record], list[Record]]:
    """Forecasts and dead letters of one run of the daemon over all of the cases."""
    folder = tmp_path_factory.mktemp("badness")
    chosen = tansu.settings_for(Settings())
    topics = {"input": "bad-in", "forecasts": "bad-out", "dead_letters": "bad-dead"}
    kafka = structs.replace(chosen.kafka, **topics, group="bad", partitions=1)
    model = structs.replace(chosen.model, hidden_size=8, horizon=3)
    kept = structs.replace(chosen.checkpoints, url=str(folder / "checkpoints"))
    chosen = structs.replace(
        chosen, kafka=kafka, model=model, checkpoints=kept, web=structs.replace(chosen.web, port=0)
    )
    create_topics(chosen)
    with Writer(chosen, kafka.input) as writer:
        for case in CASES:
            writer.write(Outgoing(case.key, case.value))
    file = folder / "settings.toml"
    file.write_text(settings.to_toml(chosen, mask=False))
    command = [sys.executable, "-m", "pipeline", "run", "--drain", "-c", str(file)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, cwd=Path(__file__).parent.parent, env=os.environ
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return list(read_topic(chosen, kafka.forecasts)), list(read_topic(chosen, kafka.dead_letters))


def reason(letter: Record) -> str:
    return dict(letter.headers)["lstm_stream.reason"].decode()


@pytest.mark.parametrize(("offset", "case"), enumerate(CASES), ids=[case.name for case in CASES])
def test_each_kind_of_badness_ends_as_a_forecast_or_as_one_dead_letter(
    offset: int, case: Case, outcome: tuple[list[Record], list[Record]]
) -> None:
    forecasts, letters = outcome
    sources = [decode_forecast(record.value or b"").source.offset for record in forecasts]
    reasons = [reason(one) for one in letters if dict(one.headers)["lstm_stream.offset"] == str(offset).encode()]
    assert (sources.count(offset), reasons) == ((1, []) if case.reason is None else (0, [case.reason]))


def test_a_dead_letter_is_what_came(outcome: tuple[list[Record], list[Record]]) -> None:
    for letter in outcome[1]:
        headers = dict(letter.headers)
        case = CASES[int(headers["lstm_stream.offset"])]
        assert letter.key == case.key
        whole = case.value or b""
        assert whole.startswith(letter.value or b"")
        assert letter.value == case.value or "lstm_stream.truncated" in headers


def test_no_forecast_is_nan(outcome: tuple[list[Record], list[Record]]) -> None:
    for record in outcome[0]:
        message = decode_forecast(record.value or b"")
        numbers = [*message.mean, *(number for level in message.quantiles.values() for number in level)]
        assert all(math.isfinite(number) for number in numbers)
