"""`lstm-stream replay`: a file as events of a topic."""

from collections.abc import Sequence
from pathlib import Path

import click

from pipeline.commands.console import progress_bar
from pipeline.commands.file_options import file_options_of, with_file_form
from pipeline.commands.options import EPILOG, FILE, Refusal, refusing, settings_of, the_input_of, with_settings


@click.command(epilog=EPILOG)
@click.argument("file", type=FILE)
@click.option("--topic", help="Topic to write to.  [default: kafka.input of the settings, where it is one topic]")
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Events a second.  [default: as fast as it goes]")
@click.option(
    "--speed",
    type=click.FloatRange(0, min_open=True),
    help="Replay by the time stamps, so many times as fast: 3600 plays an hour each second.",
)
@with_file_form
@with_settings
def replay(
    file: Path, topic: str | None, rate: float | None, speed: float | None, config: str | None, overrides: Sequence[str]
) -> None:
    """Write a file to a topic, as JSON events.

    They are keyed by series and come in the order of their time stamps.

    FILE (`-`: standard input) is CSV, Parquet or JSON, packed or not; long (a column names the series) or wide (each
    column of values is a series). How it was read is the first line; what may be read in several ways is refused,
    with the option to give. Empty cells become null: known to be missing.

    With several paths in events.values a row is one event, with the columns of these names for its values; its series
    is in a column called as events.series, else it is the file's name. Columns of events.covariates go along.
    """
    from pipeline.cluster import ClusterError, Writer, describe
    from pipeline.files.packing import TableError
    from pipeline.files.tables import survey
    from pipeline.files.telling import told_of
    from pipeline.replay import Form, FormError, Pace, paced

    if rate is not None and speed is not None:
        raise click.UsageError("--rate and --speed are two ways to say when; give one")
    settings = settings_of(config, overrides)
    topic = topic or the_input_of(settings.kafka)
    form = Form(settings.events)
    with refusing(ClusterError, TableError, FormError):
        form.check()
        table = survey(file, form.fields, file_options_of(settings.events))
        if topic not in describe(settings).topics:
            raise Refusal(
                f"topic `{topic}` is missing; create it, or run `lstm-stream topics` for those in the settings"
            )
        for line in told_of(table):
            click.echo(line)
        with Writer(settings, topic) as writer, progress_bar() as bar:
            task = bar.add_task(f"to {topic}", total=table.length)
            for event in paced(table.events(), Pace(rate, speed).due):
                writer.write(form.record(event))
                bar.advance(task)
    click.echo(f"{table.length} events of {len(table.series)} series are in topic {topic}")
