"""The commands. Exit codes: 0 done, 1 failure, 2 bad usage or settings; every expected error is one line.

What takes seconds to import (the network, Kafka's client) is imported by the commands that need it, so that
``--help`` answers at once.
"""

import logging
import os
import re
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from pipeline.code_cache import CodeCache, code_cache, package_folder
from pipeline.commands.alerts import alerts
from pipeline.commands.dead_letters import dead_letters
from pipeline.commands.file_options import said_of, with_file_form
from pipeline.commands.inspect import inspect
from pipeline.commands.options import EPILOG, FAILURE, Refusal, refusing, settings_of, version, with_settings
from pipeline.commands.pretrain import pretrain
from pipeline.commands.report import report
from pipeline.commands.tail import tail
from pipeline.log_lines import Troubles
from pipeline.process import processors, reloading_by_signal, set_level, start_log, stopped_by_signals
from pipeline.reloading import Reloading
from pipeline.settings import Events, Kafka, Log, Settings, load, secrets, to_toml
from pipeline.settings import Web as WebSettings
from pipeline.web_access import Access

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PARENT_WAITS = 3.0  # seconds more than its workers may take to end
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


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


def have_compiled(settings: Settings, say: Callable[[str], object]) -> tuple[CodeCache, bool, float]:
    """See to it that the model is compiled before a command needs it, and say so where that takes a while.

    Returns
    -------
    CodeCache, bool, float
        Where the code is, whether it was there already, and the seconds that it took.
    """
    from pipeline.compiling import compile_model

    cache = click.get_current_context().find_object(CodeCache) or code_cache(package_folder(), os.environ)
    return cache, *compile_model(cache, settings, say)


def told_on(console: Console) -> Callable[[str], None]:
    """Lines for the operator on a console."""
    return lambda line: console.print(line, highlight=False, soft_wrap=True)


@main.command(epilog=EPILOG)
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

    plan = Plan(csv=csv, said=said_of(Events()), rate=rate, seconds=seconds, port=port, monitoring=monitoring)
    with refusing(DemoError, EmbeddedError, ClusterError, TableError, SummaryError, MonitoringError):
        console = Console(stderr=True)
        have_compiled(Settings(), told_on(console))
        summary = run_demo(plan, console)
        console = Console(stderr=as_json)
        console.print(summary.table())
        if as_json:
            click.echo(msgspec.json.encode(summary))
        summary.check()


@main.command(epilog=EPILOG)
@with_settings
@click.option("--drain", is_flag=True, help="End when everything has been read that was in the log at the start.")
@click.option("--rebuild", is_flag=True, help="Learn anew where a checkpoint was made with other model settings.")
@click.option("--workers", metavar="N", help="Processes that share the work; `auto`: one a processor.  [default: 1]")
def run(config: str | None, overrides: Sequence[str], drain: bool, rebuild: bool, workers: str | None) -> None:
    """Run the daemon: read events, learn, publish forecasts.

    Start as many as you like with the same settings: they share the partitions of the input topics. On one machine
    --workers N starts N under one parent, which restarts those that die and has one page for all. What may heal (no
    broker yet, no topic) is tried again. SIGTERM or Ctrl-C ends it after the current cycle, with a checkpoint; a second
    one ends it at once.
    """
    chosen = [] if workers is None else [f"kafka.workers={workers}"]
    settings = settings_of(config, [*overrides, *chosen])
    troubles = start_log(settings.log, secrets(settings))

    def read() -> Settings:
        return load(config, os.environ, [*overrides, *chosen])

    several = processors() if settings.kafka.workers == "auto" else settings.kafka.workers
    start = run_one if several == 1 else partial(run_several, workers=several)
    code = start(settings, drain=drain, rebuild=rebuild, read=read, troubles=troubles)
    click.get_current_context().exit(code)


def access_of(web: WebSettings) -> Access:
    """Who may read the port; said where everybody may from everywhere."""
    if not web.token and web.host not in LOOPBACK:
        logging.getLogger(__name__).warning(
            "web.host is %s and web.token is not set: whoever reaches this machine may read metrics and forecasts",
            web.host,
        )
    return Access(web.token, web.tls_certfile, web.tls_keyfile)


def run_one(settings: Settings, drain: bool, rebuild: bool, read: Callable[[], Settings], troubles: Troubles) -> int:
    """Run a worker in this process; its exit code."""
    from pipeline.checkpoints import CheckpointError, Checkpoints
    from pipeline.cluster import KafkaClients
    from pipeline.metrics import Metrics
    from pipeline.web import Web, WebError
    from pipeline.worker import Worker, spare_the_collector

    with refusing(WebError, CheckpointError):
        metrics, clients = Metrics(), KafkaClients(settings)
        checkpoints = Checkpoints(settings.checkpoints.url, settings.checkpoints.keep)
        worker = Worker(
            settings,
            clients,
            checkpoints,
            metrics,
            rebuild=rebuild,
            instance=clients.instance,
            version=version(),
        )
        web = Web(
            metrics.render,
            worker.status,
            worker.snapshots,
            worker.trouble,
            worker.ready,
            settings.web.host,
            settings.web.port,
            access := access_of(settings.web),
            troubles.lines,
        )
    web.start()
    logging.getLogger(__name__).info("the live page is at %s://%s:%d", access.scheme, settings.web.host, web.port)

    def apply(new: Settings) -> None:
        set_level(new.log.level)
        worker.change(new)

    reloading = Reloading(settings, read, apply)
    try:
        with reloading_by_signal(reloading.again, worker.stop):
            _, _, seconds = have_compiled(settings, logging.getLogger(__name__).info)
            metrics.compile_seconds.set(seconds)
            spare_the_collector()
            with stopped_by_signals(worker.stop, settings.delivery.stop_within):
                return worker.run(drain)
    finally:
        web.stop()


