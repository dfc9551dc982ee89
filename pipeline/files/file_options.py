"""What options and settings tell of a file: its columns, and how it is written."""

from typing import NamedTuple

import msgspec

Cells = tuple[str, ...]
"""A row of a file: text without spaces around it, "" where there is nothing."""


class Fields(NamedTuple):
    """What the fields of an event are called, and so the columns that hold them."""

    series: str = "series"
    timestamp: str = "timestamp"
    values: tuple[str, ...] = ("value",)
    covariates: tuple[str, ...] = ()


PLAIN = Fields()


class FileOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What options and settings tell of a file; what is empty is found out.

    Attributes
    ----------
    time, series, values
        Columns.
    time_format
        A pattern of `strptime`, an order such as ``d/m/Y``, a unit since 1970, or ``excel``.
    timezone
        Of times that name none.
    step
        Seconds from row to row where no column holds times; ``event``: each row is a step, whatever its time;
        ``infer``.
    missing
        Cells that mean a missing value, beside the usual ones.
    booleans
        Whether true, on, yes, false, off and no are numbers.
    decimal
        ``point`` or ``comma``.
    encoding
        Of the text.
    """

    time: tuple[str, ...] = ()
    series: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    time_format: str = ""
    timezone: str = "UTC"
    step: float | str = "infer"
    missing: tuple[str, ...] = ()
    booleans: bool = False
    decimal: str = ""
    encoding: str = ""


NO_OPTIONS = FileOptions()
