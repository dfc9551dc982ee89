"""What a topic holds for a daemon with these settings: what would be lost, what may be misread, and what mends it."""

import base64
import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import msgspec
from msgspec import structs

from lstm_stream import Outcome
from pipeline.check.collisions import Collision, collision, collisions, updates
from pipeline.check.decimal_mark import decimals, has_comma, unread_commas
from pipeline.check.draft import Draft, Proposal
from pipeline.check.facts import Facts, facts
from pipeline.check.found_names import keys
from pipeline.check.found_names import series as names
from pipeline.check.found_times import ahead, timestamp, timezone
from pipeline.check.found_values import points, texts, values, where
from pipeline.check.inventory import TIME_NAME, inside, short, type_of
from pipeline.check.trial import Trial, try_out
from pipeline.check.unread import Unread, told, unread
from pipeline.cluster import Part, Sample
from pipeline.fields import unframed
from pipeline.framing import FramingError, documents
from pipeline.messages import Record, iso8601
from pipeline.settings import Events, Settings, to_toml
from pipeline.stamps import numeric

LOOKED_AT = 1000
"""Records that proposals are tried on."""
FEWEST = 40
"""Records of each stretch of a partition that they are tried on at least."""
NO_JSON, BASE64 = "no JSON", "base64 of JSON"
MOST_FIELDS = 40
"""Fields that a report lists."""
MOST_SHOWN = 8
"""Of a kind: series, fields that differ, dead letters."""


class Count(msgspec.Struct, frozen=True):
    """How many are of a kind, with one of them."""

    what: str
    count: int
    example: str


class Found(msgspec.Struct, frozen=True):
    """What lies at one path of the settings.

    Attributes
    ----------
    setting, path
        Which.
    found, of
        How many events have it, of how many.
    types
        How many are of each type.
    example
        The first that is not null.
    """

    setting: str
    path: str
    found: int
    of: int
    types: dict[str, int]
    example: str


class Field(msgspec.Struct, frozen=True):
    """One field of the events: in how many it is, of what types, how many different ones, and one of them."""

    path: str
    found: int
    types: dict[str, int]
    distinct: int
    example: str


class Times(msgspec.Struct, frozen=True):
    """When the observations are of.

    Attributes
    ----------
    first, last
        ISO 8601, UTC.
    behind
        Seconds from a time to its record's own: least, median, greatest; None where the records have no time.
    """

    first: str
    last: str
    behind: tuple[float, float, float] | None


class Step(msgspec.Struct, frozen=True):
    """How many series have a step: seconds, 0 for irregular times, None where there are too few to tell."""

    seconds: float | None
    series: int
    example: str


class Values(msgspec.Struct, frozen=True):
    """The values at one path."""

    path: str
    count: int
    missing: int
    least: float | None
    median: float | None
    greatest: float | None


