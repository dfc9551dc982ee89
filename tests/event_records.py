"""Records of one event, and what is read of them."""

import json

from pipeline.events.decoder import Decoded, Decoder
from pipeline.messages import Record
from pipeline.settings import Events

NOON = 1769860800  # 2026-01-31T12:00:00Z in seconds

MICROS = NOON * 1_000_000


def record(value: object, key: bytes | None = None, timestamp: int = NOON * 1000) -> Record:
    """Make a record; anything but bytes becomes JSON."""
    raw = value if value is None or isinstance(value, bytes) else json.dumps(value).encode()
    return Record("events", 3, 41, timestamp, key, raw)


def decoded(value: object, key: bytes | None = None, timestamp: int = NOON * 1000) -> Decoded:
    return Decoder().decode(record(value, key, timestamp))


def reason(value: object, key: bytes | None = None, timestamp: int = NOON * 1000) -> str:
    """Give the reason of the only reject."""
    found = decoded(value, key, timestamp)
    (reject,) = found.rejects
    assert found.observations == ()
    return reject.reason


def rejected(value: object, events: Events, key: bytes | None = None) -> list[tuple[str, int | None]]:
    return [(one.reason, one.index) for one in Decoder(events).decode(record(value, key)).rejects]
