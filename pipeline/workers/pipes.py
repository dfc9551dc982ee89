"""What a parent and each of its workers tell each other: one JSON object a line.

The parent writes an `Order` to the worker's standard input, and then leaves it open: its end tells the worker that the
parent is gone. `Changed` may follow, when the settings were read again. The worker writes to its standard output: `Up`
once it answers, `Ended` as the last.
"""

import io

import msgspec

from pipeline.settings import Settings

HOST = "127.0.0.1"  # where a worker answers: only the parent asks


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker is to do.

    Attributes
    ----------
    settings
        Those that the parent has read; with its own `kafka.instance` where that is set.
    number
        Which of the workers it is, from 0.
    instance
        Its name in the group: of its clients and its transactions.
    parent
        Process id of the parent.
    replaces
        Whether a worker of this name has ended before without leaving the group.
    rebuild, version
        As given to the parent.
    """

    settings: Settings
    number: int
    instance: str
    parent: int
    replaces: bool
    rebuild: bool
    version: str


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """Settings that the parent has read again; what can change while a worker runs is to be in force."""

    settings: Settings


class Up(msgspec.Struct, frozen=True, tag=True):
    """The worker answers HTTP on this port of 127.0.0.1."""

    port: int


class Ended(msgspec.Struct, frozen=True, tag=True):
    """The worker has come to an end by itself: its exit code, why it failed, and its last page of metrics."""

    code: int
    message: str = ""
    metrics: str = ""


Said = Up | Ended
_SAID: msgspec.json.Decoder[Said] = msgspec.json.Decoder(Said)


def written(message: Order | Changed | Said) -> bytes:
    """Write a message as a line."""
    return msgspec.json.encode(message) + b"\n"


def read_order(pipe: io.RawIOBase) -> Order:
    """Read the parent's line."""
    return msgspec.json.decode(pipe.readline(), type=Order)


def read_changed(line: bytes) -> Changed:
    """Read a later line of the parent."""
    return msgspec.json.decode(line, type=Changed)


def read_said(line: bytes) -> Said:
    """Read a line of a worker."""
    return _SAID.decode(line)
