"""Fields that events lack: the series' name, the time, covariates, and what a filter asks for."""

import logging
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

from pipeline.fates import Fate
from pipeline.losses.ledger import CHECK, RUN, Ledger, Lines, at
from pipeline.settings import Events

DEFAULTS: Mapping[str, str] = MappingProxyType({"series": Events().series, "timestamp": Events().timestamp})
"""Fields that nobody named. Where no event has ever held them, the record stands in as documented: that is no loss."""


class StandIns:
    """Whether events tell their series and their time themselves, or their record stands in for them."""

    def __init__(self, events: Events, ledger: Ledger) -> None:
        self._events, self._ledger = events, ledger
        self._lacking: Counter[str] = Counter()  # records in a row without a field, by role
        self._having: Counter[str] = Counter()
        self._held: set[str] = set()  # fields that an event has held
        self._offset = -1

    def note(self, fate: Fate) -> Lines:
        """Take an observation that could be read; those of one record count as one."""
        if fate.offset == self._offset:
            return
        self._offset = fate.offset
        for role in fate.stood_in:
            if role in DEFAULTS:
                yield from self._lacks(role, fate.offset)
        if len(self._held) < len(DEFAULTS):
            self._held |= DEFAULTS.keys() - set(fate.stood_in)
        if self._lacking or self._having:
            for role in [role for role in (*self._lacking, *self._having) if role not in fate.stood_in]:
                yield from self._has(role)

    def _lacks(self, role: str, offset: int) -> Lines:
        self._lacking[role] += 1
        self._having.pop(role, None)
        if self._lacking[role] == RUN:
            path, instead = {
                "series": (self._events.series, "the records' keys name the series"),
                "timestamp": (self._events.timestamp, "the records' own times count"),
            }[role]
            message = (
                f"none of the last {RUN} events up to offset {offset} holds events.{role} = {path!r}, so {instead}: if"
                f" that is not meant, let events.{role} name another field; {CHECK}"
            )
            if role in self._held or path != DEFAULTS[role]:
                yield from self._ledger.tell(f"{role}_path", message)
            elif self._ledger.note_first(role):
                yield logging.WARNING, message

    def _has(self, role: str) -> Lines:
        """Well again is what was told once an event had the field so many times in a row."""
        self._lacking.pop(role, None)
        if f"{role}_path" in self._ledger:
            self._having[role] += 1
            if self._having[role] == RUN:
                del self._having[role]
                yield from self._ledger.is_well(f"{role}_path", f"events hold events.{role} now")


class Covariates:
    """Covariates that no event has."""

    def __init__(self, events: Events, ledger: Ledger) -> None:
        self._events, self._ledger = events, ledger
        self._lacking = [0] * len(events.covariates)  # events in a row without each
        self._complete = self._noted = 0

    def note(self, masked: tuple[bool, ...]) -> Lines:
        """Take which covariates the next event lacked."""
        self._noted += 1
        self._lacking = [run + 1 if lacks else 0 for run, lacks in zip(self._lacking, masked, strict=True)]
        named = [path for path, run in zip(self._events.covariates, self._lacking, strict=True) if run >= RUN]
        if named and RUN in self._lacking:
            yield from self._ledger.tell(
                "covariates",
                f"none of the last {RUN} events holds a number at {', '.join(named)} of events.covariates: correct the"
                f" path; {CHECK}",
                self._noted,
            )
        elif "covariates" in self._ledger:
            yield from self._unmask(masked)

    def _unmask(self, masked: tuple[bool, ...]) -> Lines:
        """A covariate that is there now and then is still missing: most events must hold them all for a while."""
        self._complete = max(self._complete - 1, 0) if any(masked) else self._complete + 1
        if self._complete >= RUN:
            self._complete = 0
            yield from self._ledger.is_well("covariates", "events hold their covariates now")


class Filter:
    """Skipped records are no loss; only where nothing else ever came, the filter may be wrong."""

    def __init__(self, events: Events, ledger: Ledger) -> None:
        self._events, self._ledger = events, ledger
        self._skipped = 0
        self.has_passed = False

    def passed(self) -> Lines:
        """The first record that is for us."""
        self.has_passed = True
        yield from self._ledger.is_well("skipped", "records pass the filter now")

    def skipped(self, fate: Fate) -> Lines:
        """One more that is not."""
        if self.has_passed:
            return
        self._skipped += 1
        if self._skipped == RUN:
            yield from self._ledger.tell(
                "skipped",
                f"all of the first {RUN} records were skipped; {at(fate)}: correct {self._setting(fate.detail)} if"
                f" that is not meant; {CHECK}",
            )

    def _setting(self, reason: str) -> str:
        events = self._events
        settings = {"where": f"events.where = {list(events.where)}", "absent": f"events.values = {list(events.values)}"}
        return settings.get(reason, f"events.points = {list(events.points)}")
