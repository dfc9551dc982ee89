"""Names of months in the languages of many exports, as English ones; no two languages disagree on any of these."""

import re
from collections.abc import Mapping
from types import MappingProxyType

ENGLISH = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_BY_LANGUAGE = (
    "jan feb mar apr may jun jul aug sep oct nov dec",
    "january february march april may june july august sept october november december",
    "januar februar märz april mai juni juli august september oktober november dezember",  # German
    "jän feber mrz apr mai jun jul aug sep okt nov dez",
    "jänner febr maerz april mai juni juli aug sept okt nov dez",
    "jan feb mär apr mai jun jul aug sep okt nov dez",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",  # French
    "janv févr mars avr mai juin juil août sept oct nov déc",
    "jan fev mar avr mai juin juil aout sep oct nov dec",
    "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",  # Spanish
    "ene feb mar abr may jun jul ago sept oct nov dic",
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",  # Italian
    "gen feb mar apr mag giu lug ago set ott nov dic",
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",  # Portuguese
    "jan fev mar abr mai jun jul ago set out nov dez",
    "januari februari maart april mei juni juli augustus september oktober november december",  # Dutch, Swedish, Danish
    "januar februar mrt april maj juni juli augusti september oktober november december",
    "jan feb marts apr mei jun jul aug sep okt nov des",
)
MONTHS: Mapping[str, int] = MappingProxyType(
    {name: number for names in _BY_LANGUAGE for number, name in enumerate(names.split(), 1)}
)
"""The number of each name, in lower case."""
NAME = "(?:" + "|".join(sorted(map(re.escape, MONTHS), key=len, reverse=True)) + r")\.?"
"""A pattern of these names."""
_WORD = re.compile(rf"(?<![^\W\d_]){NAME}(?![^\W\d_])", re.IGNORECASE)


def month_of(name: str) -> int | None:
    """The number of a month's name, in whatever language."""
    return MONTHS.get(name.strip().rstrip(".").lower())


def is_english(text: str) -> bool:
    """Whether a date names its month in English, short or long."""
    return re.search(rf"\b(?:{'|'.join(_BY_LANGUAGE[0].split() + _BY_LANGUAGE[1].split())})\b", text, re.I) is not None


def in_english(text: str) -> str:
    """A date with its month's name in English, and its day as digits alone: `1. März 2024` is `1 March 2024`."""
    named = _WORD.sub(lambda match: ENGLISH[MONTHS[match[0].rstrip(".").lower()] - 1], text, count=1)
    plain = re.sub(r"(?<!\w)(\d{1,2})(?:er|\.|st|nd|rd|th|\u00ba|o)(?=[ -])", r"\1", named, count=1)
    return re.sub(r" de(?:l)? ", " ", plain)
