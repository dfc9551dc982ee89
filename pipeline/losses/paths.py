"""Paths of events that may lack what they lead to, where no event has it: then the path may be wrong."""

from pipeline.events.fields import Optional, template
from pipeline.fates import Fate
from pipeline.losses.ledger import CHECK, RUN, Ledger, Lines
from pipeline.settings import Events

NOWHERE = "paths"


class Paths:
    """Value paths that events may lack (`events.absent`), and parts of names that they may lack (`{tags.cpu?}`)."""

    def __init__(self, events: Events, ledger: Ledger) -> None:
        self._ledger = ledger
        several = events.absent == "skip" and len(events.values) > 1
        self._values = set(events.values) if several else set()  # not seen yet
        fields = template(events.series, events.key).fields
        self._parts = {field.text for field in fields if isinstance(field, Optional)}
        self._records, self._offset = 0, -1

    def note(self, fate: Fate) -> Lines:
        """Take an observation, or a dead letter: a value that is none is there all the same."""
        if not self._values and not self._parts:
            return
        if fate.series:
            self._values = {path for path in self._values if not fate.series.endswith(f"/{path}")}
            self._parts &= set(fate.stood_in)
        self._values.discard(fate.field or "")
        if fate.offset != self._offset:
            self._offset, self._records = fate.offset, self._records + 1
        if self._records == RUN and fate.series:
            yield from self._tell()
        if not self._values and not self._parts:
            yield from self._ledger.is_well(NOWHERE, "each path of events.values and events.series leads to something")

    def _tell(self) -> Lines:
        settings = (("events.values", self._values), ("events.series", self._parts))
        found = " and ".join(f"{', '.join(sorted(paths))} of {setting}" for setting, paths in settings if paths)
        if found:
            yield from self._ledger.tell(
                NOWHERE,
                f"none of the first {RUN} records holds {found}: correct the path, unless they are rare; {CHECK}",
            )
