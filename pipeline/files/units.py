"""What stands beside the numbers of a column: a currency, a percent sign, a unit.

It is alike in all of its cells, or it is none. Only known ones count: `A1`, `A2` are names, `10K` and `3M` are to be
written out.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from pipeline.files.cells import like_a_number

_CURRENCY = r"[$€£¥₹₽₩₺]|US\$|R\$|A\$|C\$|Rs\.?|kr\.?|z\u0142|Ft|K\u010d|[A-Z]{3}"
_PREFIXES = r"[kMGTmnp\u00b5\u03bc]?"
_UNIT = (
    rf"%|\u2030|°|[°º] ?[CFK]|{_PREFIXES}(?:Wh?|VA|VAh|varh?|VAr|V|A|Ah|Hz|Pa|J|m|g|l|L|s|B|bit|bps|B/s|bit/s|bar|cal)"
    r"|[ckd]?m|mm|in|ft|mi|mph|kn|kt|kts|m/s|km/h|h|hPa|psi|ppm|ppb|dB|dBm|dB\(A\)|rpm|lx|lux|lbs?|oz|t|pH|pcs"
    r"|[mkc]?m[\u00b2\u00b323](?:/[hs])?|[\u00b5\u03bcmn]?g/m[\u00b33]|[Ll]/(?:h|s|min)|W/m[\u00b22]|St(?:ü|ue)ck|Stk\.?"
)
_MARKED = re.compile(
    rf"(?P<before>{_CURRENCY}|')?\s?(?P<number>[(]?[-+\u2212]?[\d.,].*?[)]?-?)\s?(?P<after>{_CURRENCY}|{_UNIT})?"
)
SIGNS = "-+\u2212"


class Unit(NamedTuple):
    """What stands before and after each number of a column."""

    before: str = ""
    after: str = ""

    def bare(self, text: str) -> str:
        """The number alone, and a text as it stands; raises ValueError where a number is written otherwise."""
        sign, rest = (text[0], text[1:].lstrip()) if text[:1] in tuple(SIGNS) else ("", text)
        if rest.startswith(self.before) and rest.endswith(self.after):
            return sign + rest.removeprefix(self.before).removesuffix(self.after).strip()
        if like_a_number(text):
            raise ValueError("without its unit")
        return text

    @property
    def told(self) -> str:
        """What is left away, in words; empty where nothing is."""
        return " ".join(
            filter(None, (self.before and f"`{self.before}` before", self.after and f"`{self.after}` after"))
        )


NO_UNIT = Unit()


def unit_of(cells: Sequence[str]) -> Unit:
    """What all of these cells have beside their numbers; nothing where they differ, or are plain numbers or text."""
    if not cells or like_a_number(cells[0]):
        return NO_UNIT
    match = _MARKED.fullmatch(cells[0].lstrip(SIGNS))
    if match is None:
        return NO_UNIT
    unit = Unit(match["before"] or "", match["after"] or "")
    return unit if unit != NO_UNIT and _has_each(unit, cells) else NO_UNIT


def _has_each(unit: Unit, cells: Sequence[str]) -> bool:
    try:
        return all(like_a_number(unit.bare(cell)) for cell in set(cells))
    except ValueError:
        return False
