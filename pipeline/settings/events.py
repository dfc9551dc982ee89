"""The section `events`: where an event keeps its fields, and how its times become steps."""

from collections.abc import Callable, Iterator
from typing import Annotated, Literal

from msgspec import Meta, Struct

from pipeline.events.conditions import conditions
from pipeline.events.fields import one_field, template
from pipeline.events.paths import Path
from pipeline.events.points import Points
from pipeline.settings.values import Count, Seconds, SettingsError, written
from pipeline.stamps import check_format, zone


class Events(Struct, frozen=True, kw_only=True):
    """Where an event keeps its fields, and how its times become steps."""

    series: Annotated[
        str,
        Meta(
            min_length=1,
            description="Dotted path of the series' name; not in the event: the record's key. Or put together: fields"
            " in braces and text between them, such as `{name}/{tags.host}`, `{header:ce_source}`, `{key}`, `{topic}`;"
            " one that some events do not have with a question mark, `{name}/{tags.cpu?}`; or a constant in single"
            " quotes, such as `'boiler'`.",
        ),
    ] = "series"
    key: Annotated[
        Literal["utf8", "int", "hex", "json", "windowed"],
        Meta(
            description="How a record's key is read: as UTF-8 text, as an integer of 4 or 8 bytes, as hex digits, or as"
            " JSON: a text or number, of an object its values with `/` between them, of Kafka Connect's `{schema,"
            " payload}` the payload; or as text and 8 bytes of a window's start (ksqlDB, Kafka Streams)."
        ),
    ] = "utf8"
    timestamp: Annotated[
        str,
        Meta(
            min_length=1,
            description="Dotted path of the time, or `{header:NAME}`. Not in the event: the record's own time.",
        ),
    ] = "timestamp"
    timestamp_format: Annotated[
        str,
        Meta(
            min_length=1,
            description="How times are written. `auto`: dates year first or with the month's name, and numbers since"
            " the epoch by their size; or the numbers' unit: `s`, `ms`, `us`, `ns`, `days`, `minutes`, `hours`, or"
            " `excel` (its days), `ticks` (of .NET), `filetime` (of Windows); or a pattern of strptime, such as"
            " `%d/%m/%Y %H:%M`.",
        ),
    ] = "auto"
    timezone: Annotated[
        str, Meta(min_length=1, description="Time zone of dates that name none, such as `Europe/Berlin`.")
    ] = "UTC"
    values: Annotated[
        tuple[Annotated[str, Meta(min_length=1)], ...],
        Meta(
            min_length=1,
            description="Dotted paths of the values. With several, each is a series of its own: <series>/<path>.",
        ),
    ] = ("value",)
    absent: Annotated[
        Literal["refuse", "skip"],
        Meta(description="What becomes of a value path that an event does not have: a dead letter, or it is skipped."),
    ] = "refuse"
    missing: Annotated[
        tuple[str, ...],
        Meta(
            description="Texts and numbers that mean a missing value, in capitals or not, such as `unavailable`, `NaN`,"
            " `-999` or the empty text; null always does."
        ),
    ] = ()
    booleans: Annotated[
        bool, Meta(description="Whether true, on and yes are read as 1, and false, off and no as 0.")
    ] = False
    decimal: Annotated[
        Literal["point", "comma"],
        Meta(description="Decimal mark of numbers that are written as text: `4.5`, or `4,5`."),
    ] = "point"
    covariates: Annotated[
        tuple[Annotated[str, Meta(min_length=1)], ...],
        Meta(
            description="Dotted paths of numbers known with the event, the same for each of its values: a holiday, a"
            " price. True is 1, false 0; what is absent or no number is masked."
        ),
    ] = ()
    points: Annotated[
        tuple[Annotated[str, Meta(min_length=1)], ...],
        Meta(
            description="Arrays whose elements are events of their own, such as `metrics[]`,"
            " `resource[].metrics[].points[]`, or `[]` where the record is one; `*[]` for each name of an object (the"
            " field `*` of an element is that name); `hourly[zip]` for arrays side by side, in an object or an array;"
            " or `senml`. Series, time and covariates are looked for in the element, then in what it lies in, outward."
        ),
    ] = ()
    where: Annotated[
        tuple[Annotated[str, Meta(min_length=1)], ...],
        Meta(
            description="Conditions that an event must fulfil, all of them, else it is skipped: `type = reading`,"
            " `type != test`, `id =~ sensor[.].*` (as a whole), `id !~ ..`, `v exists`, `error absent`; the field may"
            " be `{header:NAME}`, `{key}` or `{topic}`."
        ),
    ] = ()
    step: Annotated[
        Literal["infer", "event"] | Annotated[float, Meta(ge=1e-3, le=366 * 86400)],
        Meta(
            description="Seconds between the observations of a series; `infer` finds them from each series' first"
            " gaps; `event` takes each event as one step, whatever its time (months, irregular times)."
        ),
    ] = "infer"
    max_gap: Annotated[
        int,
        Meta(
            ge=0,
            le=1_000_000,
            description="Missing steps that are filled. A time further ahead is a dead letter (`timestamp_jump`), until"
            " the next one agrees with it: then the series starts again there.",
        ),
    ] = 168
    max_ahead: Annotated[
        Seconds, Meta(description="Seconds that an event's time may be ahead of its record's; more: a dead letter.")
    ] = 86400.0
    restart_after: Annotated[
        Count,
        Meta(le=1_000_000, description="Late observations in a row after which a series starts again from them."),
    ] = 100

    def __post_init__(self) -> None:
        _check_paths(self)


def _check_paths(events: Events) -> None:
    for key, paths in (("values", events.values), ("covariates", events.covariates)):
        if len(set(paths)) < len(paths):
            raise SettingsError(f"events.{key} is {written(paths)}; name each path once", (key,))
    for key, compile_it in _compiled(events):
        try:
            compile_it()
        except ValueError as error:
            raise SettingsError(f"events.{key}: {error}", (key,)) from None
    if not template(events.timestamp).fields:
        raise SettingsError(
            f"events.timestamp is {written(events.timestamp)}, which is constant; name a field, such as timestamp or"
            " {header:NAME}",
            ("timestamp",),
        )


def _compiled(events: Events) -> Iterator[tuple[str, Callable[[], object]]]:
    """What each text is compiled by, which raises ValueError with the fix."""
    yield "series", lambda: template(events.series, events.key)
    yield "timestamp", lambda: template(events.timestamp, events.key)
    yield "timestamp_format", lambda: check_format(events.timestamp_format)
    yield "timezone", lambda: zone(events.timezone)
    yield "values", lambda: [Path(path) for path in events.values]
    yield "covariates", lambda: [one_field(path, events.key) for path in events.covariates]
    yield "points", lambda: Points(events.points)
    yield "where", lambda: conditions(events.where, events.key)
