"""The options that say how a file is written and which column is what."""

import re
from collections.abc import Callable
from typing import Any

import click

from pipeline.commands.options import Command
from pipeline.files.file_options import FileOptions
from pipeline.settings import Events


class Span(click.ParamType[float | str]):
    """Seconds, such as 3600 or 1h."""

    name = "SPAN"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float | str:
        match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|min|h|d|w)?", str(value))
        if value == "event":
            return "event"
        if match is None or not float(match[1]) > 0:
            self.fail(
                f"`{value}` is no span; expected seconds, or one such as 15min, 1h, 1d, 1w, or `event`", param, ctx
            )
        return float(match[1]) * {"ms": 1e-3, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400}.get(match[2], 1)


def with_file_form(command: Command) -> Command:
    """The options that say how a file is written and which column is what; `file_options_of` gathers them."""
    for option in reversed(FILE_FORM):
        command = option(command)
    return command


def _file_option(*names: str, **details: Any) -> Callable[[Command], Command]:
    return click.option(*names, expose_value=False, callback=_note, **details)


def _note(context: click.Context, option: click.Parameter, value: object) -> None:
    context.meta.setdefault(__name__, {})[option.name] = value


FILE_FORM = (
    _file_option("--time", metavar="COLUMN[,COLUMN]", help="Column of the times; several: date, time of day."),
    _file_option("--series", metavar="COLUMN[,COLUMN]", help="Columns that name the series of a row."),
    _file_option("--values", metavar="COLUMN[,COLUMN]", help="Columns of values."),
    _file_option(
        "--time-format",
        metavar="FORMAT",
        help="How times are written: d/m/Y, m/d/Y, a pattern such as '%d.%m.%y %H:%M', s, ms, us, ns, days, excel.",
    ),
    _file_option("--timezone", metavar="ZONE", help="Zone of times that name none, such as Europe/Berlin."),
    _file_option(
        "--step",
        type=Span(),
        metavar="SPAN",
        help="How far apart rows without times are: 15min, 1h, 1d; `event`: a row is a step, whatever its time.",
    ),
    _file_option(
        "--missing", multiple=True, metavar="TEXT", help="A cell that means no value; several times for more."
    ),
    _file_option("--booleans", is_flag=True, help="Read true, on and yes as 1, and false, off and no as 0."),
    _file_option("--decimal", type=click.Choice(["point", "comma"]), help="Which mark stands before decimals."),
    _file_option("--encoding", metavar="NAME", help="Of the text, such as latin-1.  [default: UTF-8]"),
)


def file_options_of(events: Events) -> FileOptions:
    """What the options say of a file; where they say nothing, the settings."""
    given = click.get_current_context().meta.get(__name__, {})

    time_format = given.get("time_format") or events.timestamp_format

    def columns(name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in (given.get(name) or "").split(",") if part.strip())

    return FileOptions(
        time=columns("time"),
        series=columns("series"),
        values=columns("values"),
        time_format="" if time_format == "auto" else time_format,
        timezone=given.get("timezone") or events.timezone,
        step=given.get("step") or events.step,
        missing=(*(given.get("missing") or ()), *events.missing),
        booleans=bool(given.get("booleans")) or events.booleans,
        decimal=given.get("decimal") or "",
        encoding=given.get("encoding") or "",
    )
