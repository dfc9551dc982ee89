"""Tables written in the styles of many programs and countries, with what is in them: an oracle for readers."""

import csv
import io
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

Truth = Mapping[tuple[str, datetime], float | None]

GERMAN = (
    *("Januar", "Februar", "März", "April", "Mai", "Juni"),
    *("Juli", "August", "September", "Oktober", "November", "Dezember"),
)
FRENCH = (
    *("janvier", "février", "mars", "avril", "mai", "juin"),
    *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
)
STEPS = (
    *(timedelta(seconds=1), timedelta(minutes=1), timedelta(minutes=15), timedelta(hours=1)),
    *(timedelta(days=1), timedelta(weeks=1)),
)
TIME_NAMES = ("time", "date", "Datum", "timestamp", "Zeit", "ds", "Date", "TIME", "Timestamp (UTC)")
VALUE_NAMES = ("load", "temp", "Wind speed", "sales", "p1", "p2")
SERIES_NAMES = ("series", "sensor", "Store", "unique_id", "region", "node_id")
KEYS = (("A", "B", "C"), ("north", "south"), ("1", "2", "3"), ("101", "102"), ("Köln", "Ulm", "x y"))


class WrittenTable(NamedTuple):
    """A file, and for each series and time in it the value, None where it is missing."""

    text: str
    truth: Truth


class _Style(NamedTuple):
    """How cells are written."""

    time: Callable[[datetime], str]
    number: Callable[[float], str]
    decimals: int
    missing: str | None
    delimiter: str


def written_table(rng: random.Random) -> WrittenTable:
    """Any table in any style."""
    times, months = _times(rng)
    style = _style(rng, times, months)
    head, rows, truth = (_wide if rng.random() < 0.6 else _long)(rng, times, style)
    order = rng.random()
    if order < 0.15:
        rows.reverse()
    elif order < 0.25:
        rng.shuffle(rows)
    if rng.random() < 0.1:
        head, rows = ["", *head], [[str(number), *row] for number, row in enumerate(rows)]
    if rng.random() < 0.1:
        head, rows = [*head, "note"], [[*row, "ok"] for row in rows]
    above = [["Some report", *[""] * (len(head) - 1)]] if rng.random() < 0.1 else []
    units = [["kW" if name in (*VALUE_NAMES, "value", "v", "w") else "" for name in head]] if rng.random() < 0.1 else []
    return WrittenTable(_file(rng, [*above, head, *units, *rows], style.delimiter), truth)


