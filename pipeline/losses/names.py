"""Names of series that are none: each has one event, starts again and again, or nothing forecast of it ever comes."""

from pipeline.fates import Fate
from pipeline.losses.ledger import CHECK, Ledger, Lines
from pipeline.settings import Events

BLOCK = 1000
"""Observations over which beginnings of series are counted."""
BLOCKS = 10
"""Blocks in a row of hardly anything but new series, until their names are held to be ids."""
PATIENCE = 100
"""Observations a series, on the mean, within which a first forecast must have been scored: 64 suffice."""


class Names:
    """What the beginnings of series, and the scores of their forecasts, say of how they are named.

    Attributes
    ----------
    series
        How many there are; None before the first fold.
    """

    def __init__(self, events: Events, ledger: Ledger) -> None:
        self._events, self._ledger = events, ledger
        self._count = self._began = self._restarted = self._blocks = 0
        self._unscored: int | None = 0
        self.series: int | None = None

    def note(self, fate: Fate) -> Lines:
        """Take an observation with a forecast."""
        self.series = (self.series or 0) + fate.began
        self._count += 1
        self._began += fate.began
        self._restarted += fate.restarted
        if self._count == BLOCK:
            yield from self._end_block(fate.offset)

    def _end_block(self, offset: int) -> Lines:
        began, restarted = self._began, self._restarted
        self._count = self._began = self._restarted = 0
        self._blocks = self._blocks + 1 if began > 0.9 * BLOCK else 0
        if self._blocks == BLOCKS:
            yield from self._ledger.tell(
                "single_events",
                f"{self.series:,} series, and hardly one has a second event (offset {offset}): events.series ="
                f" {self._events.series!r} probably names an id that each event has of its own; {CHECK}",
            )
        elif self._blocks == 0:
            yield from self._ledger.is_well("single_events", "series have more than one event now")
        if restarted > BLOCK // 5:
            yield from self._ledger.tell(
                "restarts",
                f"{restarted} of {BLOCK} observations up to offset {offset} made their series start again, as gaps of"
                f" more than events.max_gap ({self._events.max_gap}) steps do: raise it, set events.step to the usual"
                f" distance, or let events.series name more fields; {CHECK}",
            )
        elif restarted <= BLOCK // 10:
            yield from self._ledger.is_well("restarts", "few series start again now")

    def scored(self, fate: Fate) -> Lines:
        """Whether anything of what is forecast ever comes."""
        if self._unscored is None:
            return
        if fate.scored:
            self._unscored = None
            yield from self._ledger.is_well("nothing_scored", "what was forecast comes, and is scored now")
            return
        self._unscored += 1
        if self._unscored > PATIENCE * max(self.series or 1, BLOCK // PATIENCE):
            yield from self._ledger.tell(
                "nothing_scored",
                f"{self._unscored:,} observations of {self.series:,} series, and not one forecast could be scored:"
                f" nothing that is forecast ever comes; correct events.series and events.timestamp; {CHECK}",
            )
