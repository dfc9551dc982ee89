"""JSON that lies in a text: the text of a record, a line of it, or a field that holds JSON of its own."""

import json
import re
from collections.abc import Callable
from functools import lru_cache

import msgspec

LONGEST_NUMBER = 400  # characters of a number that are looked at; a float64 needs fewer
LONGEST_KEPT = 16_384  # characters of a text whose JSON is kept for the next path into it
KEPT = 64  # of these


def loosely(text: str) -> object:
    """Read also what strict JSON forbids (NaN, 1e400, lone surrogates): only the field that has it is refused.

    Raises
    ------
    ValueError, RecursionError
        It is no JSON, or too deep.
    """
    return json.loads(text, parse_int=_whole)


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= LONGEST_NUMBER else float(digits)


_DECODER = json.JSONDecoder(parse_int=_whole)


def joined(text: str) -> list[object]:
    """Objects one after the other with nothing between them, as Amazon Data Firehose joins them; [] where it is else.

    >>> joined('{"v": 1}{"v": 2}'), joined('{"v": 1} and more')
    ([{'v': 1}, {'v': 2}], [])
    """
    found: list[object] = []
    at = 0
    while at < len(text):
        try:
            document, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            return []
        if type(document) is not dict:
            return []
        found.append(document)
        space = _SPACE.match(text, at)
        at = space.end() if space else at
    return found


_SPACE = re.compile(r"\s*")


def inner(text: str) -> object:
    """The object or array that a text holds as JSON; the text itself where it holds none.

    >>> inner('{"temp": 21}'), inner("temp")
    ({'temp': 21}, 'temp')
    """
    if not text.lstrip().startswith(("{", "[")):
        return text
    return _kept(text) if len(text) <= LONGEST_KEPT else _inner(text)


def _inner(text: str) -> object:
    try:
        return msgspec.json.decode(text)
    except RecursionError:
        return text
    except (msgspec.DecodeError, UnicodeError):
        return _inner_loosely(text)


def _inner_loosely(text: str) -> object:
    try:
        return loosely(text)
    except (ValueError, RecursionError):
        return text


_kept: Callable[[str], object] = lru_cache(maxsize=KEPT)(_inner)
"""Several paths lead into one text: it is read once."""