class Dead(msgspec.Struct, frozen=True):
    """Dead letters of one reason, with the first of them."""

    reason: str
    count: int
    partition: int
    offset: int
    detail: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A topic as these settings read it.

    Attributes
    ----------
    topic, partitions, records_in_topic, records
        What there is, and how many records were read.
    held_back
        Whether an open transaction kept some back.
    contents, keys, headers
        What the records are made of.
    paths
        What the settings find.
    fields, events
        All that is there, in how many events; where arrays should be exploded, as if they were.
    observations
        forecasts + dead letters + late + repeated.
    skipped
        Records, or elements of them, that are not meant for us.
    repeated_records
        Records that are there twice, byte by byte.
    dead_letters
        By reason.
    series, singles, scattered, series_examples
        How many there are, how many have one observation only or lie on several partitions, and some.
    collisions
        How many times of a series have several events; some of them.
    unread
        Numbers that no path reaches, also with the changes proposed.
    remarks
        What may be misread.
    proposals, lines
        What to change, and each change as a line of a settings file.
    after
        What would be lost with these changes; None without any.
    """

    topic: str
    partitions: int
    records_in_topic: int
    records: int
    held_back: bool
    contents: tuple[Count, ...]
    keys: tuple[Count, ...]
    headers: tuple[Count, ...]
    paths: tuple[Found, ...]
    fields: tuple[Field, ...]
    events: int
    times: Times | None
    steps: tuple[Step, ...]
    series: int
    singles: int
    scattered: int
    series_examples: tuple[str, ...]
    values: tuple[Values, ...]
    observations: int
    forecasts: int
    late: int
    repeated: int
    repeated_records: int
    restarts: int
    skipped: int
    dead_letters: tuple[Dead, ...]
    collisions: int
    collision_examples: tuple[Collision, ...]
    unread: tuple[Unread, ...]
    remarks: tuple[str, ...]
    proposals: tuple[Proposal, ...]
    lines: dict[str, str]
    after: "After | None"

    @property
    def is_well(self) -> bool:
        """Whether nothing would be lost or misread, as far as the sample tells."""
        nowhere = any(one.found == 0 for one in self.paths if one.setting in ("events.values", "events.covariates"))
        lost = any(one.is_lost for one in self.unread)
        return self.observations == self.forecasts > 0 and not (self.proposals or self.scattered or nowhere or lost)


class After(msgspec.Struct, frozen=True):
    """What a topic comes to with the proposed settings."""

    observations: int
    forecasts: int
    late: int
    repeated: int
    dead_letters: int
    skipped: int
    series: int


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
        contents=_counts((_content(record), record.value) for record in records),
        keys=_counts((_key(record.key), record.key) for record in records),
        headers=_counts((name, content) for record in records for name, content in record.headers),
        paths=tuple(_paths(found, settings)),
        fields=tuple(_fields(there)),
        events=there.count,
        times=_times(trial, behind),
        steps=tuple(_steps(trial)),
        series=len(trial.steps),
        singles=trial.singles,
        scattered=_scattered(trial),
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
            *_remarks(trial, found, settings, proposals, records),
            *updates(tried, there, mended.events),
            *told(left, mended.events),
        ),
        proposals=proposals,
        lines=lines(settings, proposals),
        after=_after(tried) if proposals else None,
    )


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


def _content(record: Record) -> str:
    """What a record's value is."""
    if not record.value:
        return "nothing (null, a tombstone)"
    try:
        found = documents(record, lambda text: numeric(text) is not None)
    except FramingError:
        return NO_JSON if _of_base64(record.value) is None else BASE64
    if len(found) > 1:
        return "JSON, a document a line"
    behind = " behind a schema's id" if record.value[:1] in (b"\x00", b"\x03") else ""
    behind = " behind a byte order mark" if record.value.startswith(b"\xef\xbb\xbf") else behind
    behind = " in a JSON string" if record.value[:1] == b'"' and not isinstance(found[0], str) else behind
    return f"JSON {type_of(found[0])}{behind}"


def _of_base64(value: bytes) -> bytes | None:
    """The JSON that a value is base64 of, if it is."""
    try:
        text = base64.b64decode(value.strip().strip(b'"'), validate=True)
    except ValueError:
        return None
    return text if text.lstrip()[:1] in (b"{", b"[") else None


def _key(key: bytes | None) -> str:
    if not key:
        return "none"
    try:
        text = unframed(key).decode()
    except UnicodeDecodeError:
        return f"{len(key)} bytes"
    if len(key) in (4, 8) and not text.isprintable():
        return f"whole number of {len(key)} bytes"
    return "JSON" if text.startswith(("{", "[", '"')) else "text" if text.isprintable() else f"{len(key)} bytes"


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
            yield Field(path, len(column.values), column.types(), len(column.texts()), column.example())


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


def _scattered(trial: Trial) -> int:
    """Series that lie on several partitions."""
    places = {(one.observation.series, one.record.partition) for one in trial.taken}
    return sum(count > 1 for count in Counter(series for series, _ in places).values())


