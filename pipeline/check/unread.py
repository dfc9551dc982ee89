"""Numbers in the events that no path of the settings reaches, and the setting that would read them."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from pipeline.check.arrays import arrays
from pipeline.check.columns import Column, inside, short, type_of
from pipeline.check.facts import read, value_at
from pipeline.check.inventory import TIME_NAME, joined
from pipeline.check.number_fields import NO_VALUE
from pipeline.cluster import Sample
from pipeline.events.conditions import conditions
from pipeline.events.fields import Field, one_field, template
from pipeline.events.json_text import inner
from pipeline.events.paths import Path, Place
from pipeline.events.points import EACH_NAME, SENML, ZIP, Points
from pipeline.settings import Events, Settings
from pipeline.stamps import StampError, Stamps

MOST_RECORDS = 300
"""Of each stretch that are looked at."""
MOST_SHOWN = 6
MOST_LISTED = 60
"""Paths in a setting that is proposed."""
NEAR = 400 * 86_400_000_000
"""Microseconds: numbers that mean times so near to their records' are taken for such."""


class Unread(msgspec.Struct, frozen=True):
    """Numbers that nothing reads.

    Attributes
    ----------
    path
        Where they lie, ``[]`` for each element of an array.
    count, example
        How many there are, and the first.
    setting, value
        Which key of [events] would read them, and how; "": none can.
    is_lost
        Whether they lie as those that are read do, under another name: then they are lost, and not only left out.
    """

    path: str
    count: int
    example: str
    setting: str
    value: tuple[str, ...]
    is_lost: bool


class _Leaf:
    """A number in a document, which stands for it while paths look for what they read."""

    def __init__(self, path: str, number: object) -> None:
        self.path = path
        self.number = number


def unread(sample: Sample, settings: Settings) -> tuple[Unread, ...]:
    """Numbers that change and that no path of the settings reaches, those that are lost first."""
    events = settings.events
    reader = _Reader(events)
    left: defaultdict[str, list[object]] = defaultdict(list)
    documents: list[object] = []
    every: dict[str, Column] = {}
    for record in (one for part in sample.parts for stretch in part.stretches for one in stretch[:MOST_RECORDS]):
        for document in read(record):
            documents.append(document)
            marked, leaves = _marked(document)
            seen = reader.reached(Place(record, (marked,)))
            near = record.timestamp * 1000 if record.timestamp >= 0 else None
            for leaf in leaves:
                every.setdefault(leaf.path, Column(leaf.path, {}))
                if id(leaf) not in seen and not _is_time(leaf.number, near):
                    left[leaf.path].append(leaf.number)
    named = [one.path for one in arrays(documents) if EACH_NAME in one.path or ZIP in one.path]
    ways = (*events.points, *named)
    grouped: defaultdict[str, list[object]] = defaultdict(list)
    for path in inside(every):
        grouped[_whole(path, ways)] += left.get(path, [])
    found = [_advised(path, grouped[path], events, named) for path in _telling(grouped)]
    return tuple(sorted(found, key=lambda one: not one.is_lost))


def told(found: Sequence[Unread], events: Events) -> Iterator[str]:
    """What to say of them, a sentence for each setting."""
    ways: dict[tuple[str, tuple[str, ...]], list[Unread]] = {}
    for one in found:
        ways.setdefault((one.setting, () if one.setting in ("values", "covariates") else one.value), []).append(one)
    for (setting, value), group in ways.items():
        shown = ", ".join(f"`{one.path}` ({one.example})" for one in group[:MOST_SHOWN])
        shown += f" and {len(group) - MOST_SHOWN} more" if len(group) > MOST_SHOWN else ""
        yield f"Numbers that nothing reads: {shown}{_fix(setting, value, group, events)}"


def _fix(setting: str, value: tuple[str, ...], group: Sequence[Unread], events: Events) -> str:
    paths = [path for one in group for path in one.value]
    if setting == "points":
        named = (
            f"; `{EACH_NAME}` is then the name that each lies under" if any(EACH_NAME in one for one in value) else ""
        )
        return f": events.points = {_listed(value)} takes them apart, each element an event{named}."
    if setting == "values":
        several = "" if len(events.values) > 1 else "; each is then a series of its own, <series>/<path>"
        return f": to forecast them, too, set events.values = {_listed([*events.values, *paths])}{several}."
    if setting == "covariates":
        return (
            ", beside the arrays of events.points: they may be covariates, events.covariates ="
            f" {_listed([*events.covariates, *paths])}."
        )
    return ", in arrays of numbers alone: let the producer write a time with each number."


def _listed(texts: Iterable[str]) -> str:
    every = list(texts)
    more = ", ..." if len(every) > MOST_LISTED else ""
    return "[" + ", ".join(msgspec.json.encode(text).decode() for text in every[:MOST_LISTED]) + more + "]"


