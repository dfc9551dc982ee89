"""The hour that autumn repeats."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from pipeline.stamps.stamp import Stamp

NAMES, TIMES = "repeated_hour.names", "repeated_hour.times"
"""Arrays of a dump: they grow with the series, for which a header has no room."""


class RepeatedHour:
    """Keeps the two passes of the hour that autumn repeats apart, by the order in which a series' stamps come.

    A stamp of that hour is of the first pass, unless the series has a stamp of that hour at or after it already.

    Examples
    --------
    >>> from pipeline.messages import iso8601
    >>> from pipeline.stamps import Stamps
    >>> stamps, hour = Stamps(timezone="Europe/Berlin"), RepeatedHour()
    >>> local = ["2026-10-25 02:00", "2026-10-25 02:30", "2026-10-25 02:00", "2026-10-25 02:30"]
    >>> [iso8601(hour.time("pump", stamps.read(each)))[11:16] for each in local]
    ['00:00', '00:30', '01:00', '01:30']
    """

    def __init__(self) -> None:
        self._last: dict[str, int] = {}  # the newest such time of each series that had one

    def time(self, series: str, stamp: Stamp) -> int:
        """Which reading of the stamp is meant."""
        return stamp.time if stamp.later is None else self.choose(series, stamp.time, stamp.later)

    def choose(self, series: str, first: int, later: int) -> int:
        """Which of the two times of a stamp in that hour is meant."""
        last = self._last.get(series)
        chosen = first if last is None or last < first else later
        self._last[series] = max(chosen, chosen if last is None else last)
        return chosen

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The newest such time of each series that had one, as arrays of a dump."""
        names = np.frombuffer(msgspec.json.encode(list(self._last)), np.uint8)
        return {NAMES: names, TIMES: np.fromiter(self._last.values(), np.int64, len(self._last))}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> "RepeatedHour":
        """What a dump knows of the hour; one of before knows nothing."""
        hour = cls()
        if NAMES in arrays:
            names = msgspec.json.decode(arrays[NAMES].tobytes(), type=list[str])
            hour._last = dict(zip(names, arrays[TIMES].tolist(), strict=True))
        return hour