def run_several(
    settings: Settings, drain: bool, rebuild: bool, read: Callable[[], Settings], troubles: Troubles, workers: int
) -> int:
    """Run so many workers, each in a process of its own; the worst of their exit codes."""
    from pipeline.clock import Clock
    from pipeline.overview import Overview
    from pipeline.status import Status
    from pipeline.supervisor import Supervisor
    from pipeline.web import Web, WebError
    from pipeline.workerprocess import Starter

    clock = Clock()
    starter = Starter(settings, version(), rebuild, clock)
    supervisor = Supervisor(starter.start, workers, clock, drain)
    nobody = Status(
        state="connecting",
        group=settings.kafka.group,
        instance=starter.instance,
        version=version(),
        started=clock.wall(),
    )
    overview = Overview(lambda: supervisor.roster, nobody, settings.delivery.deadline, clock)
    with refusing(WebError):
        web = Web(
            overview.metrics,
            overview.status,
            overview,
            overview.trouble,
            overview.ready,
            settings.web.host,
            settings.web.port,
            access := access_of(settings.web),
            lambda: [*troubles.lines(), *overview.warnings()],
        )
    web.start()
    log = logging.getLogger(__name__)
    log.info("%d workers start; the live page is at %s://%s:%d", workers, access.scheme, settings.web.host, web.port)

    def apply(new: Settings) -> None:
        set_level(new.log.level)
        starter.change(new)
        supervisor.change(new)

    reloading, within = Reloading(settings, read, apply), settings.delivery.stop_within + PARENT_WAITS
    try:
        with reloading_by_signal(reloading.again, supervisor.stop), stopped_by_signals(supervisor.stop, within):
            return supervisor.run()
    finally:
        web.stop()


@main.command(epilog=f"{EPILOG} 1 also where something would be lost or misread.")
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
    from pipeline.check.report import check as look
    from pipeline.check.tables import written
    from pipeline.cluster import ClusterError, sample_topic
    from pipeline.scoreboard import NARROWEST

    settings = settings_of(config, overrides)
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    with refusing(ClusterError):
        report = look(sample_topic(settings, topic or the_input_of(settings.kafka), records), settings)
    if as_json:
        click.echo(msgspec.json.encode(report))
    else:
        click.echo(written(report, max(Console().width, NARROWEST)))
    click.get_current_context().exit(0 if report.is_well else FAILURE)


@main.command(epilog=EPILOG)
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

    FILE is CSV, Parquet or JSON lines, packed or not; long (a column names the series) or wide (each column of values
    is a series). How it was read is the first line; what may be read in several ways is refused, with the option to
    give. Empty cells become null: known to be missing.

    With several paths in events.values a row is one event, with the columns of these names for its values; its series
    is in a column called as events.series, else it is the file's name. Columns of events.covariates go along.
    """
    from pipeline.cluster import ClusterError, Writer, describe
    from pipeline.files.packing import TableError
    from pipeline.files.tables import survey
    from pipeline.replay import Form, FormError, Pace, paced

    if rate is not None and speed is not None:
        raise click.UsageError("--rate and --speed are two ways to say when; give one")
    settings = settings_of(config, overrides)
    topic = topic or the_input_of(settings.kafka)
    form = Form(settings.events)
    with refusing(ClusterError, TableError, FormError):
        form.check()
        table = survey(file, form.fields, said_of(settings.events))
        if topic not in describe(settings).topics:
            raise Refusal(
                f"topic `{topic}` is missing; create it, or run `lstm-stream topics` for those in the settings"
            )
        for line in table.told():
            click.echo(line)
        with Writer(settings, topic) as writer, progress_bar() as bar:
            task = bar.add_task(f"to {topic}", total=table.length)
            for event in paced(table.events(), Pace(rate, speed).due):
                writer.write(form.record(event))
                bar.advance(task)
    click.echo(f"{table.length} events of {len(table.series)} series are in topic {topic}")


def the_input_of(kafka: Kafka) -> str:
    """The one input topic; where there are several, it has to be named."""
    if len(kafka.inputs) == 1:
        return kafka.inputs[0]
    several = ", ".join(kafka.inputs) or kafka.input
    raise click.UsageError(f"kafka.input is {several}: which topic? Name one with --topic")


def progress_bar() -> Progress:
    """On standard error; nothing where that is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