class _Reader:
    """What the paths of some settings reach in a record."""

    def __init__(self, events: Events) -> None:
        self._points = Points(events.points) if events.points else None
        self._values = tuple(Path(path) for path in events.values)
        self._where = conditions(events.where, events.key)
        fields: list[Field] = [*template(events.series, events.key).fields, *template(events.timestamp).fields]
        fields += [one_field(path, events.key) for path in events.covariates]
        self._fields = fields

    def reached(self, place: Place) -> set[int]:
        """The leaves that are read, by their identity; also what a condition leaves out."""
        found: set[int] = set()
        if self._points is None:
            places = [place]
        else:
            exploded = self._points.explode(place.nodes[0], place.record.timestamp / 1000)
            places = [Place(place.record, nodes) for nodes in exploded.elements]
            _reach(None if places else place.nodes[0], found)
        for one in places:
            if all(condition.holds(_plain(one)) for condition in self._where):
                for value in (*(value_at(path, one) for path in self._values), *self._of_fields(one)):
                    _reach(value, found)
            else:
                _reach(one.nodes[0], found)
        return found

    def _of_fields(self, place: Place) -> Iterator[object]:
        for field in self._fields:
            if isinstance(field, Path):
                yield field.find(place)


def _plain(place: Place) -> Place:
    return Place(place.record, tuple(map(_unmarked, place.nodes)))


def _unmarked(node: object) -> object:
    if isinstance(node, dict):
        return {name: _unmarked(value) for name, value in node.items()}
    if isinstance(node, list):
        return [_unmarked(value) for value in node]
    return node.number if isinstance(node, _Leaf) else node


def _reach(node: object, found: set[int]) -> None:
    if isinstance(node, _Leaf):
        found.add(id(node))
    elif isinstance(node, dict | list):
        for value in node.values() if isinstance(node, dict) else node:
            _reach(value, found)


def _marked(document: object) -> tuple[object, list[_Leaf]]:
    """A document with a leaf in the place of each number, and these."""
    leaves: list[_Leaf] = []
    return _mark(document, "", leaves), leaves


def _mark(node: object, path: str, leaves: list[_Leaf]) -> object:
    node = inner(node) if isinstance(node, str) else node
    if isinstance(node, dict):
        return {name: _mark(value, joined(path, str(name)), leaves) for name, value in node.items()}
    if isinstance(node, list):
        each = all(isinstance(value, dict | list) for value in node) or len(set(map(type_of, node))) == 1
        return [_mark(value, f"{path}[]" if each else f"{path}[{at}]", leaves) for at, value in enumerate(node)]
    if type_of(node) not in ("number", "numeric text"):
        return node
    leaves.append(_Leaf(path, node))
    return leaves[-1]


def _is_time(number: object, near: int | None) -> bool:
    """Whether it means a time close to its record's."""
    try:
        return near is not None and abs(Stamps().read(number).time - near) < NEAR
    except StampError:
        return False


def _whole(path: str, ways: Sequence[str]) -> str:
    """A path with `*` in the place of names that are data."""
    for way in ways:
        within = _instances(way).match(path)
        if within:
            rest = path[within.end() :]
            return f"{way}.{_PLACE.sub('', rest).removeprefix('.')}" if way.endswith(ZIP) else way + rest
    return path


_PLACE = re.compile(r"\[\d*\]$")


def _telling(left: Mapping[str, Sequence[object]]) -> list[str]:
    """Of these paths those that may be measured: called so, and changing."""
    return [
        path
        for path in left
        if path and not NO_VALUE.search(path) and not TIME_NAME.search(path) and len(set(map(str, left[path]))) > 1
    ]


def _advised(path: str, numbers: Sequence[object], events: Events, named: Sequence[str]) -> Unread:
    setting, value = _setting(path, events, named)
    is_lost = bool(events.points) and setting == "points" and _end(path) in {_end(one) for one in events.values}
    return Unread(path, len(numbers), short(numbers[0], 20), setting, value, is_lost)


def _end(path: str) -> str:
    return re.split(r"[.\]]", path)[-1]


def _setting(path: str, events: Events, named: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The key of [events] that would read a path, and what of it."""
    by_name = next((one for one in named if path.startswith(one)), None)
    if by_name is not None and by_name not in events.points:
        return "points", (by_name,)
    for points in events.points:
        rest = path.removeprefix(points).removeprefix(".")
        if path.startswith(points) and "[]" not in rest:
            return "values", (rest or path,)
    if "[]" in path:
        array, _, rest = path.rpartition("[]")
        if not rest and not array.endswith("]"):
            return "", ()
        array = f"{array}[]" if rest else array
        return "points", (*(one for one in events.points if not array.startswith(one)), array)
    return ("covariates" if events.points and SENML not in events.points else "values"), (path,)


def _instances(points: str) -> re.Pattern[str]:
    """What paths a path of points stands for."""
    pattern = re.escape(points).replace(re.escape(ZIP), rf"(?=\.?{_ONE}\[)")
    return re.compile(
        pattern.replace(re.escape(f"{EACH_NAME}[]"), rf"{_ONE}(?:\[\])?").replace(re.escape(EACH_NAME), _ONE)
    )


_ONE = r"(?:\"[^\"]+\"|[^.\[\]\"]+)"
