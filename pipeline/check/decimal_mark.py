"""Numbers that are written as text with a decimal comma: whether it is one, and what to say and to set."""

import re
from collections.abc import Iterator

from pipeline.check.columns import Column, inside
from pipeline.check.draft import Draft
from pipeline.check.facts import Facts
from pipeline.settings import Events
from pipeline.stamps import numeric

MOST_SHOWN = 6


def decimals(draft: Draft, found: Facts) -> Draft:
    """The decimal mark of values that are texts."""
    written = [one for path in draft.events.values for one in found.values(path).values() if isinstance(one, str)]
    with_comma = [text for text in written if has_comma(text)]
    if draft.events.decimal == "comma" or not with_comma:
        return draft
    if any("." in text and numeric(text) is not None for text in written):  # of both kinds: neither setting reads all
        return draft
    if all(len(text.strip().rpartition(",")[2]) == 3 for text in with_comma):  # these may be thousands
        return draft
    return draft.change("decimal", "comma", f"of the values {len(with_comma):,} are such as {with_comma[0]}")


def unread_commas(found: Facts, events: Events) -> Iterator[str]:
    """What to say of numbers with a decimal comma that no path reaches."""
    paths = [path for path, column in inside(found.own).items() if path not in events.values and has_commas(column)]
    if paths:
        shown = ", ".join(f"`{path}`" for path in paths[:MOST_SHOWN])
        example = found.own[paths[0]].example()
        yield (
            f"{shown} {'holds' if len(paths) == 1 else 'hold'} numbers with a decimal comma such as {example}: to have"
            ' them forecast, name them in events.values, and set events.decimal = "comma".'
        )


def has_commas(column: Column) -> bool:
    """Whether most of what is known of a field are numbers with a decimal comma."""
    texts = [value for value in column.values.values() if isinstance(value, str)]
    return len(texts) > 0 and 2 * sum(map(has_comma, texts)) > len(column.values)


def has_comma(text: str) -> bool:
    """Whether it is a number with a decimal comma."""
    return _COMMA.fullmatch(text) is not None


_COMMA = re.compile(r"\s*-?\d+,\d+\s*")
