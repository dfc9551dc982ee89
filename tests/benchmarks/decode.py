"""CPU time that decoding takes, by what the events look like, beside reading their JSON alone.

    python -m tests.benchmarks.decode

Medians of many runs in turn; no broker takes part.
"""

import json
import time
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

import msgspec

from pipeline.events.decoder import Decoder
from pipeline.messages import Record
from pipeline.settings import Events

NOON = 1_769_860_800  # seconds since the epoch, 2026-01-31T12:00:00Z
RUNS, EVENTS = 41, 2000


class Case(NamedTuple):
    """Settings, and an event that they read; how many points it has."""

    name: str
    events: Events
    value: bytes
    points: int = 1


SIMPLE = {"series": "pump-7", "timestamp": "2026-01-31T12:00:00Z", "value": 4.5}
TELEGRAF = {
    "fields": {"usage_idle": 97.5, "usage_user": 1.5},
    "name": "cpu",
    "tags": {"cpu": "cpu0", "host": "web-1"},
    "timestamp": NOON,
}
NAME = "{name}/{tags.host}/{tags.cpu}"
IDLE = ("fields.usage_idle",)
CASES = (
    Case("today's simple event", Events(), json.dumps(SIMPLE).encode()),
    Case("seconds since the epoch", Events(), json.dumps(SIMPLE | {"timestamp": NOON}).encode()),
    Case("behind a schema's id", Events(), b"\0\0\0\0\7" + json.dumps(SIMPLE).encode()),
    Case("a bare number, named by its key", Events(series="{key}"), b"4.5"),
    Case(
        "a composite name and a filter",
        Events(series=NAME, values=IDLE, where=("name = cpu",)),
        json.dumps(TELEGRAF).encode(),
    ),
    Case(
        "a local time",
        Events(timezone="Europe/Berlin"),
        json.dumps(SIMPLE | {"timestamp": "2026-01-31 13:00:00"}).encode(),
    ),
    Case(
        "a point of 100 in a record",
        Events(series=NAME, values=IDLE, points=("metrics[]",)),
        json.dumps({"metrics": [TELEGRAF] * 100}).encode(),
        100,
    ),
)


def microseconds(read: Callable[[], object], points: int) -> float:
    """CPU time of one point."""
    count = max(1, EVENTS // points)
    started = time.process_time()
    for _ in range(count):
        read()
    return 1e6 * (time.process_time() - started) / count / points


def measured(case: Case) -> tuple[float, float]:
    """Medians of decoding, and of its JSON alone."""
    decoder, record = Decoder(case.events), Record("events", 0, 7, NOON * 1000, b"pump-7", case.value)
    assert len(decoder.decode(record).observations) == case.points
    json_alone = case.value.lstrip(b"\0\7")
    pairs = [
        (
            microseconds(lambda: decoder.decode(record), case.points),
            microseconds(lambda: msgspec.json.decode(json_alone), case.points),
        )
        for _ in range(RUNS)
    ]
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)


def main() -> None:
    """Print a Markdown table."""
    print("| an event of | us to decode | of that its JSON |\n|---|---|---|")
    for case in CASES:
        whole, alone = measured(case)
        print(f"| {case.name} | {whole:.2f} | {alone:.2f} |")


if __name__ == "__main__":
    main()
