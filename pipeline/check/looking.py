"""A look at a sample of a topic, as a daemon with these settings would take it."""

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from msgspec import structs

from lstm_stream import Outcome
from pipeline.check.collisions import collision, collisions, updates
from pipeline.check.columns import short, type_of
from pipeline.check.contents import content_of, key_of
from pipeline.check.facts import Facts, facts
from pipeline.check.proposing import lines, propose, proposed
from pipeline.check.remarks import count_scattered, relative, remarks
from pipeline.check.report import After, Count, Dead, Field, Found, Report, Step, Times, Values
from pipeline.check.trial import Trial, try_out
from pipeline.check.unread import told, unread
from pipeline.cluster import Sample
from pipeline.messages import iso8601
from pipeline.settings import Settings

MOST_FIELDS = 40
"""Fields that a report lists."""
MOST_SHOWN = 8
"""Of a kind: series, fields that differ, dead letters."""


def check(sample: Sample, settings: Settings) -> Report:
    """Look at a sample of a topic as a daemon with these settings would."""
    trial, found, proposals = try_out(sample, settings), facts(sample, settings.events), propose(sample, settings)
    records = [record for part in sample.parts for stretch in part.stretches for record in stretch]
    collided, mended = list(collisions(trial)), proposed(settings, proposals)
    tried = try_out(sample, mended) if proposals else trial
    there = found if mended.events.points == settings.events.points else facts(sample, mended.events)
    behind, left = _behind(trial), unread(sample, mended)
    return Report(
        topic=sample.topic,
        partitions=len(sample.parts),
        records_in_topic=sum(part.end - part.first for part in sample.parts),
        records=len(records),
        held_back=sample.held_back,
        contents=_counts((content_of(record), record.value) for record in records),
        keys=_counts((key_of(record.key), record.key) for record in records),
        headers=_counts((name, content) for record in records for name, content in record.headers),
        paths=tuple(_paths(found, settings)),
        fields=tuple(_fields(there)),
        events=there.count,
        times=_times(trial, behind),
        steps=tuple(_steps(trial)),
        series=len(trial.steps),
        singles=trial.singles,
        scattered=count_scattered(trial),
        series_examples=_spread(sorted(trial.steps)),
        values=tuple(_values(trial, settings)),
        observations=trial.observations,
        forecasts=trial.count(Outcome.FORECAST),
        late=trial.count(Outcome.LATE),
        repeated=trial.count(Outcome.REPEATED),
        repeated_records=len(records) - len({(one.partition, one.key, one.value, one.headers) for one in records}),
        restarts=sum(one.restart for one in trial.taken),
        skipped=trial.skipped,
        dead_letters=tuple(_dead(trial, settings)),
        collisions=len(collided),
        collision_examples=tuple(collision(collided[index], found) for index in range(min(3, len(collided)))),
        unread=left,
        remarks=(
            *remarks(trial, found, settings, proposals, records),
            *relative(there, mended.events),
            *updates(tried, there, mended.events),
            *told(left, mended.events),
        ),
        proposals=proposals,
        lines=lines(settings, proposals),
        after=_after(tried) if proposals else None,
    )


def _after(trial: Trial) -> After:
    return After(
        trial.observations,
        trial.count(Outcome.FORECAST),
        trial.count(Outcome.LATE),
        trial.count(Outcome.REPEATED),
        len(trial.rejects) + trial.count(Outcome.UNKNOWN, Outcome.JUMP),
        trial.skipped,
        len(trial.steps),
    )


def _counts(pairs: Iterator[tuple[str, bytes | None]]) -> tuple[Count, ...]:
    counts: Counter[str] = Counter()
    first: dict[str, bytes | None] = {}
    for what, content in pairs:
        counts[what] += 1
        first.setdefault(what, content)
    return tuple(Count(what, count, _shown(first[what])) for what, count in counts.most_common(MOST_SHOWN))


