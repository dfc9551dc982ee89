"""Numbers that name a series where no text does: ids in columns without names, coordinates, addresses."""

import re
from collections.abc import Iterator

from msgspec import structs

from pipeline.check.columns import Column, inside, is_numeric, last_name
from pipeline.check.draft import Draft
from pipeline.check.facts import Facts
from pipeline.check.number_fields import NO_VALUE, TIME_PARTS, is_relative, is_sequence
from pipeline.check.time_fields import time_paths
from pipeline.check.trial import Trial, confusion, try_out
from pipeline.settings import SettingsError

FEW = 0.02
"""Share of observations that may be late or repeated with such a name."""
MOST_TRIED = 6
"""Fields."""
MOST_DIFFERENT = 50
"""Numbers that are names."""


def by_ids(draft: Draft, found: Facts, now: Trial) -> Draft:
    """Name the series by a field of numbers, where that tells apart all that comes at one time."""
    for path in list(_ids(draft, found))[:MOST_TRIED]:
        values = tuple(one for one in draft.events.values if one != path)
        if not values:
            continue
        spelt = path if path in found.own or "{" not in path else f"{{{path}}}"
        try:
            events = structs.replace(draft.events, series=spelt, values=values)
        except SettingsError:
            continue
        trial = try_out(found.sample, structs.replace(draft.settings, events=events))
        if trial.taken and confusion(trial) <= FEW and (not now.taken or confusion(now) > FEW):
            return _changed(draft, found, spelt, path, values)
    return draft


def _changed(draft: Draft, found: Facts, spelt: str, path: str, values: tuple[str, ...]) -> Draft:
    column = found.columns[path]
    why = (
        f"no text names a series; `{path}` has {len(column.texts()):,} numbers such as {column.example()}, which tell"
        " apart what comes at one time: put another field if these are measured"
    )
    changed = draft.change("series", spelt, why)
    return changed if values == draft.events.values else changed.change("values", values, f"`{path}` names the series")


def _ids(draft: Draft, found: Facts) -> Iterator[str]:
    """Fields of numbers that may be ids, those that are called so first."""
    times = time_paths(found, draft.events)
    paths = [
        path
        for path, column in inside(found.columns).items()
        if path not in times
        and last_name(path).lower() not in TIME_PARTS
        and not is_relative(path, column)
        and _may_be(column, found)
    ]
    yield from sorted(paths, key=lambda path: (not NO_VALUE.search(path), _COORDINATE.search(path) is not None))


_COORDINATE = re.compile(r"(lat|lon|lng|latitude|longitude)$")


def _may_be(column: Column, found: Facts) -> bool:
    different = len(column.texts())
    if len(column.values) < 0.9 * found.count or not 1 < different <= min(MOST_DIFFERENT, 0.5 * found.count):
        return False
    return is_numeric(column) and not is_sequence(column)
