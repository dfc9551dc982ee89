"""Cells that hold numbers: how a file writes them, told by all of its values together.

A comma in `1,5` is a decimal one and in `1,234,567` a mark between thousands; `1,234` alone may be either, and then the
file is refused until somebody says which.
"""

import math
import re
from collections.abc import Iterable
from typing import NamedTuple

from pipeline.files.packing import TableError

MISSING = frozenset(
    {"", "nan", "na", "n/a", "null", "none", "?", "-", "--", ".", "#n/a", "#na", "nat", "<na>", "\\n", "unavailable"}
)
"""Cells that mean a missing value, whatever their case."""
BOOLEANS = {"true": 1.0, "false": 0.0}
SWITCHES = {**BOOLEANS, "on": 1.0, "yes": 1.0, "off": 0.0, "no": 0.0}
LARGEST = 1e30
"""As for the daemon: what is beyond is no value."""

_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_GROUPS = " '\u00a0\u202f\u2019"
_LIKE = re.compile(rf"[+-]?(\d[\d.,{_GROUPS}]*|[.,]\d+)([eE][+-]?\d+)?", re.ASCII)
_SHORT = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", re.ASCII)


class NumberForm(NamedTuple):
    """How numbers are written.

    Attributes
    ----------
    decimal
        ``.`` or ``,``
    group
        What may stand between thousands; empty: nothing.
    missing
        Texts that mean a missing value, in lower case.
    booleans
        Whether true, on and yes are 1, false, off and no 0.
    missing_numbers
        Numbers that mean a missing value, however they are written.
    """

    decimal: str = "."
    group: str = ""
    missing: frozenset[str] = MISSING
    booleans: bool = False
    missing_numbers: frozenset[float] = frozenset()

    def number(self, text: str) -> float:
        """The number in a cell, NaN where it is missing; raises ValueError where it is none."""
        if self.decimal == "." and text not in self.missing:
            number = _quickly(text)
            if number is not None:
                return math.nan if number in self.missing_numbers else number
        if text.lower() in self.missing:
            return math.nan
        if self.booleans and text.lower() in SWITCHES:
            return SWITCHES[text.lower()]
        number = float(text if self._is_simple(text) else self._simplified(text))
        if number in self.missing_numbers:
            return math.nan
        if not abs(number) <= LARGEST:
            raise ValueError(f"beyond {LARGEST:g}")
        return number

    def _is_simple(self, text: str) -> bool:
        return self.decimal == "." and _PLAIN.fullmatch(text) is not None

    def _simplified(self, text: str) -> str:
        point, mark = re.escape(self.decimal), re.escape(self.group)
        whole = rf"(\d{{1,3}}({mark}\d{{3}})+|\d+)" if self.group else r"\d+"
        if re.fullmatch(rf"[+-]?({whole}({point}\d*)?|{point}\d+)([eE][+-]?\d+)?", text, re.ASCII) is None:
            raise ValueError("not a number")
        bare = text.replace(self.group, "") if self.group else text
        return bare.replace(self.decimal, ".")

    @property
    def told(self) -> str:
        """What of it is unusual, in words; empty if nothing is."""
        decimal = "decimal comma" if self.decimal == "," else ""
        group = f"`{self.group}` between thousands" if self.group not in ("", ".") else ""
        return ", ".join(filter(None, (decimal, group)))


def _quickly(text: str) -> float | None:
    """Most numbers, without a look at their form; None: that look is needed."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) <= LARGEST and "_" not in text and text.isascii() else None


def numbers_of(texts: Iterable[str]) -> frozenset[float]:
    """Those of these texts that are numbers."""
    return frozenset(float(text) for text in texts if _PLAIN.fullmatch(text.strip()))


def like_a_number(text: str) -> bool:
    """Whether a cell may hold a number, in whatever form."""
    return _LIKE.fullmatch(text) is not None


def mend_of(text: str) -> str:
    """What to do about a cell that is no number."""
    if text.lower() in SWITCHES:
        return "say --booleans to take on, true and yes as 1, off, false and no as 0"
    if any(letter.isdigit() for letter in text):
        return "leave nothing but the number in the cell, or name other columns with --values"
    return f"say --missing {text[:40]!r} if it means that there is none, or name other columns with --values"


class AmbiguousNumberError(TableError):
    """Numbers that may be thousands or decimals."""


def number_form(cells: Iterable[str], form: NumberForm, decimal: str = "") -> NumberForm:
    """How these cells write numbers.

    Parameters
    ----------
    cells
        Of columns of values.
    form
        What is known already.
    decimal
        ``point`` or ``comma`` where that was said.

    Raises
    ------
    AmbiguousNumberError
        When they do not tell; its message is the cell.
    """
    said = {"point": ".", "comma": ","}.get(decimal, "")
    group, unclear = "", ""
    for text in cells:
        if text.lower() in form.missing or not like_a_number(text):
            continue
        mark = next((mark for mark in _GROUPS if mark in text), "")
        group = group or mark
        point, thousands = _evidence(text)
        said, group = said or point, group or thousands
        unclear = unclear or (text if "," in text and not point else "")
    if unclear and not said:
        raise AmbiguousNumberError(unclear)
    said = said or "."
    if unclear and said == ".":
        group = group or ","
    if said == "," and not group:
        group = "."
    return form._replace(decimal=said, group="" if group == said else group)


def _evidence(text: str) -> tuple[str, str]:
    """The decimal mark and the one between thousands that a cell proves; empty where it proves none."""
    dots, commas = text.count("."), text.count(",")
    if dots and commas:
        return (".", ",") if text.rfind(".") > text.rfind(",") else (",", ".")
    if dots > 1 or commas > 1:
        return (",", ".") if dots else (".", ",")
    if (dots or commas) and _SHORT.fullmatch(text) is None:
        return ("." if dots else ","), ""
    return "", ""
