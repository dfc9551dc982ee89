"""A check's report as text: tables that one wants to paste into a chat."""

import re
import textwrap
from collections.abc import Iterator, Sequence
from io import StringIO

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.check.collisions import Collision
from pipeline.check.draft import Proposal
from pipeline.check.report import After, Count, Dead, Field, Found, Report, Step, Values
from pipeline.check.time_fields import span

MOST_FIELDS = 24
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0  # seconds


def written(report: Report, width: int) -> str:
    """A report as text, at most so wide where it can be."""
    console = Console(file=StringIO(), width=width, highlight=False, markup=False, emoji=False)
    with console.capture() as capture:
        for part in _parts(report, width):
            console.print(part)
    text = "\n".join(line.rstrip() for line in capture.get().splitlines())
    return re.sub(r"\n{3,}", "\n\n", text)


def verdict(report: Report) -> str:
    """The report in one line."""
    lost = report.observations - report.forecasts
    if not report.observations:
        return "Nothing in this sample is an observation."
    if not lost:
        return f"All {report.observations:,} observations would get their forecast."
    return f"{lost:,} of {report.observations:,} observations ({_percent(lost, report.observations)}) would be lost."


def _parts(report: Report, width: int) -> Iterator[RenderableType]:
    whole = f"{report.records:,} of {report.records_in_topic:,} records"
    whole = f"all {report.records:,} records" if report.records >= report.records_in_topic else whole
    yield Text(f"{report.topic}: {whole}, from {_several(report.partitions, 'partition')}\n")
    yield Group(_facts(report), "")
    yield _paths(report.paths)
    if report.fields and not report.is_well:
        yield _fields(report.fields, report.events)
    yield _fates(report)
    if report.collisions:
        yield _collisions(report.collisions, report.collision_examples)
    for remark in report.remarks:
        yield Text(textwrap.fill(remark, width, initial_indent="! ", subsequent_indent="  "))
    yield Text(("\n" if report.remarks else "") + verdict(report))
    if report.proposals:
        yield _proposals(report, width)


def _facts(report: Report) -> Table:
    """What is there, a line for each kind of thing."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 1), pad_edge=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    table.add_row("records", "\n".join(_counted(one, report, 240) for one in report.contents))
    table.add_row("keys", "\n".join(_counted(one, report) for one in report.keys))
    if report.headers:
        table.add_row("headers", "\n".join(_counted(one, report) for one in report.headers))
    if report.times is not None:
        table.add_row("times", f"{report.times.first} to {report.times.last}{_behind(report.times.behind)}")
    if report.series:
        several = f"{report.series:,}: " if report.series > 1 else ""
        more = ", ..." if report.series > len(report.series_examples) else ""
        table.add_row("series", f"{several}{', '.join(report.series_examples)}{more}")
        table.add_row("steps", ", ".join(map(_step, report.steps)))
    if report.values:
        table.add_row("values", "\n".join(map(_values, report.values)))
    return table


def _counted(one: Count, report: Report, longest: int = 60) -> str:
    count = "" if one.count == report.records else f"{one.count:,} "
    return f"{count}{one.what}" + (f": {_cut(one.example, longest)}" if one.example else "")


def _behind(behind: tuple[float, float, float] | None) -> str:
    """How far the times lie before those of their records."""
    if behind is None:
        return ""
    least, middle, greatest = behind
    if max(abs(least), abs(greatest)) < 0.001:
        return "\nthe same as the records' own"
    if span(least) == span(greatest):
        return f"\n{span(middle)} the records' own"
    return f"\n{span(middle)} the records' own (median; from {span(least)} to {span(greatest)} them)"


def _step(step: Step) -> str:
    if step.seconds is None:
        return f"{step.series:,} with too few events to tell"
    if step.seconds == 0:
        return f"{step.series:,} irregular (one event is one step) such as {step.example}"
    return f"{step.series:,} of {_seconds(step.seconds)}"


def _seconds(seconds: float) -> str:
    for length, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= length and (seconds / length) % 1 == 0 and seconds != MINUTE:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s"


def _values(values: Values) -> str:
    missing = f", {values.missing:,} missing" if values.missing else ""
    if values.least is None or values.median is None or values.greatest is None:
        return f"{values.path}: all {values.count:,} missing"
    around = f"{_number(values.least)} to {_number(values.greatest)}, median {_number(values.median)}"
    return f"{values.path}: {values.count:,}{missing}; {around}"


def _paths(paths: Sequence[Found]) -> Table:
    """What each path of the settings finds."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for heading, justify in (("setting", "left"), ("path", "left"), ("found", "right"), ("types", "left")):
        table.add_column(heading, justify="right" if justify == "right" else "left", no_wrap=heading == "found")
    table.add_column("example", overflow="fold")
    for one in paths:
        types = "".join(one.types) if len(one.types) < 2 else _mixture(one.types)
        table.add_row(one.setting, one.path, _percent(one.found, one.of), types, _cut(one.example, 40))
    return table


