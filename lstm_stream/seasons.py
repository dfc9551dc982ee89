"""The seasons of a series, and how far back what the features compare with lies."""

from lstm_stream.arithmetic import Real
from lstm_stream.compiled import entry

SECOND = 1_000_000
"""Microseconds."""
DAY = 86_400
"""Seconds."""
LAGS = (1, 2, 3, 6, 12, 24)
"""y[t] - y[t-k]."""
AHEAD = (1, 3, 6, 12, 24)
"""y[t] - y[t-p+f]: what followed a season p ago."""
DIFFERENCES = len(LAGS) + 2 * (1 + len(AHEAD))
"""D: of the lags, of the shorter season, of the longer one."""
SHORT, LONG = len(LAGS), len(LAGS) + 1 + len(AHEAD)
"""Where in a series' lags the shorter season and the longer one are."""


@entry
def seasons(step: Real) -> tuple[int, int]:
    """The two seasons of a series in steps, by its step in seconds; 0 for none.

    Day and week below a day; week and year of daily values; the year of weeks, months and quarters.

    >>> seasons(3600.0), seasons(86400.0), seasons(30.4 * 86400), seasons(0.0)
    ((24, 168), (7, 365), (12, 0), (0, 0))
    """
    days = step / DAY
    if days <= 0 or days > 100:
        return 0, 0
    if days <= 0.5:
        return round(1 / days), round(7 / days)
    if days <= 3.5:
        return round(7 / days), round(365 / days)
    return round(365.25 / days), 0
