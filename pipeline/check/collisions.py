"""Several events of one series at one time: what differs between them, and whether one updates the other."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import msgspec

from pipeline.check.columns import is_numeric, short
from pipeline.check.facts import Facts
from pipeline.check.number_fields import NO_VALUE, is_relative
from pipeline.check.time_fields import time_paths
from pipeline.check.trial import Taken, Trial
from pipeline.messages import iso8601
from pipeline.settings import Events

MOST_FIELDS = 8
MOST_LOOKED_AT = 50


class Collision(msgspec.Struct, frozen=True):
    """Events of one series at one time, and the fields that tell them apart."""

    series: str
    time: str
    events: int
    fields: dict[str, tuple[str, ...]]


def collisions(trial: Trial) -> Iterator[list[Taken]]:
    """Observations of one series at one time that come of different events with different contents."""
    together: defaultdict[tuple[int, str, int], list[Taken]] = defaultdict(list)
    for one in trial.taken:
        together[one.record.partition, one.observation.series, one.observation.time].append(one)
    for group in together.values():
        if len({(one.record.key, one.record.value, one.index) for one in group}) > 1:
            yield group


def collision(group: Sequence[Taken], found: Facts) -> Collision:
    """Which fields differ between these events."""
    views = [found.views(one.record)[one.index or 0] for one in group[:6]]
    paths = dict.fromkeys(path for view_ in views for path in view_)
    fields = {}
    for path in paths:
        texts = tuple(dict.fromkeys(short(view_[path], 30) for view_ in views if path in view_))
        if len(texts) > 1:
            fields[path] = texts[:4]
    one = group[0].observation
    return Collision(one.series, iso8601(one.time), len(group), dict(list(fields.items())[:MOST_FIELDS]))


def updates(trial: Trial, found: Facts, events: Events) -> Iterator[str]:
    """What to say where events come again with other values: nothing but values and times differs."""
    groups = list(collisions(trial))
    looked = [group for group in groups[:MOST_LOOKED_AT] if len({one.record.key for one in group}) == 1]
    times = time_paths(found, events)
    alike = [group for group in looked if _differs_in_values(collision(group, found), found, events, times)]
    if not groups or 2 * len(alike) <= min(len(groups), MOST_LOOKED_AT):
        return
    repeated = sum(len(group) - 1 for group in groups)
    one = collision(alike[0], found)
    path, values = next(iter(one.fields.items()))
    yield (
        f"{repeated:,} observations are updates of an event already seen: the same series and time, other values (of"
        f" `{one.series}` at {one.time} `{path}` is {', '.join(values)}), as windows are that ksqlDB or Kafka Streams"
        " emit again with each record. The first one counts, and the others are left out as repeated: let the producer"
        " emit final results alone (EMIT FINAL in ksqlDB, suppress in Kafka Streams), or write each window when it has"
        " closed."
    )


def _differs_in_values(one: Collision, found: Facts, events: Events, times: set[str]) -> bool:
    """Whether no field that differs may be part of a name."""
    if any(path in found.own and is_relative(path, found.own[path]) for path in one.fields):
        return False
    return bool(one.fields) and all(
        path in events.values
        or path in times
        or (path in found.columns and is_numeric(found.columns[path]) and not NO_VALUE.search(path))
        for path in one.fields
    )
