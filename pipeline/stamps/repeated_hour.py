"""The hour that autumn repeats."""

from collections.abc import Mapping
from types import MappingProxyType

from pipeline.stamps.stamp import Stamp


class RepeatedHour:
    """Keeps the two passes of the hour that autumn repeats apart, by the order in which a series' stamps come.

    A stamp of that hour is of the first pass, unless the series has a stamp of that hour at or after it already.

    Parameters
    ----------
    last
        What an earlier one dumped.

    Examples
    --------
    >>> from pipeline.messages import iso8601
    >>> from pipeline.stamps import Stamps
    >>> stamps, hour = Stamps(timezone="Europe/Berlin"), RepeatedHour()
    >>> local = ["2026-10-25 02:00", "2026-10-25 02:30", "2026-10-25 02:00", "2026-10-25 02:30"]
    >>> [iso8601(hour.time("pump", stamps.read(each)))[11:16] for each in local]
    ['00:00', '00:30', '01:00', '01:30']
    """

    def __init__(self, last: Mapping[str, int] = MappingProxyType({})) -> None:
        self._last = dict(last)

    def time(self, series: str, stamp: Stamp) -> int:
        """Which reading of the stamp is meant."""
        return stamp.time if stamp.later is None else self.choose(series, stamp.time, stamp.later)

    def choose(self, series: str, first: int, later: int) -> int:
        """Which of the two times of a stamp in that hour is meant."""
        last = self._last.get(series)
        chosen = first if last is None or last < first else later
        self._last[series] = max(chosen, chosen if last is None else last)
        return chosen

    def dump(self) -> dict[str, int]:
        """The newest such time of each series that had one."""
        return dict(self._last)
