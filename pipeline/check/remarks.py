"""What may be misread in a topic, and no number tells."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence, Set

from lstm_stream import Outcome
from pipeline.check.columns import inside, is_numeric, last_name
from pipeline.check.contents import BASE64, NO_JSON, content_of, of_base64
from pipeline.check.decimal_mark import has_comma, unread_commas
from pipeline.check.draft import Proposal
from pipeline.check.facts import Facts
from pipeline.check.inventory import TIME_NAME
from pipeline.check.number_fields import holds_decimals, is_relative, is_time_itself
from pipeline.check.time_fields import time_arrays
from pipeline.check.trial import Trial
from pipeline.messages import Record, iso8601
from pipeline.settings import Events, Settings


def remarks(
    trial: Trial, found: Facts, settings: Settings, proposals: Sequence[Proposal], records: Sequence[Record]
) -> Iterator[str]:
    """What no number tells."""
    events, changed = settings.events, {one.key for one in proposals}
    yield from _stood_in(trial, found, events, changed)
    yield from _absent(found, events, changed)
    yield from _unreadable(found, records, changed)
    yield from _commas(found, events, changed)
    yield from _decimals(found, changed)
    yield from _times_apart(found, events, changed)
    yield from _names_of_time(found, changed)
    yield from _twice(records)
    yield from _ahead(trial, changed)
    yield from _sent_twice(trial, records)
    yield from _scattered(trial)
    yield from _late(trial, events, changed, records)
    yield from _restarts(trial, events)
    yield from _singles(trial, changed)
    yield from _tombstones(trial, events)


def _stood_in(trial: Trial, found: Facts, events: Events, changed: Set[str]) -> Iterator[str]:
    by_key = sum("series" in one.stood_in for one in trial.taken)
    by_record = sum("timestamp" in one.stood_in for one in trial.taken)
    if by_key and "series" not in changed:
        yield f"{by_key:,} observations have no `{events.series}`: the records' keys name their series."
    if by_record and "timestamp" not in changed:
        unread = _unread(found, events)
        yield f"{by_record:,} observations have no `{events.timestamp}`: the records' own times count.{unread}"


def _absent(found: Facts, events: Events, changed: Set[str]) -> Iterator[str]:
    for setting, paths in (("values", events.values), ("covariates", events.covariates)):
        absent = [path for path in paths if found.count and not (found.values(path) or found.look(path))]
        if absent and not changed & {"values", "points"}:
            yield f"{', '.join(f'`{path}`' for path in absent)} of events.{setting} is in none of the events."


def _unreadable(found: Facts, records: Sequence[Record], changed: Set[str]) -> Iterator[str]:
    contents = Counter(map(content_of, records))
    if contents[BASE64]:
        yield (
            f"Records are {BASE64}, which no setting reads: let the producer write the JSON itself, with a serializer"
            " of text or bytes in place of one for JSON."
        )
    for path, column in found.own.items():
        first = next((value for value in column.values.values() if isinstance(value, str)), "")
        if of_base64(first.encode(errors="replace")) is not None and "values" not in changed:
            yield f"`{path}` holds base64 of JSON, which no setting reads: let the producer write the JSON itself."
    if 2 * contents[NO_JSON] > len(records) and not contents[BASE64]:
        yield "Most of this is no JSON, and no setting reads it; the dead letters say what it looks like."


def _commas(found: Facts, events: Events, changed: Set[str]) -> Iterator[str]:
    valued = [str(value) for path in events.values for value in found.values(path).values()]
    commas = sum(map(has_comma, valued))
    if commas and events.decimal == "point" and "decimal" not in changed:
        yield (
            f"{commas:,} values have a comma, and it is not sure that it is a decimal comma in all of them: let the"
            ' producer write JSON numbers, or set events.decimal = "comma" if it is.'
        )
    if "values" not in changed:
        yield from unread_commas(found, events)


def _decimals(found: Facts, changed: Set[str]) -> Iterator[str]:
    """Numbers in bytes, as change streams write them."""
    paths = [path for path, column in inside(found.own).items() if holds_decimals(column)]
    if paths and "values" not in changed:
        yield (
            f"{_listed(paths)} may hold decimals in bytes, such as {found.own[paths[0]].example()}, which no setting"
            " reads: set decimal.handling.mode = double in Debezium, or decimal.format = NUMERIC in Kafka Connect's"
            " JsonConverter."
        )


def _times_apart(found: Facts, events: Events, changed: Set[str]) -> Iterator[str]:
    """Times in an array, and their numbers in others elsewhere."""
    arrays = sorted(time_arrays(found, events))
    if arrays and "points" not in changed:
        yield (
            f"{_listed(arrays)} holds arrays of times, and no setting joins them with numbers in arrays elsewhere: let"
            " the producer write an object for each time, or the arrays side by side in one object, which [zip] in"
            " events.points reads."
        )


def _names_of_time(found: Facts, changed: Set[str]) -> Iterator[str]:
    """Values under names that are times."""
    paths = [path for path in found.own if is_time_itself(last_name(path))]
    if len(paths) > 1 and "points" not in changed:
        yield (
            f"Names of fields are times, such as {paths[0]}: no setting reads them beside other fields. Where they lie"
            ' in an object of their own, events.points = ["NAME.*[]"] and events.timestamp = "*" do.'
        )


def _twice(records: Sequence[Record]) -> Iterator[str]:
    """Names that an object has several times, of which JSON's readers take the last."""
    names = Counter(name for record in records[:MOST_PARSED] for name in _repeated_names(record.value or b""))
    if names:
        yield (
            f"{_listed([name for name, _ in names.most_common(3)])} is there several times in one object, and the last"
            " one counts: let the producer write each name once."
        )


