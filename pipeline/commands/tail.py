"""`lstm-stream tail`: forecasts beside what came, as they are published."""

from collections.abc import Sequence
from contextlib import suppress
from itertools import islice

import click
import msgspec

from pipeline.commands.options import EPILOG, refusing, settings_of, with_settings
from pipeline.forecast_line import Line


@click.command(epilog=EPILOG)
@with_settings
@click.option("--series", multiple=True, metavar="S", help="Only this series. May be given several times.")
@click.option("--count", type=click.IntRange(1), metavar="N", help="End after so many.  [default: Ctrl-C ends it]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line, for other programs.")
def tail(
    config: str | None, overrides: Sequence[str], series: tuple[str, ...], count: int | None, as_json: bool
) -> None:
    """Show each forecast as it is published, beside what came.

    A line tells a value that came, what the forecast before it said with its interval (`!` where the value lies
    outside), the surprise, and the forecast of the next step. It joins no group and disturbs nobody. In JSON, `value`
    is null where it is missing or its record is gone, and `forecast` where no forecast before it was seen.
    """
    from pipeline.cluster import ClusterError, KafkaError
    from pipeline.follower import Follower
    from pipeline.tail import Tail

    settings = settings_of(config, overrides)

    with refusing(ClusterError, KafkaError), Follower(settings) as forecasts, Follower(settings) as inputs:
        lines = (line for line in Tail(settings, series, forecasts, inputs).lines() if line is not None)
        if not as_json:
            click.echo(HEAD)
        with suppress(KeyboardInterrupt):  # the usual end
            for line in islice(lines, count):
                click.echo(msgspec.json.encode(line) if as_json else row(line))


HEAD = f"{'time':<20} {'series':<24} {'came':>10}  {'foreseen':>10} {'interval':^23}    {'surprise':>8}  {'next':>10}"


def row(line: Line) -> str:
    """Write a line for people, below `HEAD`."""
    foreseen, ahead = _number(line.forecast), _number(line.next)
    interval = "" if line.lower is None else f"[{_number(line.lower)}, {_number(line.upper)}]"
    mark = "!" if line.inside is False else " "
    surprise = line.status if line.surprise is None else f"{line.surprise:.3f}"
    return (
        f"{line.time:<20} {line.series:<24} {_number(line.value):>10}  {foreseen:>10} {interval:^23} {mark}"
        f"  {surprise:>8}  {ahead:>10}"
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.5g}"