def _fields(fields: Sequence[Field], events: int) -> Table:
    """All that is there."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("what is there", overflow="fold")
    table.add_column("in", justify="right", no_wrap=True)
    table.add_column("types")
    table.add_column("different", justify="right")
    table.add_column("example", overflow="fold")
    for one in fields[:MOST_FIELDS]:
        types = "".join(one.types) if len(one.types) < 2 else _mixture(one.types)
        table.add_row(one.path, _percent(one.found, events), types, f"{one.distinct:,}", _cut(one.example, 32))
    if len(fields) > MOST_FIELDS:
        table.add_row(f"and {len(fields) - MOST_FIELDS} more: see --json")
    return table


def _mixture(types: dict[str, int]) -> str:
    total = sum(types.values())
    return ", ".join(f"{_percent(count, total)} {kind}" for kind, count in types.items())


def _fates(report: Report) -> Table:
    """What would become of the observations."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("observations", no_wrap=True)
    table.add_column(f"{report.observations:,}", justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    table.add_row("= forecasts", f"{report.forecasts:,}", "one for each good one")
    table.add_row("+ late", f"{report.late:,}", "older than the last one of their series: left out")
    twice = f"; {_several(report.repeated_records, 'record')} there twice" if report.repeated_records else ""
    table.add_row("+ repeated", f"{report.repeated:,}", f"at the time of the last one: left out{twice}")
    table.add_row("+ dead letters", f"{sum(dead.count for dead in report.dead_letters):,}", "refused, with the reason")
    for dead in report.dead_letters:
        table.add_row(f"  {dead.reason}", f"{dead.count:,}", _dead(dead))
    if report.skipped:
        table.add_row("skipped", f"{report.skipped:,}", "not meant for us; no part of the sum")
    return table


def _dead(dead: Dead) -> str:
    return f"partition {dead.partition}, offset {dead.offset}: {dead.detail}"


def _collisions(count: int, examples: Sequence[Collision]) -> Table:
    """Fields that differ between events of one series at one time."""
    title = f"{_several(count, 'time')} of a series with several events; what differs between them:"
    table = Table(
        box=SIMPLE_HEAD, title=title, title_justify="left", title_style="", padding=(0, 1, 0, 0), pad_edge=False
    )
    table.add_column("series", overflow="fold")
    table.add_column("time", no_wrap=True)
    table.add_column("events", justify="right")
    table.add_column("differ in", overflow="fold")
    for one in examples:
        differing = "\n".join(f"{path}: {', '.join(texts)}" for path, texts in one.fields.items())
        table.add_row(one.series, one.time, str(one.events), differing or "nothing")
    return table


def _proposals(report: Report, width: int) -> Group:
    """The settings that mend it, ready to be put into the file."""
    lines: list[str] = []
    for one in report.proposals:
        lines += ["", *_comment(one, width), report.lines[one.key]]
    told = "" if report.after is None else _told(report.after)
    heading = Text(f"\nThis would read it better.{told}\n", style="bold")
    return Group(heading, Text("[events]"), *(Text(line, overflow="fold") for line in lines[1:]))


def _told(after: After) -> str:
    """What comes of the topic with the changes."""
    lost, series = after.observations - after.forecasts, _several(after.series, "series")
    skipped = f", {after.skipped:,} skipped" if after.skipped else ""
    return f" With it: {after.forecasts:,} forecasts of {series}, {lost:,} lost{skipped}."


def _comment(proposal: Proposal, width: int) -> list[str]:
    return textwrap.wrap(
        proposal.why, width, initial_indent="# ", subsequent_indent="# ", break_long_words=False, break_on_hyphens=False
    )


def _percent(part: int, whole: int) -> str:
    share = 100 * part / whole if whole else 0.0
    return f"{share:.0f} %" if part in (0, whole) or 1 <= share <= 99 else f"{share:.1f} %"


def _several(count: int, what: str) -> str:
    plural = what if what.endswith("s") else f"{what}s"
    return f"{count:,} {what if count == 1 else plural}"


def _number(value: float) -> str:
    return f"{value:,.10g}" if abs(value) < 1e6 and round(value, 4) == value else f"{value:.6g}"


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
