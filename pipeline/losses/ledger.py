"""What is lost of a partition now, and what of it has been logged."""

import logging
from collections.abc import Iterator

import msgspec

from pipeline.fates import Fate

WINDOW = 200
"""Observations that shares are taken of; a loss that comes back within so many is not logged again."""
RUN = 100
"""Records in a row that lack a field, or have it, until that is believed; also of skipped ones at the start."""
CHECK = "`lstm-stream check` shows what is there"

Lines = Iterator[tuple[int, str]]
"""Levels and lines for the log."""


class Loss(msgspec.Struct, frozen=True):
    """Something that much of a partition is lost by, or misread.

    Attributes
    ----------
    what
        A reason of dead letters, or one of "late_or_repeated", "skipped", "series_path", "timestamp_path",
        "paths", "covariates", "restarts", "clock_ahead", "single_events", "nothing_scored".
    message
        What was found, an example, and which setting mends it.
    """

    what: str
    message: str


class Ledger:
    """The losses that hold of a partition, for the rules that find them."""

    def __init__(self) -> None:
        self._told: dict[str, Loss] = {}
        self._noted = 0
        self._seen: set[str] = set()  # what has been told once as the first of its kind
        self._logged: dict[str, tuple[int, int]] = {}  # how often a loss was logged, and after how much it is again
        self._silent: set[str] = set()  # what holds and was not logged

    def __contains__(self, what: str) -> bool:
        return what in self._told

    def __len__(self) -> int:
        return len(self._told)

    def told(self) -> tuple[Loss, ...]:
        """What holds now."""
        return tuple(self._told.values())

    def count(self) -> None:
        """One more observation or skipped record was noted."""
        self._noted += 1

    def note_first(self, what: str) -> bool:
        """Note something of this kind; whether it is the first."""
        if what in self._seen:
            return False
        self._seen.add(what)
        return True

    def tell(self, what: str, message: str, noted: int | None = None) -> Lines:
        """Note a loss. One that comes and goes is logged ever more seldom, so that it never fills the log.

        Parameters
        ----------
        noted
            What was noted before it, if that is not what `count` counts.
        """
        if what in self._told:
            return
        self._told[what] = Loss(what, message)
        now = self._noted if noted is None else noted
        times, again = self._logged.get(what, (0, 0))
        if now < again:
            self._silent.add(what)
            return
        self._logged[what] = (times + 1, now + WINDOW * 2**times)
        yield logging.WARNING, message

    def is_well(self, what: str, message: str) -> Lines:
        """Note that a loss holds no more, if it did."""
        if self._told.pop(what, None) is None:
            return
        if what in self._silent:
            self._silent.remove(what)
        else:
            yield logging.INFO, message


def at(fate: Fate) -> str:
    """Where and what, as an example."""
    return f"offset {fate.offset}: {fate.detail}"
