"""Observations that are left out: the first of each kind, and large shares of late, repeated and dead ones."""

import logging
from collections import Counter, deque

from pipeline.dead_letters import REMEDIES
from pipeline.fates import LATE, REPEATED, Fate
from pipeline.losses.ledger import CHECK, WINDOW, Ledger, Lines, at
from pipeline.settings import Events

MOST_LATE = WINDOW // 5
"""Late and repeated ones of a window that are not told yet; it is well again at half of them."""
MOST_DEAD = WINDOW // 2
"""The same for dead letters of one reason."""
LATE_OR_REPEATED = "late_or_repeated"
UPDATES = (
    "; if they update events already seen, as windows of ksqlDB and Kafka Streams do, let the producer emit final"
    " results alone; if they come more often than when their series began, set events.step"
)


class Shares:
    """What the last `WINDOW` observations came to."""

    def __init__(self, events: Events, ledger: Ledger) -> None:
        self._events, self._ledger = events, ledger
        self._recent: deque[str] = deque()
        self._counts: Counter[str] = Counter()

    def count(self, came_to: str) -> None:
        """One more observation came to this."""
        self._recent.append(came_to)
        self._counts[came_to] += 1
        if len(self._recent) > WINDOW:
            self._counts[self._recent.popleft()] -= 1

    def first(self, fate: Fate) -> Lines:
        """The first dead letter of each reason, the first late and the first repeated one."""
        if not self._ledger.note_first(fate.came_to):
            return
        if fate.came_to in (LATE, REPEATED):
            before = "before" if fate.came_to == LATE else "as"
            yield logging.INFO, f"the first {fate.came_to} observation: {at(fate)}, {before} its last; nothing changes"
        else:
            yield logging.WARNING, f"the first dead letter `{fate.came_to}`: {at(fate)}"

    def too_many(self, fate: Fate) -> Lines:
        """Shares of what was left out that are too large."""
        came_to, counts, of = fate.came_to, self._counts, f"of the last {len(self._recent)} observations"
        if came_to in (LATE, REPEATED):
            if counts[LATE] + counts[REPEATED] > MOST_LATE:
                yield from self._ledger.tell(
                    LATE_OR_REPEATED,
                    f"{of} {counts[LATE]} were late and {counts[REPEATED]} repeated, and are left out; {at(fate)} was"
                    f" {came_to}: if several things share this name, let events.series name more fields (now"
                    f" {self._events.series!r}){UPDATES if counts[REPEATED] > counts[LATE] else ''}; {CHECK}",
                )
        elif counts[came_to] > MOST_DEAD:
            found = f"{of} {counts[came_to]} became dead letters, `{came_to}`; {at(fate)}"
            yield from self._ledger.tell(came_to, f"{found}: {REMEDIES[came_to]}; {CHECK}")

    def few(self) -> Lines:
        """Shares that have fallen to half of what is told."""
        if self._counts[LATE] + self._counts[REPEATED] <= MOST_LATE // 2:
            yield from self._ledger.is_well(LATE_OR_REPEATED, "few observations are late or repeated now")
        for what in [loss.what for loss in self._ledger.told()]:
            if what in REMEDIES and self._counts[what] <= MOST_DEAD // 2:
                yield from self._ledger.is_well(what, f"few dead letters `{what}` now")
