"""Which fields of events hold values, which arrays hold events, which texts mean a value, and which events are ours."""

import math
import re
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from pipeline.check.arrays import Array, arrays
from pipeline.check.columns import Column, inside, is_numeric, type_of
from pipeline.check.decimal_mark import has_commas
from pipeline.check.draft import Draft
from pipeline.check.facts import Facts
from pipeline.check.inventory import TIME_NAME, columns
from pipeline.check.number_fields import RATE, is_likely, is_relative, is_scale, is_sequence
from pipeline.check.time_fields import time_arrays, time_paths
from pipeline.check.trial import try_out
from pipeline.events.paths import as_text
from pipeline.events.points import EACH_NAME, SENML, ZIP, Points
from pipeline.events.values import BOOLEANS, LARGEST_VALUE
from pipeline.sentinels import Spread, written
from pipeline.stamps import numeric

MOST_VALUES = 24
"""Fields that are proposed as values."""
MOST_KINDS = 12
"""Different texts that may tell kinds of events."""


def points(draft: Draft, found: Facts) -> Draft:
    """Arrays whose elements are the events."""
    if draft.events.points or not found.places:
        return draft
    roots = [place.nodes[0] for place in found.places]
    lists = [root for root in roots if isinstance(root, list)]
    if _are_senml(lists) and 2 * len(lists) > len(roots):
        return draft.change("points", (SENML,), "each record is a SenML pack")
    every = arrays(roots)
    best = [one for one in every if _has_numbers(one.path, roots)]
    if 2 * len(lists) > len(roots) and any(one.path == "[]" for one in every):
        return _top_level(draft, best, lists)
    if _share(found, _readable(draft, found)) > 0.5:
        return draft
    if not best:
        return draft
    is_sure = EACH_NAME in best[0].path or ZIP in best[0].path
    beside = [
        path for path in _numbers(draft, found) if len(found.own[path].texts()) > 1 and not is_sequence(found.own[path])
    ]
    if beside and not (is_sure or _are_events(best[0], roots)):
        return draft
    return draft.change("points", _alike(best), _held(_alike(best), best, roots))


def _top_level(draft: Draft, best: Sequence[Array], lists: Sequence[list[object]]) -> Draft:
    """Records that are arrays: their elements are the events, or arrays in these are."""
    outer = columns([nodes[:1] for root in lists[:50] for nodes in Points(("[]",)).explode(root, None).elements])
    is_outer = any(is_numeric(column) and not TIME_NAME.search(column.path) for column in outer.values())
    if best and best[0].path != "[]" and (not is_outer or _are_events(best[0], lists)):
        return draft.change("points", _alike(best), _held(_alike(best), best, lists))
    mean = statistics.fmean(map(len, lists))
    return draft.change("points", ("[]",), f"each record is an array, of {mean:.1f} elements on the mean")


def _alike(best: Sequence[Array]) -> tuple[str, ...]:
    """The first, and those that are called and nested as it is."""
    return tuple(one.path for one in best if _end_and_depth(one) == _end_and_depth(best[0]))


def _held(paths: Sequence[str], best: Sequence[Array], roots: Sequence[object]) -> str:
    elements = sum(one.elements for one in best if one.path in paths)
    by_name = f"; `{EACH_NAME}` is the name that each lies under" if EACH_NAME in paths[0] else ""
    return f"{len(roots):,} records hold {elements:,} elements there, with the numbers{by_name}"


def _are_senml(lists: Sequence[list[object]]) -> bool:
    elements = [element for root in lists for element in root if isinstance(element, dict)]
    return any("bn" in element for element in elements) and any("v" in element for element in elements)


def _are_events(array: Array, roots: Sequence[object]) -> bool:
    """Whether several elements a record have times of their own, where there are numbers beside the array, too."""
    elements = [nodes[:1] for root in roots[:50] for nodes in Points((array.path,)).explode(root, None).elements]
    return array.elements >= 2 * len(roots) and any(TIME_NAME.search(path) for path in columns(elements))


def _end_and_depth(array: Array) -> tuple[str, int]:
    return array.path.rpartition(".")[2], array.path.count("[")


