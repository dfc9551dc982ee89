"""What the library is fed: one value of one series at one time."""

from typing import NamedTuple


class Observation(NamedTuple):
    """One value of one series at one time.

    Attributes
    ----------
    series
        Identity of the time series.
    time
        Microseconds since the epoch, UTC.
    value
        The value, finite; NaN says that it is known to be missing.
    """

    series: str
    time: int
    value: float