def _shown(content: bytes | None) -> str:
    return "" if content is None else short(content[:400], 200)


def _paths(found: Facts, settings: Settings) -> Iterator[Found]:
    """What the paths of the settings find."""
    events = settings.events
    roles = [("events.series", events.series), ("events.timestamp", events.timestamp)]
    roles += [("events.values", path) for path in events.values]
    roles += [("events.covariates", path) for path in events.covariates]
    for setting, path in roles:
        looked = found.values(path) if setting == "events.values" else found.look(path)
        types = Counter(map(type_of, looked.values()))
        example = next((short(value) for value in looked.values() if value is not None), "")
        yield Found(setting, path, len(looked), found.count, dict(types.most_common()), example)


def _fields(found: Facts) -> Iterator[Field]:
    """What is there, the fields of the events themselves first."""
    for path, column in list(found.columns.items())[:MOST_FIELDS]:
        if not path.startswith("{"):
            yield Field(path, len(column.values), dict(column.types()), len(column.texts()), column.example())


def _behind(trial: Trial) -> list[float]:
    return [
        one.record.timestamp / 1000 - one.observation.time / 1e6 for one in trial.taken if one.record.timestamp >= 0
    ]


def _times(trial: Trial, behind: Sequence[float]) -> Times | None:
    times = [one.observation.time for one in trial.taken]
    if not times:
        return None
    around = (min(behind), statistics.median(behind), max(behind)) if behind else None
    return Times(iso8601(min(times)), iso8601(max(times)), around)


def _steps(trial: Trial) -> Iterator[Step]:
    """How many series have each step, the commonest first."""
    names: defaultdict[float | None, list[str]] = defaultdict(list)
    for name, step in trial.steps.items():
        names[None if math.isnan(step) else step].append(name)
    for seconds, of_it in sorted(names.items(), key=lambda one: -len(one[1])):
        yield Step(seconds, len(of_it), of_it[0])


def _values(trial: Trial, settings: Settings) -> Iterator[Values]:
    paths = settings.events.values
    by_path: defaultdict[str, list[float]] = defaultdict(list)
    for one in trial.taken:
        path = paths[0]
        if len(paths) > 1:
            path = next((each for each in paths if one.observation.series.endswith(f"/{each}")), paths[0])
        by_path[path].append(one.observation.value)
    for path, of_it in by_path.items():
        known = [value for value in of_it if not math.isnan(value)]
        missing = len(of_it) - len(known)
        if known:
            yield Values(path, len(of_it), missing, min(known), statistics.median(known), max(known))
        else:
            yield Values(path, len(of_it), missing, None, None, None)


def _dead(trial: Trial, settings: Settings) -> Iterator[Dead]:
    first: dict[str, Dead] = {}
    counts: Counter[str] = Counter()
    for reject, record in trial.rejects:
        counts[reject.reason] += 1
        first.setdefault(reject.reason, Dead(reject.reason, 0, record.partition, record.offset, reject.detail))
    for one in trial.taken:
        name = f"`{one.observation.series}`"
        if one.outcome == Outcome.UNKNOWN:
            reason, detail = "null_before_first_value", f"{name} has no value yet"
        elif one.outcome == Outcome.JUMP:
            reason = "timestamp_jump"
            detail = f"{name} at {iso8601(one.observation.time)}: events.max_gap allows {settings.events.max_gap} steps"
        else:
            continue
        counts[reason] += 1
        first.setdefault(reason, Dead(reason, 0, one.record.partition, one.record.offset, detail))
    for reason, count in counts.most_common():
        yield structs.replace(first[reason], count=count)


def _spread(names: Sequence[str]) -> tuple[str, ...]:
    """Some of the names, from the first to the last."""
    if len(names) <= MOST_SHOWN:
        return tuple(names)
    return tuple(names[index * (len(names) - 1) // (MOST_SHOWN - 1)] for index in range(MOST_SHOWN))
