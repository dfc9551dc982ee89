"""The commands. Exit codes: 0 done, 1 failure, 2 bad usage or settings; every expected error is one line.

What takes seconds to import (the network, Kafka's client) is imported by the commands that need it, so that
``--help`` answers at once.
"""

import os
import time
from collections.abc import Sequence

import click

from pipeline.code_cache import code_cache, package_folder
from pipeline.commands.alerts import alerts
from pipeline.commands.bench import bench
from pipeline.commands.check import check
from pipeline.commands.console import have_compiled
from pipeline.commands.dead_letters import dead_letters
from pipeline.commands.demo import demo
from pipeline.commands.evaluate import evaluate
from pipeline.commands.inspect import inspect
from pipeline.commands.options import EPILOG, Refusal, refusing, settings_of, the_input_of, version, with_settings
from pipeline.commands.pretrain import pretrain
from pipeline.commands.replay import replay
from pipeline.commands.report import report
from pipeline.commands.run import run
from pipeline.commands.tail import tail
from pipeline.settings import to_toml


def _show_version(context: click.Context, _: click.Parameter, is_asked: bool) -> None:
    if is_asked and not context.resilient_parsing:
        click.echo(f"lstm-stream {version()}")
        context.exit()


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
@click.pass_context
def main(context: click.Context) -> None:
    """Forecast live time series on Kafka, with a stateful LSTM that learns from each value as it arrives.

    New here? `lstm-stream demo` shows everything at work in a minute; it needs no Kafka. `lstm-stream evaluate
    FILE.csv` tells how well your own series are forecast. Then `lstm-stream run` does it on your topics.
    """
    context.obj = code_cache(package_folder(), os.environ)


@main.command(epilog=EPILOG)
@with_settings
@click.option("--series", default="lstm-stream-probe", show_default=True, help="Name of the event's series.")
@click.option("--topic", help="Topic to write to.  [default: kafka.input of the settings, where it is one topic]")
@click.option("--event", metavar="JSON", help="The event, where it cannot be made up; its key is the series.")
@click.option(
    "--seconds", type=click.FloatRange(0, min_open=True), default=60.0, show_default=True, help="How long to wait."
)
@click.option("--url", metavar="URL", help="Ask the daemon's port there, too: is it ready, does it tell its metrics?")
def probe(
    config: str | None,
    overrides: Sequence[str],
    series: str,
    topic: str | None,
    event: str | None,
    seconds: float,
    url: str | None,
) -> None:
    """Send one event to the input topic, and wait for its forecast.

    Tells whether the whole way works: topics, rights, the daemon, the commit. The event is a real one: it stays in the
    topic and makes a series, `lstm-stream-probe` unless another is named. Its value is 1, its time now. With --url the
    port is asked as Prometheus asks it: with web.token, by web.tls_certfile.
    """
    from pipeline.cluster import ClusterError
    from pipeline.probe import ProbeError, made_up, ready_port
    from pipeline.probe import probe as send
    from pipeline.replay import FormError

    settings = settings_of(config, overrides)
    with refusing(ClusterError, ProbeError, FormError):
        first = made_up(settings.events, series, event)
        another = made_up(settings.events, f"{series}-{time.time():.0f}", event)
        click.echo(send(settings, topic or the_input_of(settings.kafka), first, another, seconds))
        if url:
            click.echo(ready_port(settings.web, url.rstrip("/"), seconds))


@main.command("compile", epilog=EPILOG)
@with_settings
def compile_ahead(config: str | None, overrides: Sequence[str]) -> None:
    """Compile the model ahead, for images and installations.

    Otherwise the first command that needs the model compiles it, which takes about 40 s of CPU. The code is kept beside
    the package; where that can't be written, in the folder that NUMBA_CACHE_DIR names, or else in one of the user's. It
    fits this version, this Python and this kind of processor.
    """
    cache, was_there, seconds = have_compiled(settings_of(config, overrides), click.echo)
    if cache.folder is None:
        raise Refusal(cache.remark or "NUMBA_DISABLE_JIT is set: nothing is compiled")
    click.echo(f"{'compiled before' if was_there else f'compiled in {seconds:.0f} s'}; the code is in {cache.folder}")


@main.command(epilog=EPILOG)
@with_settings
def config(config: str | None, overrides: Sequence[str]) -> None:
    """Print the settings in force as TOML.

    The output is a file for -c, but that passwords are masked. A file goes before the defaults, the environment
    (LSTM_STREAM_KAFKA__GROUP=x) before the file, and --set before all.
    """
    click.echo(to_toml(settings_of(config, overrides)), nl=False)


@main.command(epilog=EPILOG)
@with_settings
def topics(config: str | None, overrides: Sequence[str]) -> None:
    """Create the topics that are missing.

    They are those of kafka.input, kafka.forecasts and kafka.dead_letters, with kafka.partitions each. Where kafka.input
    is a pattern, no topic is created for it.
    """
    from pipeline.cluster import ClusterError, create_topics, describe
    from pipeline.inputs import inputs_of

    settings = settings_of(config, overrides)
    kafka = settings.kafka
    with refusing(ClusterError):
        created = create_topics(settings)
        pattern = inputs_of(kafka).told(describe(settings).topics)
    if pattern:
        click.echo(f"{pattern}; none is created for a pattern")
    for name in (*kafka.inputs, kafka.forecasts, kafka.dead_letters):
        click.echo(f"{name}: {f'created with {kafka.partitions} partitions' if name in created else 'was there'}")


for command in (alerts, bench, check, dead_letters, demo, evaluate, inspect, pretrain, replay, report, run, tail):
    main.add_command(command)
