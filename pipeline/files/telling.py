"""How a file was read, in a line, and what was left out of it, in others."""

from collections.abc import Iterator

from pipeline.files.gaps import Gaps
from pipeline.files.layout import Layout
from pipeline.files.reader import Sheet
from pipeline.files.sample import SHOWN, short
from pipeline.files.tables import Table
from pipeline.messages import iso8601
from pipeline.sentinels import written


def told_of(table: Table, season: int = 0) -> Iterator[str]:
    """How it was read, in a line, and what was left out, in others; with a season that was named, if one was."""
    yield f"{_columns_told(table)}; {_rows_told(table)}, season {season or table.rhythm.season}"
    beside = [table.sheet.beside] if table.sheet.beside else []
    if unused := [*(f"{name} ({why})" for name, why in table.layout.unused.items()), *beside]:
        yield "not used: " + _listed(unused)
    if table.missing:
        each = [f"{count:,} {f'`{cell}`' if cell else 'empty'}" for cell, count in table.missing.items()]
        yield f"taken as missing: {_counted(sum(table.missing.values()), 'cell')} ({_listed(each)})"
    for value, count in table.sentinels.items():
        yield (
            f"taken as values: {_counted(count, 'cell')} of {written(value)}, far from all others; say --missing"
            f" {written(value)} if it means that there is none"
        )
    counts = (
        (table.sheet.skipped, "line", " before the header"),
        (table.sheet.below if table.sheet.units else 0, "row", f" below the header ({_listed(_units(table.sheet))})"),
        (table.sheet.comments, "line", " of comments"),
        (table.empty_rows, "empty row", ""),
    )
    if left := [_counted(count, what) + where for count, what, where in counts if count]:
        yield "left out: " + ", ".join(left)
    if table.steps:
        yield f"steps differ: {table.steps}; the season of {season or table.rhythm.season} steps is taken for all"
    if table.gaps.places:
        yield _gaps_told(table.gaps)
    if table.valueless:
        yield f"no value at all in {', '.join(table.valueless[:SHOWN])}"
    if table.repeated:
        yield (
            f"{_counted(table.repeated, 'row')} with the time of another one of their series: here each is a step"
            " of its own, the daemon leaves the later ones out as repeated"
            + ("; say --timezone if clocks were set back in that hour" if table.are_in_autumn else "")
        )


def _units(sheet: Sheet) -> list[str]:
    return [f"`{short(cell)}`" for cell in sheet.units]


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _listed(names: list[str]) -> str:
    """Some of many."""
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")


def _gaps_told(gaps: Gaps) -> str:
    longest = f", the longest from {iso8601(gaps.begin)} to {iso8601(gaps.end)}"
    return (
        f"missing: {_counted(gaps.rows, 'row')} in {_counted(gaps.places, 'gap')}{longest}; evaluate takes the next"
        " row as the next step, the daemon fills gaps of up to events.max_gap steps"
    )


def _columns_told(table: Table) -> str:
    layout, columns = table.layout, table.layout.columns
    counted = "counted rows" if layout.counter is None else f"{columns[layout.counter]} (counted steps)"
    parts = [f"time: {layout.time.told if layout.time else counted}{f' + {layout.cycle.told}' if layout.cycle else ''}"]
    if layout.series:
        parts.append("series: " + " + ".join(columns[place] for place in layout.series))
    elif layout.across:
        parts.append(f"series: {table.series[0]}")
    if layout.across:
        return ", ".join([*parts, f"values: below {len(layout.values):,} times"])
    names = [columns[place] for place in layout.values]
    values = (
        ", ".join(names) if len(names) <= SHOWN else f"{', '.join(names[: SHOWN - 1])}, ... {names[-1]} ({len(names)})"
    )
    forms = ", ".join(filter(None, (layout.numbers.told, *_units_told(layout))))
    parts.append(f"values: {values}" + (f" ({forms})" if forms else ""))
    if known := [columns[place] for place in layout.covariates if place is not None]:
        parts.append("covariates: " + ", ".join(known))
    return ", ".join(parts)


def _units_told(layout: Layout) -> list[str]:
    """What is left away beside numbers."""
    return list(dict.fromkeys(f"without {unit.told}" for unit in layout.units if any(unit)))[:SHOWN]


def _rows_told(table: Table) -> str:
    shortest, longest = table.rows
    count = f"{longest:,}" if shortest == longest else f"{shortest:,} to {longest:,}"
    return f"{count} rows of {len(table.series):,} series, {table.rhythm.told}"
