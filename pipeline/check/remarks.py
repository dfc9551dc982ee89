"""What may be misread in a topic, and no number tells."""

from collections import Counter
from collections.abc import Iterator, Sequence, Set

from lstm_stream import Outcome
from pipeline.check.columns import inside
from pipeline.check.contents import BASE64, NO_JSON, content_of, of_base64
from pipeline.check.decimal_mark import has_comma, unread_commas
from pipeline.check.draft import Proposal
from pipeline.check.facts import Facts
from pipeline.check.inventory import TIME_NAME
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
        if absent and "values" not in changed:
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
