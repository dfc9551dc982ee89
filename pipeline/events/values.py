"""Values of events: numbers, and texts that mean one or a missing one."""

import math
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from pipeline.dead_letters import RefusedError
from pipeline.events.fields import Field, one_field
from pipeline.events.json_text import inner
from pipeline.events.paths import UNSET, FieldError, Path, Place
from pipeline.settings import Events
from pipeline.stamps import numeric, shown

LARGEST_VALUE = 1e30
BOOLEANS: Mapping[str, float] = MappingProxyType(
    {"on": 1.0, "off": 0.0, "true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}
)
"""What `events.booleans` reads, in capitals or not."""


class Values:
    """Reads values and covariates.

    Parameters
    ----------
    events
        How they are written.

    Attributes
    ----------
    paths
        Of the values.
    """

    def __init__(self, events: Events) -> None:
        self.paths = tuple(Path(path) for path in events.values)
        self._covariates: tuple[Field, ...] = tuple(one_field(path, events.key) for path in events.covariates)
        self._booleans = events.booleans
        self._number = comma_number if events.decimal == "comma" else numeric
        self._missing = frozenset(text.strip().lower() for text in events.missing)
        numbers = map(self._number, events.missing)
        self._missing_numbers = frozenset(float(number) for number in numbers if number is not None)

    def is_word(self, text: str) -> bool:
        """Whether a text that is no JSON, or text in JSON, is a value all the same."""
        lower = text.lower()
        if lower in self._missing or self._number(text) is not None:
            return True
        return self._booleans and lower in BOOLEANS

    def read(self, node: object, path: Path) -> float:
        """What lies at a path of a node, NaN where it is known to be missing.

        Raises
        ------
        RefusedError
            It is no number.
        """
        found = path.look(node) if type(node) is dict or type(node) is list else node
        if type(found) is str:
            found = self._of_text(found)
        if type(found) is float or type(found) is int:
            if self._missing and self._is_missing(found):
                return math.nan
            if -LARGEST_VALUE <= found <= LARGEST_VALUE:
                return float(found)
            raise RefusedError("value_out_of_range", _beyond(found), path.text)
        if found is None:
            return math.nan
        if found is UNSET:
            raise RefusedError("missing_value", _no_value(path.text, node), path.text)
        if type(found) is bool and self._booleans:
            return float(found)
        raise RefusedError("bad_value", f"found {shown(found)}, expected a number{_fix(found)}", path.text)

    def _of_text(self, text: str) -> object:
        """The number that a text means, None if it means a missing one; itself if it is neither."""
        number = self._number(text)
        if number is not None:
            return number
        lower = text.strip().lower()
        if lower in self._missing:
            return None
        return BOOLEANS.get(lower, text) if self._booleans else text

    def _is_missing(self, number: float) -> bool:
        return number in self._missing_numbers or (
            not math.isfinite(number) and not self._missing.isdisjoint(_NO_NUMBERS[str(number)])
        )

    def covariates(self, place: Place) -> tuple[float, ...]:
        """Numbers known with the event, NaN where one is masked."""
        return tuple([self._covariate(each, place) for each in self._covariates]) if self._covariates else ()

    def _covariate(self, path: Field, place: Place) -> float:
        """Read a number known with the event; what is none becomes NaN, which masks it."""
        try:
            found = path.find(place)
        except FieldError:
            return math.nan
        if type(found) is str:
            found = self._number(found)
        if (type(found) is float or type(found) is int or type(found) is bool) and abs(found) <= LARGEST_VALUE:
            return float(found)
        return math.nan


_NO_NUMBERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "nan": frozenset({"nan"}),
        "inf": frozenset({"inf", "+inf", "infinity", "+infinity"}),
        "-inf": frozenset({"-inf", "-infinity"}),
    }
)
"""How `events.missing` may spell what JSON of some languages writes as a bare word."""


def _beyond(number: float) -> str:
    """Why a number is refused, and what to do."""
    if isinstance(number, int) or math.isfinite(number):
        return f"found {shown(number)}, beyond 1e30; let the producer write it in a larger unit"
    word = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(number)]
    return f'found {word}; if it means a missing value, set events.missing = ["{word}"]'


def comma_number(text: str) -> int | float | None:
    """Read a number with a decimal comma; None if it is none. A point may stand for thousands, so it is none."""
    return None if "." in text else numeric(text.replace(",", ".", 1))


def _no_value(path: str, node: object) -> str:
    ends_in = next((text for text in _text_on_the_way(path, node)), None)
    if ends_in is not None:
        return f"no field `{path}`: {ends_in}"
    return f'no field `{path}`; null says that a value is known to be missing, events.absent = "skip" that it may be'


def _text_on_the_way(path: str, node: object) -> Iterator[str]:
    """A text that a path would go on from, were it JSON."""
    parts = path.split(".")
    for count in range(1, len(parts)):
        before = ".".join(parts[:count])
        try:
            found = Path(before).look(node)
        except FieldError:  # a quoted name that holds a dot
            continue
        if type(found) is str and type(inner(found)) is str:
            yield f"`{before}` holds {shown(found)}, which is no JSON object or array"


_LIKE_A_NUMBER = re.compile(r"\W*\d")
"""Such as `20,5`, `21.5 °C`, `$1,200.00`."""


def _fix(found: object) -> str:
    """The setting that reads a value which is no number."""
    if type(found) is bool or (type(found) is str and found.strip().lower() in BOOLEANS):
        return "; events.booleans = true reads it"
    if type(found) is str and _BASE64.fullmatch(found):
        return (
            ", and this may be base64 of a decimal, as Debezium and Kafka Connect write NUMERIC columns, which no"
            ' setting reads: set decimal.handling.mode = double in Debezium, decimal.format = "NUMERIC" in the'
            " JsonConverter"
        )
    if type(found) is str and _LIKE_A_NUMBER.match(found):
        alone = (
            "; no setting takes units or thousands off: let the producer write the number alone, with a decimal point"
        )
        number = comma_number(found) if "," in found else None
        return alone if number is None else f'{alone}; events.decimal = "comma" would read it as {number}'
    if type(found) is str and len(found) < 40:
        return (
            f"; if it means a missing value, set events.missing = [{shown(found)}]; no other word is read as a number"
        )
    if type(found) is dict or type(found) is list:
        return "; let events.values name the field in it that holds the number"
    return ""


_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4}){0,8}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)", re.ASCII)
"""Bytes of a number in base64, where padding tells it from a word."""
