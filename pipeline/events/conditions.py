"""Which events are meant for us: conditions on a field, a header, the key or the topic (`events.where`)."""

import json
import re
from collections.abc import Sequence

from pipeline.events.fields import Field, Keys, one_field
from pipeline.events.paths import UNSET, FieldError, Path, Place, as_text
from pipeline.stamps import numeric

_COMPARED = re.compile(r"\s*(.+?)\s*(!=|=~|!~|==?)\s*(.*?)\s*", re.DOTALL)
_PRESENT = re.compile(r"\s*(.+?)\s+(exists|absent)\s*")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


class Condition:
    """One condition: ``type = reading``, ``id != x``, ``id =~ sensor\\..*``, ``!~``, ``error absent``, ``v exists``.

    A text that matches does so as a whole. A field that is absent or null equals and matches nothing, so that ``!=``
    and ``!~`` hold.

    Raises
    ------
    FieldError
        It is none; the message says the fix.
    """

    def __init__(self, text: str, keys: Keys = "utf8") -> None:
        self.text = text
        spelt, self._operator, self._expected = _parsed(text)
        self._field: Field = one_field(spelt, keys)
        self._number = numeric(self._expected)
        self._pattern = re.compile(self._expected, re.DOTALL) if self._operator in ("=~", "!~") else None

    @property
    def is_of_record(self) -> bool:
        """Whether it can be told without reading the record's value."""
        return not isinstance(self._field, Path)

    def holds(self, place: Place) -> bool:
        """Whether the record, or this element of it, fulfils it. A key or header that is no text is absent."""
        try:
            found = self._field.find(place)
        except FieldError:
            found = UNSET
        match self._operator:
            case "exists":
                return found is not UNSET and found is not None
            case "absent":
                return found is UNSET or found is None
            case "=" | "=~":
                return self._fits(found)
            case _:
                return not self._fits(found)

    def _fits(self, found: object) -> bool:
        text = as_text(found)
        if text is None:
            return False
        if self._pattern is not None:
            return self._pattern.fullmatch(text) is not None
        if text == self._expected:
            return True
        is_number = type(found) is int or type(found) is float
        return is_number and self._number is not None and found == self._number


def conditions(texts: Sequence[str], keys: Keys = "utf8") -> tuple[Condition, ...]:
    """Compile them; raises FieldError at the first that is none."""
    return tuple(Condition(text, keys) for text in texts)


def _parsed(text: str) -> tuple[str, str, str]:
    present = _PRESENT.fullmatch(text)
    if present:
        return present[1], present[2], ""
    compared = _COMPARED.fullmatch(_SELECTORS.sub(_hidden, text))
    if compared is None:
        raise FieldError(
            f"{json.dumps(text)} is no condition; expected FIELD = TEXT, FIELD != TEXT, FIELD =~ PATTERN,"
            " FIELD !~ PATTERN, FIELD exists or FIELD absent"
        )
    spelt, operator, expected = compared.groups()
    expected = expected[1:-1] if _QUOTED.fullmatch(expected) else expected
    if operator in ("=~", "!~"):
        _check_pattern(text, expected)
    return spelt.replace(_EQUALS, "="), "=" if operator == "==" else operator, expected.replace(_EQUALS, "=")


_SELECTORS = re.compile(r"\[[^\[\]]*\](?=.*(?:!=|=~|!~|=))", re.DOTALL)
_EQUALS = "\x00"


def _hidden(selector: re.Match[str]) -> str:
    """A selector's own `=` is none of the condition."""
    return selector[0].replace("=", _EQUALS)


def _check_pattern(text: str, pattern: str) -> None:
    try:
        re.compile(pattern.replace(_EQUALS, "="))
    except (re.error, OverflowError, RecursionError) as error:
        raise FieldError(
            f"{json.dumps(text)} holds no regular expression: {error}; put a \\ before . ( ) [ ] + * ?"
        ) from None