MOST_PARSED = 200
"""Records that are read again, slowly."""


def _repeated_names(value: bytes) -> set[str]:
    found: set[str] = set()

    def note(pairs: list[tuple[str, object]]) -> dict[str, object]:
        counts = Counter(name for name, _ in pairs)
        found.update(name for name, count in counts.items() if count > 1)
        return dict(pairs)

    try:
        json.loads(value, object_pairs_hook=note)
    except (ValueError, RecursionError):
        return set()
    return found


def _sent_twice(trial: Trial, records: Sequence[Record]) -> Iterator[str]:
    """Records that are there twice, byte by byte."""
    twice = len(records) - len({(one.partition, one.key, one.value, one.headers) for one in records})
    if twice > 0.02 * len(records) and 0 < trial.count(Outcome.REPEATED) <= twice:
        yield (
            f"{twice:,} records are there twice, byte by byte, and their second ones are left out as repeated: nothing"
            " of them is lost; a producer with enable.idempotence = true does not send twice."
        )


def relative(found: Facts, events: Events) -> Iterator[str]:
    """Times of elements that count from another one."""
    paths = [path for path, column in found.own.items() if is_numeric(column) and is_relative(path, column)]
    if paths and events.points:
        yield (
            f"{_listed(paths)} may count from another time, and no setting adds the two: let the producer write whole"
            " times (SenML's bt and t are added)."
        )


def _ahead(trial: Trial, changed: Set[str]) -> Iterator[str]:
    """Times that are all as far ahead of their records, by whole quarters of an hour."""
    ahead = sorted(
        one.observation.time / 1e6 - one.record.timestamp / 1000
        for one in trial.taken
        if one.record.timestamp >= 0 and "timestamp" not in one.stood_in
    )
    if len(ahead) < FEWEST_AHEAD or "timezone" in changed:
        return
    middle, far = ahead[len(ahead) // 2], ahead[int(0.95 * len(ahead))] - ahead[int(0.05 * len(ahead))]
    quarters = round(middle / QUARTER)
    if 4 <= quarters <= 14 * 4 and abs(middle - quarters * QUARTER) < 120 and far < 120:
        yield (
            f"Times lie {quarters / 4:g} h ahead of their records' own, all of them: a local time that is written as if"
            " it were UTC? Then let the producer write its offset, or leave the Z out and set events.timezone."
        )


FEWEST_AHEAD = 20
QUARTER = 900.0  # seconds


def _listed(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return ", ".join(f"`{path}`" for path in paths[:3]) + more


def _scattered(trial: Trial) -> Iterator[str]:
    if scattered := count_scattered(trial):
        yield (
            f"{scattered:,} of {len(trial.steps):,} series lie on several partitions, each of which forecasts its part"
            " as a series of its own: let the producer key its records by series."
        )


def _late(trial: Trial, events: Events, changed: Set[str], records: Sequence[Record]) -> Iterator[str]:
    """A clock that was ahead; and late observations that no such clock explains."""
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


def _restarts(trial: Trial, events: Events) -> Iterator[str]:
    restarts = sum(one.restart for one in trial.taken)
    if restarts > 0.02 * max(len(trial.taken), 1):
        yield (
            f"{restarts:,} observations make their series start again, after a gap of more than events.max_gap"
            f" ({events.max_gap}) steps: raise it, or set events.step to the usual distance."
        )


def _singles(trial: Trial, changed: Set[str]) -> Iterator[str]:
    if len(trial.steps) >= 10 and trial.singles > 0.8 * len(trial.steps) and "series" not in changed:
        yield (
            f"{trial.singles:,} of {len(trial.steps):,} series have one observation only: where that stays so,"
            " events.series names an id; where there are many series, look at more --records."
        )


def _tombstones(trial: Trial, events: Events) -> Iterator[str]:
    if nothing := sum(reject.reason == "empty" for reject, _ in trial.rejects):
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


def count_scattered(trial: Trial) -> int:
    """Series that lie on several partitions."""
    places = {(one.observation.series, one.record.partition) for one in trial.taken}
    return sum(count > 1 for count in Counter(series for series, _ in places).values())
