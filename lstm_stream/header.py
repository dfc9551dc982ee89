"""The numbers at the head of a dump."""

from collections.abc import Mapping

import msgspec

from lstm_stream.hyperparameters import Hyperparameters

FORMAT = 8
"""Of a dump."""
FIRST_WEIGHTS = "273e73a3c8612219"
"""Digest of the pretrained network's weights on which a dump rests that tells none."""


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
    weights: str = FIRST_WEIGHTS

    @property
    def digest(self) -> str:
        """Of the pretrained network's weights; "": there is none."""
        return self.weights if self.rules.pretrained else ""


def check_format(header: Mapping[str, object]) -> None:
    """Look whether this version reads a dump with this header.

    Raises
    ------
    DumpError
        It does not.
    """
    if header.get("format") != FORMAT:
        raise DumpError(f"the dump has format {header.get('format')}, and this version reads {FORMAT}")