def _spread(names: Sequence[str]) -> tuple[str, ...]:
    """Some of the names, from the first to the last."""
    if len(names) <= MOST_SHOWN:
        return tuple(names)
    return tuple(names[index * (len(names) - 1) // (MOST_SHOWN - 1)] for index in range(MOST_SHOWN))


def _remarks(
    trial: Trial, found: Facts, settings: Settings, proposals: Sequence[Proposal], records: Sequence[Record]
) -> Iterator[str]:
    """What no number tells."""
    events, changed = settings.events, {one.key for one in proposals}
    by_key = sum("series" in one.stood_in for one in trial.taken)
    by_record = sum("timestamp" in one.stood_in for one in trial.taken)
    if by_key and "series" not in changed:
        yield f"{by_key:,} observations have no `{events.series}`: the records' keys name their series."
    if by_record and "timestamp" not in changed:
        unread = _unread(found, events)
        yield f"{by_record:,} observations have no `{events.timestamp}`: the records' own times count.{unread}"
    for setting, paths in (("values", events.values), ("covariates", events.covariates)):
        absent = [path for path in paths if found.count and not (found.values(path) or found.look(path))]
        if absent and "values" not in changed:
            yield f"{', '.join(f'`{path}`' for path in absent)} of events.{setting} is in none of the events."
    contents = Counter(map(_content, records))
    if contents[BASE64]:
        yield (
            f"Records are {BASE64}, which no setting reads: let the producer write the JSON itself, with a serializer"
            " of text or bytes in place of one for JSON."
        )
    for path, column in found.own.items():
        first = next((value for value in column.values.values() if isinstance(value, str)), "")
        if _of_base64(first.encode(errors="replace")) is not None and "values" not in changed:
            yield f"`{path}` holds base64 of JSON, which no setting reads: let the producer write the JSON itself."
    if 2 * contents[NO_JSON] > len(records) and not contents[BASE64]:
        yield "Most of this is no JSON, and no setting reads it; the dead letters say what it looks like."
    valued = [str(value) for path in events.values for value in found.values(path).values()]
    commas = sum(map(has_comma, valued))
    if commas and events.decimal == "point" and "decimal" not in changed:
        yield (
            f"{commas:,} values have a comma, and it is not sure that it is a decimal comma in all of them: let the"
            ' producer write JSON numbers, or set events.decimal = "comma" if it is.'
        )
    if "values" not in changed:
        yield from unread_commas(found, events)
    scattered = _scattered(trial)
    if scattered:
        yield (
            f"{scattered:,} of {len(trial.steps):,} series lie on several partitions, each of which forecasts its part"
            " as a series of its own: let the producer key its records by series."
        )
    ahead_of_time = list(_ahead_of_time(trial))
    for series, time, behind in ahead_of_time[:1]:
        yield (
            f"`{series}` begins anew at {iso8601(time)} after a jump ahead, and {behind:,} of its later observations"
            " are of before that and left out as late, until events.restart_after"
            f" ({events.restart_after}) come in a row: if its clock was wrong, correct it, and lower that number."
        )
    late = trial.count(Outcome.LATE) - sum(behind for _, _, behind in ahead_of_time)
    if late > 0.02 * max(len(trial.taken), 1) and "series" not in changed:
        of_one = len({record.partition for record in records}) == 1
        yield (
            f"{late:,} observations come after a later one of their series, and nothing in the events tells them apart:"
            f" let {_IN_ORDER if of_one else _KEYED}."
        )
    restarts = sum(one.restart for one in trial.taken)
    if restarts > 0.02 * max(len(trial.taken), 1):
        yield (
            f"{restarts:,} observations make their series start again, after a gap of more than events.max_gap"
            f" ({events.max_gap}) steps: raise it, or set events.step to the usual distance."
        )
    if len(trial.steps) >= 10 and trial.singles > 0.8 * len(trial.steps) and "series" not in changed:
        yield (
            f"{trial.singles:,} of {len(trial.steps):,} series have one observation only: where that stays so,"
            " events.series names an id; where there are many series, look at more --records."
        )
    nothing = sum(reject.reason == "empty" for reject, _ in trial.rejects)
    if nothing:
        yield (
            f"Records without a value (tombstones, {nothing:,} here) become dead letters, `empty`;"
            f' events.where = ["{events.values[0]} exists"] skips them.'
        )


def _ahead_of_time(trial: Trial) -> Iterator[tuple[str, int, int]]:
    """Series that jumped ahead and fell back: the time with which each began anew, and how many are late since."""
    begun: dict[str, int] = {}
    late: Counter[str] = Counter()
    for one in trial.taken:
        series = one.observation.series
        if one.restart:
            begun[series], late[series] = one.observation.time, 0
        elif one.outcome == Outcome.LATE and series in begun:
            late[series] += 1
    return ((series, begun[series], count) for series, count in late.most_common() if count >= BACK)


BACK = 5
"""Late observations of a series after it began anew, from which on its clock is held to have been wrong."""
_KEYED = "the producer key its records by series, so that they keep their order"
_IN_ORDER = "the producer write them in the order of their times; what is sent later, after an outage, is left out"


def _unread(found: Facts, events: Events) -> str:
    """A field that is called like a time though none can be read from it."""
    for path, column in inside(found.columns).items():
        if path in (events.series, *events.values) or not TIME_NAME.search(path):
            continue
        if 2 * len(column.values) > found.count and len(column.texts()) > 1:
            return (
                f" `{path}` is called like a time, and {column.example()} can't be read as one: if it is, name it with"
                " events.timestamp and say how it is written with events.timestamp_format."
            )
    return ""