def _has_numbers(path: str, roots: Sequence[object]) -> bool:
    elements = [nodes for root in roots[:50] for nodes in Points((path,)).explode(root, None).elements]
    if any(type_of(nodes[0]) == "number" for nodes in elements):
        return True
    of_them = columns([nodes[:1] for nodes in elements])
    return any(is_numeric(column) and not TIME_NAME.search(column.path) for column in of_them.values())


def _share(found: Facts, numbers: set[int]) -> float:
    return len(numbers) / max(found.count, 1)


def _readable(draft: Draft, found: Facts) -> set[int]:
    """Events in which a value path finds something that is, or may mean, a value."""
    return {
        number
        for path in draft.events.values
        for number, value in found.values(path).items()
        if type_of(value) not in ("object", "array")
    }


_BEST_VALUES = (
    *("value", "val", "v", "reading", "measurement", "state", "asdouble", "asint", "y", "_value", "metric_value"),
    *("metricvalue", "current_value"),
)


def values(draft: Draft, found: Facts) -> Draft:
    """The fields of the values."""
    if not found.places or _share(found, _readable(draft, found)) > 0.3:
        return draft
    chosen = _chosen(_numbers(draft, found), found)
    if not chosen:
        return draft
    draft = draft.change("values", tuple(chosen), _why(chosen, draft))
    complete = set.intersection(*(set(found.own[path].values) for path in chosen))
    if len(complete) < found.count:
        without = found.count - len(complete)
        lacks = "all of them" if len(chosen) > 1 else "it"
        why = f"{without:,} {'event does' if without == 1 else 'events do'} not have {lacks}"
        draft = draft.change("absent", "skip", why)
    return draft


def _numbers(draft: Draft, found: Facts) -> list[str]:
    """Fields of numbers that are no times, ids or places; such as never change only where all are so."""
    out = time_paths(found, draft.events) | {draft.events.timestamp}
    likely = inside(found.columns)
    # Then numbers in arrays are one after the other in time.
    are_in_time = bool(time_arrays(found, draft.events)) or any(RATE.search(path) for path in found.own)
    every = [
        path
        for path, column in found.own.items()
        if path in likely
        and path not in out
        and (is_numeric(column) or has_commas(column))
        and is_likely(path, column)
        and not is_scale(path, found.own)
        and not (are_in_time and path.endswith("]"))
        and not (draft.events.points and is_relative(path, column))
        and not (RATE.search(path) and len(column.texts()) == 1)
    ]
    numbers = [path for path in every if not is_sequence(found.own[path])] or every
    return [path for path in numbers if len(found.own[path].texts()) > 1] or numbers


def _chosen(paths: list[str], found: Facts) -> list[str]:
    """The one that is called like a value, if there is one; else all."""
    ranked = sorted(paths, key=lambda path: (_value_rank(path), -len(found.own[path].values)))
    twins = [path for path in ranked if path.rpartition(".")[2].lower() in ("asdouble", "asint")]
    if len(twins) == 2:
        return twins
    named = [path for path in ranked if _value_rank(path) < len(_BEST_VALUES)]
    if named and [_value_rank(path) for path in named].count(_value_rank(named[0])) == 1:
        return named[:1]
    return ranked[:MOST_VALUES]


def _value_rank(path: str) -> int:
    last = path.rpartition(".")[2].lower()
    return _BEST_VALUES.index(last) if last in _BEST_VALUES else len(_BEST_VALUES)


def _why(chosen: Sequence[str], draft: Draft) -> str:
    shown = ", ".join(f"`{path}`" for path in chosen[:4])
    shown += f" and {len(chosen) - 4} others" if len(chosen) > 4 else ""
    missing = ", ".join(f"`{path}`" for path in draft.events.values)
    holds, lies = ("holds" if len(chosen) == 1 else "hold"), ("is" if len(draft.events.values) == 1 else "are")
    return f"{shown} {holds} numbers; {missing} {lies} nowhere"


