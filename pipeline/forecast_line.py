"""What `lstm-stream tail` tells of a forecast."""

import msgspec


class Line(msgspec.Struct, frozen=True):
    """A value that came, what was forecast for it, and what is forecast next.

    Attributes
    ----------
    series, time
        Which, and when (ISO 8601, UTC).
    value
        What came; None where it is missing, or its record is gone from the input.
    forecast, lower, upper
        Mean and outermost quantiles of the newest forecast before; None where none was seen that reaches so far.
    inside
        Whether the value lies between the two; None where either is not known.
    surprise, status
        As in the forecast.
    next, next_lower, next_upper
        One step ahead.
    id
        Of the forecast.
    """

    series: str
    time: str
    value: float | None
    forecast: float | None
    lower: float | None
    upper: float | None
    inside: bool | None
    surprise: float | None
    status: str
    next: float
    next_lower: float
    next_upper: float
    id: str
