"""A draft of better settings: what has been proposed so far, and why."""

from typing import NamedTuple

import msgspec
from msgspec import structs

from pipeline.settings import Events, Settings


class Proposal(msgspec.Struct, frozen=True):
    """One key of [events] to change.

    Attributes
    ----------
    key, value
        Which, and to what.
    why
        What was found.
    """

    key: str
    value: object
    why: str


class Draft(NamedTuple):
    """The settings so far, and what has been proposed."""

    settings: Settings
    proposals: tuple[Proposal, ...] = ()

    def change(self, key: str, value: object, why: str) -> "Draft":
        events = structs.replace(self.settings.events, **{key: value})
        others = tuple(one for one in self.proposals if one.key != key)
        return Draft(structs.replace(self.settings, events=events), (*others, Proposal(key, value, why)))

    @property
    def events(self) -> Events:
        return self.settings.events
