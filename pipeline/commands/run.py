"""`lstm-stream run`: the daemon, as one worker or as several under a parent."""

import logging
import os
from collections.abc import Callable, Sequence
from functools import partial

import click

from pipeline.commands.console import have_compiled
from pipeline.commands.options import EPILOG, refusing, settings_of, version, with_settings
from pipeline.log_lines import Troubles
from pipeline.process import processors, reloading_by_signal, set_level, start_log, stopped_by_signals
from pipeline.reloading import Reloading
from pipeline.settings import Settings, load, secrets
from pipeline.settings import Web as WebSettings
from pipeline.web.access import Access

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PARENT_WAITS = 3.0  # seconds more than its workers may take to end


@click.command(epilog=EPILOG)
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
        logging.getLogger("pipeline.cli").warning(
            "web.host is %s and web.token is not set: whoever reaches this machine may read metrics and forecasts",
            web.host,
        )
    return Access(web.token, web.tls_certfile, web.tls_keyfile)


def run_one(settings: Settings, drain: bool, rebuild: bool, read: Callable[[], Settings], troubles: Troubles) -> int:
    """Run a worker in this process; its exit code."""
    from lstm_stream import WeightsError
    from pipeline.checkpoints import Checkpoints
    from pipeline.checkpoints.stores import CheckpointError
    from pipeline.cluster import KafkaClients
    from pipeline.metrics import Metrics
    from pipeline.web.server import Web, WebError
    from pipeline.worker import Worker, spare_the_collector

    with refusing(WebError, CheckpointError, WeightsError):
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
    logging.getLogger("pipeline.cli").info("the live page is at %s://%s:%d", access.scheme, settings.web.host, web.port)

    def apply(new: Settings) -> None:
        set_level(new.log.level)
        worker.change(new)

    reloading = Reloading(settings, read, apply)
    try:
        with reloading_by_signal(reloading.again, worker.stop):
            _, _, seconds = have_compiled(settings, logging.getLogger("pipeline.cli").info)
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
    from pipeline.web.server import Web, WebError
    from pipeline.web.status import Status
    from pipeline.workers.overview import Overview
    from pipeline.workers.process import Starter
    from pipeline.workers.supervisor import Supervisor

    _try_weights(settings)
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
    log = logging.getLogger("pipeline.cli")
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


def _try_weights(settings: Settings) -> None:
    """Refuse weights that cannot be used: else each worker would start, refuse them and be started again."""
    if settings.model.weights:
        from lstm_stream import WeightsError
        from pipeline.weights import read_weights

        with refusing(WeightsError):
            read_weights(settings.model)
