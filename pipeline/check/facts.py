"""The events of a sample as the settings take them apart, and every field of them."""

import re
from collections.abc import Iterator, Sequence

import msgspec

from pipeline.check.columns import Column
from pipeline.check.inventory import columns, view
from pipeline.cluster import Sample
from pipeline.events.fields import template
from pipeline.events.framing import FramingError, documents
from pipeline.events.paths import UNSET, FieldError, Path, Place
from pipeline.events.points import Points
from pipeline.messages import Record
from pipeline.settings import Events
from pipeline.stamps import numeric


class Facts(msgspec.Struct, frozen=True):
    """The events of a sample, and their fields.

    Attributes
    ----------
    sample
        Where they are from.
    places
        The events.
    columns
        Their fields, those of what they lie in, and keys and headers of their records, by path.
    own
        The fields of the events alone: values lie there.
    """

    sample: Sample
    places: tuple[Place, ...]
    columns: dict[str, Column]
    own: dict[str, Column]

    @property
    def count(self) -> int:
        """Events."""
        return len(self.places)

    def look(self, text: str) -> dict[int, object]:
        """What a path or a template finds, by the number of the event."""
        try:
            field = template(text)
            looked = {number: field.find(place) for number, place in enumerate(self.places)}
        except FieldError:
            return {}
        return {number: value for number, value in looked.items() if value is not UNSET}

    def values(self, text: str) -> dict[int, object]:
        """What lies at a path of a value, by the number of the event; a bare value is its own."""
        path = Path(text)
        looked = {number: value_at(path, place) for number, place in enumerate(self.places)}
        return {number: value for number, value in looked.items() if value is not UNSET}

    def is_in_elements(self, text: str) -> bool:
        """Whether a path finds anything in the events themselves, not only in what they lie in."""
        try:
            path = Path(text)
        except FieldError:  # a template
            return True
        return any(path.look(place.nodes[0]) is not UNSET for place in self.places)

    def views(self, record: Record) -> list[dict[str, object]]:
        """The fields of each event of a record."""
        return [view(place.nodes) for place in self.places if place.record is record]


def value_at(path: Path, place: Place) -> object:
    """What lies at a path of the event itself; a bare value is its own."""
    node = place.nodes[0]
    return path.look(node) if isinstance(node, dict | list) else node


def facts(sample: Sample, events: Events) -> Facts:
    """What lies in the events of a sample, taken apart as these settings do."""
    places = [
        Place(record, nodes)
        for part in sample.parts
        for stretch in part.stretches
        for record in stretch
        for nodes in _elements(record, events)
    ]
    own = columns([place.nodes[:1] for place in places])
    return Facts(sample, tuple(places), columns([place.nodes for place in places]) | _of_records(places), own)


def _elements(record: Record, events: Events) -> Iterator[tuple[object, ...]]:
    now = record.timestamp / 1000 if record.timestamp >= 0 else None
    for document in read(record):
        if events.points:
            yield from Points(events.points).explode(document, now).elements
        else:
            yield (document,)


def read(record: Record) -> list[object]:
    """The JSON in a record; nothing where it is none."""
    try:
        found = documents(record, is_word)
    except FramingError:
        return []
    return [one for one in found if not isinstance(one, FramingError)]


def is_word(text: str) -> bool:
    """Whether a text alone may be a value: a number, or a word such as `on`, `unavailable`."""
    return numeric(text) is not None or _WORD.fullmatch(text) is not None


_WORD = re.compile(r"[^\W\d][\w.-]*")


def _of_records(places: Sequence[Place]) -> dict[str, Column]:
    """Keys and headers as fields."""
    found: dict[str, dict[int, object]] = {}
    for number, place in enumerate(places):
        if place.record.key:
            found.setdefault("{key}", {})[number] = place.record.key.decode(errors="replace")
        for name, content in place.record.headers:
            if content and "}" not in name:
                found.setdefault(f"{{header:{name}}}", {})[number] = content.decode(errors="replace")
    return {path: Column(path, values) for path, values in found.items()}
