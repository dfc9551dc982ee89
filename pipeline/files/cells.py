"""Cells that hold numbers: how a file writes them, told by all of its values together.

A comma in `1,5` is a decimal one and in `1,234,567` a mark between thousands; `1,234` alone may be either, and then the
file is refused until somebody says which.
"""

import math
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_MISSING_TEXTS = (
    "",
    "nan",
    "na",
    "n/a",
    "n.a.",
    "n.a",
    "null",
    "(null)",
    "nil",
    "none",
    "nat",
    "<na>",
    "\\n",
    "unavailable",
)
_MISSING_MARKS = ("?", "-", "--", "---", "\u2013", "\u2014", ".", "..", "...", "\u2026")
_MISSING_WORDS = ("missing", "no data", "nodata", "not available", "k.a.", "k. a.", "n.v.", "s/d", "n.d.")
_OF_PROGRAMS = ("-nan", "1.#qnan", "-1.#qnan", "1.#ind", "-1.#ind")
_OF_EXCEL = (
    "#n/a",
    "#na",
    "#n/a n/a",
    "#null!",
    "#value!",
    "#div/0!",
    "#ref!",
    "#num!",
    "#name?",
    "#nv",
    "#wert!",
    "#bezug!",
)
MISSING = frozenset({*_MISSING_TEXTS, *_MISSING_MARKS, *_MISSING_WORDS, *_OF_PROGRAMS, *_OF_EXCEL})
"""Cells that mean a missing value, whatever their case."""
BOOLEANS = {"true": 1.0, "false": 0.0}
SWITCHES = {**BOOLEANS, "on": 1.0, "yes": 1.0, "off": 0.0, "no": 0.0}
BOUNDS = ("<", ">", "\u2264", "\u2265", "~")
"""Before a number that was not measured, as in `<0.1`."""
LONGEST_GROUP = 3
"""Digits between two marks of thousands."""
LARGEST = 1e30
"""As for the daemon: what is beyond is no value."""

_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_GROUPS = " '\u00a0\u202f\u2019"
_LIKE = re.compile(rf"[+-]?(\d[\d.,{_GROUPS}]*|[.,]\d+)([eE][+-]?\d+)?", re.ASCII)
_SHORT = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", re.ASCII)


class AmbiguousNumberError(ValueError):
    """A number that may be thousands or decimals; the message is the cell."""


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
    undecided
        Whether no cell has told yet what a point is: 1.234 may then be 1234.
    accounting
        Whether some stand in parentheses, and are negative.
    """

    decimal: str = "."
    group: str = ""
    missing: frozenset[str] = MISSING
    booleans: bool = False
    missing_numbers: frozenset[float] = frozenset()
    undecided: bool = False
    accounting: bool = False

    def number(self, text: str) -> float:
        """The number in a cell, NaN where it is missing; raises ValueError where it is none."""
        if self.decimal == "." and text not in self.missing:
            number = _quickly(text)
            if number is not None:
                if self.undecided and _SHORT.fullmatch(text):
                    raise AmbiguousNumberError(text)
                return math.nan if number in self.missing_numbers else number
        if text.lower() in self.missing:
            return math.nan
        if self.booleans and text.lower() in SWITCHES:
            return SWITCHES[text.lower()]
        text = signed(text)
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
        return ", ".join(filter(None, (decimal, group, "`(1)` is -1" if self.accounting else "")))


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
    return _LIKE.fullmatch(text) is not None or _LIKE.fullmatch(signed(text)) is not None


def signed(text: str) -> str:
    """A number with its sign in front, as `-5`: from `\u22125`, from `5-` (SAP), from `(5)` (accounting)."""
    if text[:1] in ("\u2212", "\u2013"):
        text = f"-{text[1:]}"
    elif text[-1:] in ("-", "\u2212") and text[:1].isdigit():
        text = f"-{text[:-1].rstrip()}"
    elif text[:1] == "(" and text[-1:] == ")" and text[1:2].isdigit():
        text = f"-{text[1:-1].rstrip()}"
    return text


def mend_of(text: str) -> str:
    """What to do about a cell that is no number."""
    if text.lower() in SWITCHES:
        return "say --booleans to take on, true and yes as 1, off, false and no as 0"
    if any(map(str.isdigit, text)) and text[:1] not in BOUNDS:
        return "leave nothing but the number in the cell, or name other columns with --values"
    return f"say --missing {text[:40]!r} if it means that there is none, or name other columns with --values"


def thousands_asked(text: str) -> str:
    """What is asked about such a number."""
    bare = text.replace(",", "").replace(".", "")
    return (
        f"`{text}` may be {bare} or {text.replace(',', '.')}, and no value tells which; say --decimal point or"
        " --decimal comma"
    )


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
    group, unclear, is_open, accounting = "", "", True, False
    for cell in cells:
        text = signed(cell)
        if text.lower() in form.missing or not like_a_number(text):
            continue
        accounting = accounting or cell[:1] == "("
        is_open = is_open and text.lstrip("+-").isdecimal() and len(text.lstrip("+-")) <= LONGEST_GROUP
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
    return form._replace(
        decimal=said,
        group="" if group == said else group,
        undecided=is_open and not decimal and not group,
        accounting=accounting,
    )


def thousands_or_decimals(columns: Iterable[Sequence[str]], is_likely: bool) -> str:
    """A cell such as 1.234 that may be 1234, where nothing in these columns of a file tells; else empty.

    Three decimals in each cell are decimals; beside bare numbers below 1000 they are not, as these would have theirs.

    Parameters
    ----------
    is_likely
        Whether the file is written as where a point stands between thousands.
    """
    known = [[text for text in map(signed, cells) if like_a_number(text)] for cells in columns]
    if not all(_SHORT.fullmatch(text) for cells in known for text in cells if "." in text):
        return ""
    for cells in known:
        dotted = [text for text in cells if "." in text]
        whole = [len(text.lstrip("+-")) for text in cells if "." not in text]
        if dotted and max(whole, default=0) <= LONGEST_GROUP and (whole or is_likely):
            return dotted[0]
    return ""


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
