"""`lstm-stream bench`: how many events a second to expect, and what takes the time."""

from collections.abc import Sequence
from contextlib import ExitStack

import click
import msgspec
from rich.console import Console
from rich.progress import TaskID

from pipeline.commands.console import have_compiled, progress_bar, told_on
from pipeline.commands.options import EPILOG, refusing, settings_of, with_settings
from pipeline.process import start_log
from pipeline.settings import Kafka, Log


@click.command(epilog=EPILOG)
@with_settings
@click.option("--series", type=click.IntRange(1, 1_000_000), default=1000, show_default=True, help="How many series.")
@click.option(
    "--events", type=click.IntRange(5_000), help="Events to measure with.  [default: 40,000, or 10 for each series]"
)
@click.option(
    "--seconds",
    type=click.FloatRange(1),
    default=60.0,
    show_default=True,
    help="Time for each of the two runs at most.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
def bench(
    config: str | None, overrides: Sequence[str], series: int, events: int | None, seconds: float, as_json: bool
) -> None:
    """Tell how many events a second to expect, what takes the time, and what to change.

    Measures on the broker and with the model of the settings, in topics of its own (lstm-stream-bench-...), with
    kafka.partitions each; they and its groups are removed in the end. Your topics and your group are not touched, but
    the broker has work to do. Without a settings file and kafka.bootstrap_servers it starts the embedded broker.
    """
    from lstm_stream import WeightsError
    from pipeline.bench import BenchError, Load, form_of
    from pipeline.bench import bench as measure
    from pipeline.capacity import table
    from pipeline.cluster import ClusterError, describe
    from pipeline.embedded import EmbeddedBroker, EmbeddedError
    from pipeline.evaluation.scoreboard import NARROWEST

    settings, remark = form_of(settings_of(config, overrides))
    console = Console(stderr=as_json)
    start_log(Log(level="error"))
    is_embedded = config is None and settings.kafka.bootstrap_servers == Kafka().bootstrap_servers
    with refusing(BenchError, ClusterError, EmbeddedError, WeightsError), ExitStack() as stack:
        if is_embedded:
            settings = stack.enter_context(EmbeddedBroker()).settings_for(settings)
            remark = f"on the embedded broker, as no settings name another; {remark}".removesuffix("; ")
        if remark:
            console.print(remark, highlight=False, soft_wrap=True)
        describe(settings)  # a broker that is not there is said before anything takes its time
        have_compiled(settings, told_on(console))
        bar = stack.enter_context(progress_bar())
        tasks: dict[str, TaskID] = {}

        def progress(name: str, done: int, of: int) -> None:
            task = tasks[name] if name in tasks else bar.add_task(name, total=of)
            tasks[name] = task
            bar.update(task, completed=done)

        found = measure(settings, Load(series, events or max(40_000, 10 * series), seconds), progress)
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    console.width = max(console.width, NARROWEST)
    console.print(table(found))
    for remark in found.remarks:
        console.print(f"- {remark}", highlight=False, soft_wrap=True)
