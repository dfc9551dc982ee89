"""`lstm-stream demo`: everything at work, on this machine alone."""

from pathlib import Path

import click
import msgspec
from rich.console import Console

from pipeline.commands.console import have_compiled, told_on
from pipeline.commands.file_options import file_options_of, with_file_form
from pipeline.commands.options import EPILOG, FILE, refusing
from pipeline.settings import Events, Settings


@click.command(epilog=EPILOG)
@click.option("--csv", type=FILE, help="Replay this file (CSV, Parquet, JSON lines) in place of the built-in data.")
@click.option(
    "--rate",
    type=click.FloatRange(0, min_open=True),
    default=300.0,  # two ordinary cores keep up with it
    show_default=True,
    help="Events a second.",
)
@click.option(
    "--for",
    "seconds",
    type=click.FloatRange(0),
    default=60.0,
    show_default=True,
    help="How many seconds to replay; 0: until Ctrl-C or the end of the data.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port of the live page.  [default: any free one]"
)
@click.option(
    "--monitoring", is_flag=True, help="Watch it with Prometheus and Alertmanager, which must be on the PATH."
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object, as the last line.")
@with_file_form
def demo(csv: Path | None, rate: float, seconds: float, port: int, monitoring: bool, as_json: bool) -> None:
    """See everything at work, on this machine alone.

    Starts the embedded broker, replays real series (water flow, airline passengers) beside a generated fleet of 50
    with drift, bad records among them, and runs the real daemon on it. In the end the topics are read back and
    summed up: every event is accounted for, and the forecasts are scored against the last value.
    """
    from pipeline.cluster import ClusterError
    from pipeline.demo import DemoError, Plan, run_demo
    from pipeline.embedded import EmbeddedError
    from pipeline.files.packing import TableError
    from pipeline.monitoring import MonitoringError
    from pipeline.summary import SummaryError

    plan = Plan(
        csv=csv, options=file_options_of(Events()), rate=rate, seconds=seconds, port=port, monitoring=monitoring
    )
    with refusing(DemoError, EmbeddedError, ClusterError, TableError, SummaryError, MonitoringError):
        console = Console(stderr=True)
        have_compiled(Settings(), told_on(console))
        summary = run_demo(plan, console)
        console = Console(stderr=as_json)
        console.print(summary.table())
        if as_json:
            click.echo(msgspec.json.encode(summary))
        summary.check()
