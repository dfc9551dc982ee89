"""The numbers at the head of a dump."""

from collections.abc import Mapping

import msgspec

from lstm_stream.hyperparameters import Hyperparameters

FORMAT = 10
"""Of a dump."""


class DumpError(ValueError):
    """A dump that this version cannot load."""


class Header(msgspec.Struct, frozen=True):
    """What is neither an array nor follows from one."""

    format: int
    rules: Hyperparameters
    next_lesson: int
    offered: int
    counts: list[int]
    folded: int
    next_fold: int
    read: int
    next_reading: int
    updates: int
    skipped: int
    groups: int
    weights: str  # digest of those of the pretrained network; "": there is none


def check_format(header: Mapping[str, object]) -> None:
    """Look whether this version reads a dump with this header.

    Raises
    ------
    DumpError
        It does not.
    """
    if header.get("format") != FORMAT:
        raise DumpError(f"the dump has format {header.get('format')}, and this version reads {FORMAT}")
