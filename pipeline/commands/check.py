"""`lstm-stream check`: what a topic holds, and what the settings make of it."""

import logging
from collections.abc import Sequence

import click
import msgspec
from rich.console import Console

from pipeline.commands.options import EPILOG, FAILURE, refusing, settings_of, the_input_of, with_settings


@click.command(epilog=f"{EPILOG} 1 also where something would be lost or misread.")
@with_settings
@click.option(
    "--records", type=click.IntRange(1, 1_000_000), default=4000, show_default=True, help="How many records to look at."
)
@click.option("--topic", help="Topic to look at.  [default: kafka.input of the settings, where it is one topic]")
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
def check(config: str | None, overrides: Sequence[str], records: int, topic: str | None, as_json: bool) -> None:
    """Tell what a topic holds, and what these settings would make of it.

    Reads some records from the start and from the end of each partition, without joining the group: it commits nothing
    and disturbs nobody. Tells what each path found, times, steps, series and values, what would be late, repeated or a
    dead letter and why, and which settings would read the topic better.
    """
    from lstm_stream import WeightsError
    from pipeline.check.looking import check as look
    from pipeline.check.tables import written
    from pipeline.cluster import ClusterError, sample_topic
    from pipeline.evaluation.scoreboard import NARROWEST
    from pipeline.weights import read_weights

    settings = settings_of(config, overrides)
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    with refusing(ClusterError, WeightsError):
        read_weights(settings.model)
        report = look(sample_topic(settings, topic or the_input_of(settings.kafka), records), settings)
    if as_json:
        click.echo(msgspec.json.encode(report))
    else:
        click.echo(written(report, max(Console().width, NARROWEST)))
    click.get_current_context().exit(0 if report.is_well else FAILURE)
