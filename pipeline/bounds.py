"""`model.bounds`: which series have a floor or a cap, as the settings write it."""

import re
from collections.abc import Sequence

from lstm_stream import Bound

_FORM = re.compile(r"(?P<pattern>.*\S)\s*=\s*(?P<told>[^=]*)", re.DOTALL)
_RANGE = re.compile(r"(?P<floor>\S*?)\s*\.\.\s*(?P<cap>\S*)")
EXPECTED = "expected `PATTERN = FLOOR..CAP`, such as `*.percent = 0..100` or `*.stock = 0..`, or `PATTERN = recognise`"


def bounds(texts: Sequence[str]) -> tuple[Bound, ...]:
    """Read the bounds.

    Raises
    ------
    ValueError
        A text is of another form; the message says the fix.

    Examples
    --------
    >>> bounds(["*.percent = 0..100", "shop-? = 0..", "* = recognise"])[1]
    Bound(pattern='shop-?', floor=0.0, cap=None, recognise=False)
    """
    return tuple(map(_told, texts))


def _told(text: str) -> Bound:
    form = _FORM.fullmatch(text.strip())
    if form is None:
        raise ValueError(f"`{text}` names no pattern and no bounds; {EXPECTED}")
    if form["told"].strip() == "recognise":
        return Bound(pattern=form["pattern"], recognise=True)
    ends = _RANGE.fullmatch(form["told"].strip())
    if ends is None or not (ends["floor"] or ends["cap"]):
        raise ValueError(f"`{text}` tells neither a floor nor a cap; {EXPECTED}")
    floor, cap = (_end(end, text) for end in (ends["floor"], ends["cap"]))
    if floor is not None and cap is not None and not floor < cap:
        raise ValueError(f"`{text}` has a floor that is not below its cap; turn them round")
    return Bound(pattern=form["pattern"], floor=floor, cap=cap)


def _end(end: str, text: str) -> float | None:
    if not end:
        return None
    try:
        value = float(end)
    except ValueError:
        raise ValueError(f"`{text}`: {end} is no number; {EXPECTED}") from None
    if not abs(value) <= 1e30:
        raise ValueError(f"`{text}`: {end} is beyond 1e30; leave that end out")
    return value