def _times(rng: random.Random) -> tuple[list[datetime], int]:
    """Times, and how many months lie between them; 0: it is another step."""
    count, months = rng.choice([2, 3, 5, 12, 24, 40, 60]), rng.choice([0, 0, 0, 1, 3, 12])
    if months:
        first = rng.randint(1985, 2000) * 12
        every = [first + place * months for place in range(min(count, 200 // months))]
        return [datetime(month // 12, month % 12 + 1, 1) for month in every], months
    begin, step = datetime(rng.randint(1985, 2035), rng.randint(1, 12), rng.randint(1, 28)), rng.choice(STEPS)
    return [begin + place * step for place in range(count) if rng.random() > 0.05 or place < 2], 0


def _style(rng: random.Random, times: Sequence[datetime], months: int) -> _Style:
    has_clock = any(time.hour or time.minute or time.second for time in times)
    name, time = rng.choice(sorted(_time_styles(has_clock, months).items()))
    delimiter = rng.choice(",,;\t|")
    is_continental = delimiter == ";" or name in ("d.m.Y", "German", "French")
    missing = rng.choice([None, None, "", "NA", "-", "n/a", ".."])
    decimals = rng.choice([0, 1, 2, 2, 3])
    return _Style(time, _number_style(rng, is_continental, decimals), decimals, missing, delimiter)


def _time_styles(has_clock: bool, months: int) -> dict[str, Callable[[datetime], str]]:
    clock, half = (" %H:%M:%S", " %I:%M:%S %p") if has_clock else ("", "")
    slashed = {"d/m/Y": f"%d/%m/%Y{clock}", "m/d/Y": f"%m/%d/%Y{half}", "m/d/y": f"%m/%d/%y{clock}"}
    others = {"d.m.Y": f"%d.%m.%Y{clock}", "Y/m/d": f"%Y/%m/%d{clock}", "English": f"%B %d, %Y{clock}"}
    iso = {"ISO": f"%Y-%m-%d{clock}", "T": "%Y-%m-%dT%H:%M:%S", "Z": "%Y-%m-%dT%H:%M:%SZ", "basic": "%Y%m%dT%H%M%SZ"}
    short = {"short": f"%d-%b-%Y{clock}", "digits": "%Y%m%d%H%M%S" if has_clock else "%Y%m%d"}
    by_month = {"Y-m": "%Y-%m", "b-Y": "%b-%Y", "Ym": "%Y%m", "B Y": "%B %Y"} if months else {}
    by_quarter = {"YQ": _quarter("{0}Q{1}"), "German quarter": _quarter("{1}. Quartal {0}")} if months >= 3 else {}
    return {
        **{name: _by_pattern(pattern) for name, pattern in (slashed | others | iso | short | by_month).items()},
        **by_quarter,
        "German": lambda time: f"{time.day}. {GERMAN[time.month - 1]} {time.year}{time.strftime(clock)}",
        "French": lambda time: f"{time.day} {FRENCH[time.month - 1]} {time.year}{time.strftime(clock)}",
        "s": lambda time: str(_epoch(time)),
        "ms": lambda time: str(_epoch(time) * 1000),
        "ns": lambda time: str(_epoch(time) * 10**9),
        "ahead": lambda time: f"{time + timedelta(hours=2):%Y-%m-%d %H:%M:%S}+02:00",
    }


def _quarter(form: str) -> Callable[[datetime], str]:
    return lambda time: form.format(time.year, (time.month + 2) // 3)


def _by_pattern(pattern: str) -> Callable[[datetime], str]:
    return lambda time: time.strftime(pattern)


def _epoch(time: datetime) -> int:
    return int(time.replace(tzinfo=UTC).timestamp())


def _number_style(rng: random.Random, is_continental: bool, decimals: int) -> Callable[[float], str]:
    """Numbers with as many decimals each; marks between thousands, and what stands beside, as a country writes them."""
    decimal, groups = rng.choice(
        [(",", ("", ".", " ")), (".", ("", ",", " "))] if is_continental else [(".", ("", ",", " "))]
    )
    group = rng.choice(groups)
    before, after = rng.choice([("", ""), ("", ""), ("", " %"), ("", " kWh"), ("$", "")])

    def number(value: float) -> str:
        plain = f"{abs(value):,.{decimals}f}".replace(",", "_").replace(".", decimal).replace("_", group)
        return ("-" if value < 0 else "") + before + plain + after

    return number


def _value(rng: random.Random, style: _Style) -> tuple[float | None, str]:
    """A value, and the cell that holds it."""
    if style.missing is not None and rng.random() < 0.1:
        return None, style.missing
    value = rng.choice([rng.gauss(0, 50), rng.uniform(0, 30), rng.uniform(1e3, 1e6)])
    rounded = round(value, style.decimals)
    return rounded, style.number(rounded)


def _wide(rng: random.Random, times: Sequence[datetime], style: _Style) -> tuple[list[str], list[list[str]], Truth]:
    names = rng.sample(VALUE_NAMES, rng.randint(1, 4))
    rows: list[list[str]] = []
    truth: dict[tuple[str, datetime], float | None] = {}
    for time in times:
        cells = [_value(rng, style) for _ in names]
        rows.append([style.time(time), *(cell for _, cell in cells)])
        truth |= {(name, time): value for name, (value, _) in zip(names, cells, strict=True)}
    return [rng.choice(TIME_NAMES), *names], rows, truth


def _long(rng: random.Random, times: Sequence[datetime], style: _Style) -> tuple[list[str], list[list[str]], Truth]:
    names = rng.choice([["value"], ["v", "w"]])
    rows: list[list[str]] = []
    truth: dict[tuple[str, datetime], float | None] = {}
    for key in rng.choice(KEYS):
        for time in times:
            cells = [_value(rng, style) for _ in names]
            rows.append([style.time(time), key, *(cell for _, cell in cells)])
            called = [key] if len(names) == 1 else [f"{key}/{name}" for name in names]
            truth |= {(name, time): value for name, (value, _) in zip(called, cells, strict=True)}
    if rng.random() < 0.4:
        rows.sort()
    return [rng.choice(TIME_NAMES), rng.choice(SERIES_NAMES), *names], rows, truth


def _file(rng: random.Random, rows: Sequence[Sequence[str]], delimiter: str) -> str:
    text = io.StringIO()
    quoting: Literal[0, 1] = 1 if rng.random() < 0.3 else 0  # all cells, or those that need it
    csv.writer(text, delimiter=delimiter, lineterminator=rng.choice(["\n", "\r\n"]), quoting=quoting).writerows(rows)
    return text.getvalue()
