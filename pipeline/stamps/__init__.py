"""Time stamps: how what an event or a file calls a time becomes microseconds since the epoch, UTC.

A stamp is a date written out, or a bare number. What a number means its size tells, unless `format` says it; a date
without a zone is of `timezone`.
"""

from pipeline.stamps.numbers import FARTHEST
from pipeline.stamps.patterns import check_format
from pipeline.stamps.reader import Stamps
from pipeline.stamps.stamp import LAST_TIME, UNITS, USUAL_UNITS, Stamp, StampError, numeric, shown, zone
from pipeline.stamps.texts import ZONES

__all__ = [
    "FARTHEST",
    "LAST_TIME",
    "UNITS",
    "USUAL_UNITS",
    "ZONES",
    "Stamp",
    "StampError",
    "Stamps",
    "check_format",
    "numeric",
    "shown",
    "zone",
]