class RowRange(click.ParamType[tuple[int, int | None]]):
    """A:B, rows A to B - 1; B may be left out."""

    name = "A:B"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int | None]:
        match = re.fullmatch(r"(\d+):(\d*)", str(value))
        if match is None:
            self.fail(
                f"`{value}` is not a range of rows; expected A:B such as 3600:14400, or A: up to the end", param, ctx
            )
        return int(match[1]), int(match[2]) if match[2] else None


@main.command(epilog=EPILOG)
@click.argument("file", type=FILE, required=False)
@click.option("--topic", help="Score on what this topic holds in place of a file; no group is joined.")
@click.option(
    "--horizon", type=click.IntRange(1, 1000), help="Steps ahead.  [default: model.horizon of the settings, 24]"
)
@click.option(
    "--scale-rows",
    type=click.IntRange(2),
    metavar="N",
    help="Rows that give the unit of error.  [default: the first 20 %]",
)
@click.option("--score-rows", type=RowRange(), help="Rows that are scored, from 0.  [default: from 25 % to the end]")
@click.option("--json", "as_json", is_flag=True, help="Print the scores as one JSON object, as the last line.")
@click.option(
    "--plot",
    "picture",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.png",
    help="Draw forecasts, errors, drifts and the experts' weights.",
)
@click.option("--peers", is_flag=True, help="Score river's SNARIMAX and Holt-Winters too; they take a while.")
@click.option("--season", type=click.IntRange(1), metavar="N", help="Steps of a season.  [default: told by the step]")
@with_file_form
@with_settings
def evaluate(
    file: Path | None,
    topic: str | None,
    horizon: int | None,
    scale_rows: int | None,
    score_rows: tuple[int, int | None] | None,
    as_json: bool,
    picture: Path | None,
    peers: bool,
    season: int | None,
    config: str | None,
    overrides: Sequence[str],
) -> None:
    """Tell how well the series of a file are forecast, or those of a topic. A file needs no Kafka.

    FILE is CSV, Parquet or JSON lines, packed or not; long (a column names the series) or wide (each column of values
    is a series, and those of a row inform each other). How it was read is the first line; what may be read in several
    ways is refused, with the option to give. Columns of events.covariates go along. Each row is shown to the model
    once, in order, as the next step of its series; the forecast taken then is scored when what it foresaw has come, and
    only then learnt from. Beside it: two of its parts alone, the last value, and the value a season ago. Errors are in
    units of each series' standard deviation; below 1, MASE beats the seasonal difference.
    """
    from pipeline.cluster import ClusterError
    from pipeline.evaluate import evaluate as score
    from pipeline.evaluate import model_for, truth_of
    from pipeline.files.packing import TableError
    from pipeline.log import read_file
    from pipeline.replay import Form
    from pipeline.scoreboard import NARROWEST, remarks, scores_table
    from pipeline.scoring import Rows, ScoringError
    from pipeline.topiclog import TopicError, read_past

    if (file is None) == (topic is None):
        raise click.UsageError("give a FILE or --topic, one of them")
    chosen = [] if horizon is None else [f"model.horizon={horizon}"]
    settings = settings_of(config, [*overrides, *chosen])
    rows = Rows(scale_rows, *(score_rows or (None, None)))
    console = Console(stderr=as_json)
    with refusing(TableError, ClusterError, TopicError, ScoringError):
        if file is not None:
            past = read_file(file, Form(settings.events).fields, said_of(settings.events), season or 0)
        else:
            past = read_past(settings, topic or "", season or 0)
        truth_of(past.log, rows)
        for line in past.told:
            console.print(line, highlight=False, soft_wrap=True)
        have_compiled(settings, told_on(Console(stderr=True)))
        with progress_bar() as bar:
            task = bar.add_task(past.name, total=len(past.log.values))
            evaluation = score(
                past.log,
                model_for(past.log, settings),
                horizon=settings.model.horizon,
                quantiles=settings.model.quantiles,
                rows=rows,
                peers=peers,
                progress=lambda count: bar.advance(task, count),
            )
    if picture is not None:
        from pipeline.plot import PlotError, plot

        with refusing(PlotError):
            plot(evaluation, settings.model.quantiles, picture)
    console.width = max(console.width, NARROWEST)
    console.print(scores_table(past.name, evaluation.report, settings.model.quantiles))
    for remark in remarks(evaluation.report):
        console.print(remark, highlight=False, soft_wrap=True)
    if as_json:
        click.echo(msgspec.json.encode(evaluation.report))


@main.command(epilog=EPILOG)
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
    from pipeline.bench import BenchError, Load, form_of
    from pipeline.bench import bench as measure
    from pipeline.capacity import table
    from pipeline.cluster import ClusterError, describe
    from pipeline.embedded import EmbeddedBroker, EmbeddedError
    from pipeline.scoreboard import NARROWEST

    settings, remark = form_of(settings_of(config, overrides))
    console = Console(stderr=as_json)
    start_log(Log(level="error"))
    is_embedded = config is None and settings.kafka.bootstrap_servers == Kafka().bootstrap_servers
    with refusing(BenchError, ClusterError, EmbeddedError), ExitStack() as stack:
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


for command in (alerts, dead_letters, inspect, pretrain, report, tail):
    main.add_command(command)