_MISSING = frozenset(
    {
        *("", "-", "--", "?", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "unavailable", "unknown", "missing"),
        *("offline", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity", "no data", "error", "undef"),
    }
)


def texts(draft: Draft, found: Facts) -> Draft:
    """Texts that mean a missing value, or on and off."""
    events = draft.events
    words = Counter(word for path in events.values for value in found.values(path).values() for word in _words(value))
    known = {one.strip().lower() for one in events.missing}
    missing = [word for word in words if word in _MISSING and word not in known]
    far = _sentinels(draft, found)
    switched = sum(number for word, number in words.items() if word in BOOLEANS)
    if missing:
        told = ", ".join(f"{words[word]:,} {msgspec.json.encode(word).decode()}" for word in missing)
        draft = draft.change("missing", (*events.missing, *missing), f"of the values {told}")
    if far:
        told = ", ".join(f"{count:,} {'is' if count == 1 else 'are'} {text}" for text, count in far.items())
        why = f"of the values {told}, far from all others: put them if they mean that there is none"
        before = draft.proposals[-1].why + "; " if missing else ""
        draft = draft.change("missing", (*draft.events.missing, *far), before + why)
    if switched and not events.booleans:
        draft = draft.change("booleans", True, f"of the values {switched:,} are true, false, on or off")
    return draft


def _sentinels(draft: Draft, found: Facts) -> dict[str, int]:
    """Numbers that stand for a missing value, and how often each does."""
    counts: Counter[str] = Counter()
    known = {numeric(text) for text in draft.events.missing}
    for path in draft.events.values:
        spread = Spread()
        for value in found.values(path).values():
            number = numeric(value) if isinstance(value, str) else value
            if isinstance(number, int | float) and not isinstance(number, bool) and number not in known:
                spread.add(float(number) if abs(number) < LARGEST_VALUE else math.inf)
        counts.update({written(value): count for value, count in spread.sentinels().items()})
    return dict(counts)


def _words(value: object) -> Iterator[str]:
    """What a value that is no number says."""
    if isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, float) and not math.isfinite(value):
        yield str(value)
    elif isinstance(value, str) and numeric(value) is None:
        yield value.strip().lower()


At = tuple[int, int, int]
"""Partition and offset of a record, and which of its events."""


def where(draft: Draft, found: Facts) -> Draft:
    """A field that tells the events that can be read from those of another kind."""
    trial = try_out(found.sample, draft.settings)
    good = {(one.record.partition, one.record.offset, one.index or 0) for one in trial.taken}
    bad = {
        (record.partition, record.offset, reject.index or 0)
        for reject, record in trial.rejects
        if reject.field or reject.reason == "not_json"
    }
    if draft.events.where or not good or not bad - good:
        return draft
    numbers = _numbered(found)
    bad_ones, good_ones = ({numbers[at] for at in these if at in numbers} for these in (bad - good, good))
    for path in sorted(found.columns, key=lambda path: (path.count("."), len(found.columns[path].texts()))):
        condition = _condition(found.columns[path], bad_ones, good_ones)
        if condition is not None and path not in draft.events.values:
            others = f"the {len(bad_ones):,} events that it leaves out hold no value that can be read"
            changed = draft.change("where", (condition,), others)
            if len(try_out(found.sample, changed.settings).rejects) < len(trial.rejects):
                return changed
    return draft


def _numbered(found: Facts) -> dict[At, int]:
    """The number of each event by where it lies."""
    numbers: dict[At, int] = {}
    before, index = None, 0
    for number, place in enumerate(found.places):
        record = place.record
        index = index + 1 if record is before else 0
        before = record
        numbers[record.partition, record.offset, index] = number
    return numbers


_PLAIN = re.compile(r"[\w.:/-]+")


def _condition(column: Column, bad: set[int], good: set[int]) -> str | None:
    """A condition on a field that all good ones fulfil and no bad one does."""
    of_bad, of_good = (
        {as_text(column.values[number]) or "" for number in numbers if column.values.get(number) is not None}
        for numbers in (bad, good)
    )
    if any(column.values.get(number) is None for number in good):
        return None
    if not of_bad:
        return f"{column.path} exists"
    if of_bad & of_good or len(of_bad | of_good) > MOST_KINDS or not all(map(_PLAIN.fullmatch, of_bad | of_good)):
        return None
    if len(of_good) == 1:
        return f"{column.path} = {of_good.pop()}"
    if len(of_bad) == 1:
        return f"{column.path} != {of_bad.pop()}"
    return f"{column.path} =~ {'|'.join(map(re.escape, sorted(of_good)))}"
