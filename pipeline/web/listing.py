"""A list of series that several processes tell, as one."""

from collections.abc import Sequence

from pipeline.web.series_list import Listed, Listing, Row


def merged(parts: Sequence[Listed], asked: Listing) -> Listed:
    """What several processes tell, each from its first row on, as one."""
    rows = sorted((row for part in parts for row in part.rows), key=lambda row: (row.series, row.topic, row.partition))
    if asked.sort != "name":
        rows.sort(key=lambda row: _key(row, asked))
    elif asked.descending:
        rows.reverse()
    ages = [part.age for part in parts if part.age is not None]
    total = sum(part.total for part in parts)
    return Listed(rows=tuple(rows[asked.offset : asked.offset + asked.limit]), total=total, age=max(ages, default=None))


def _key(row: Row, asked: Listing) -> tuple[bool, float]:
    value = {
        "surprise": row.recent_surprise,
        "skill": row.skill,
        "last_time": row.last_time,
        "observations": row.observations,
    }[asked.sort]
    return value is None, 0.0 if value is None else -value if asked.descending else value
