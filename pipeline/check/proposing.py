"""What to change in the settings so that a topic is read as a whole."""

from collections.abc import Sequence

from msgspec import structs

from pipeline.check.decimal_mark import decimals
from pipeline.check.draft import Draft, Proposal
from pipeline.check.facts import facts
from pipeline.check.found_names import keys
from pipeline.check.found_names import series as names
from pipeline.check.found_times import ahead, timestamp, timezone
from pipeline.check.found_values import points, texts, values, where
from pipeline.cluster import Part, Sample
from pipeline.settings import Settings, to_toml

LOOKED_AT = 1000
"""Records that proposals are tried on."""
FEWEST = 40
"""Records of each stretch of a partition that they are tried on at least."""


def propose(sample: Sample, settings: Settings) -> tuple[Proposal, ...]:
    """What to change in [events]; nothing where all is well."""
    looked, draft = _distinct(sample), Draft(settings)
    found = facts(looked, draft.events)
    for improve in (points, timestamp, timezone, values, decimals, keys, names, texts, ahead, where, names, keys):
        before, draft = draft, improve(draft, found)
        found = found if draft.events.points == before.events.points else facts(looked, draft.events)
    return tuple(one for one in draft.proposals if getattr(settings.events, one.key) != one.value)


def _distinct(sample: Sample) -> Sample:
    """The beginning of each stretch, without records that are there twice: these say nothing about names."""
    most = max(LOOKED_AT // sum(len(part.stretches) for part in sample.parts), FEWEST)
    parts = []
    for part in sample.parts:
        stretches = []
        for stretch in part.stretches:
            seen = {(one.key, one.value, one.headers): one for one in reversed(stretch[:most])}
            stretches.append(tuple(sorted(seen.values(), key=lambda record: record.offset)))
        parts.append(Part(part.partition, part.first, part.end, tuple(stretches)))
    return Sample(sample.topic, tuple(parts), sample.held_back)


def proposed(settings: Settings, proposals: Sequence[Proposal]) -> Settings:
    """The settings with these changes."""
    changes = {one.key: one.value for one in proposals}
    return structs.replace(settings, events=structs.replace(settings.events, **changes))


def lines(settings: Settings, proposals: Sequence[Proposal]) -> dict[str, str]:
    """The changes as lines of a settings file, by key."""
    _, _, events = to_toml(proposed(settings, proposals)).partition("\n[events]\n")
    by_key = {line.partition(" = ")[0]: line for line in events.partition("\n[")[0].splitlines()}
    return {one.key: by_key[one.key] for one in proposals}
