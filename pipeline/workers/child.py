"""One of several workers, in a process of its own under a parent (`pipeline.workers.supervisor`).

It ends at once when its parent is gone. A worker takes seconds to import, so that is done last.
"""

import ctypes
import io
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from types import TracebackType

from pipeline.cluster import KafkaClients
from pipeline.cluster.predecessor import take_out
from pipeline.code_cache import code_cache, package_folder
from pipeline.process import set_level, start_log, stopped_by_signals
from pipeline.settings import Settings, secrets
from pipeline.workers.pipes import HOST, Ended, Order, Said, Up, read_changed, read_order, written

logger = logging.getLogger(__name__)

FAILURE = 1  # exit code
SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux's prctl


class Changes:
    """The newest settings that the parent has read again, for a worker that may not be there yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: Settings | None = None
        self._take: Callable[[Settings], None] | None = None

    def note(self, settings: Settings) -> None:
        """Take them over, and pass them on where somebody wants them."""
        set_level(settings.log.level)
        with self._lock:
            self._newest = settings
            if self._take is not None:
                self._take(settings)

    def pass_on(self, take: Callable[[Settings], None]) -> None:
        """Have them taken over, now and whenever there are newer ones."""
        with self._lock:
            self._take = take
            if self._newest is not None:
                take(self._newest)


def main() -> None:
    """Do what the order on standard input says; the exit code is the worker's."""
    parent, ours = io.FileIO(0), _pipe_to_parent()
    order, changes = read_order(parent), Changes()
    _end_with(order.parent, parent, changes)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # it is for the parent, which tells us what has changed
    troubles = start_log(order.settings.log, secrets(order.settings), order.number)
    sys.excepthook = _log_failure
    ended = _work(order, ours, troubles.lines, changes)
    _say(ours, ended)
    logging.shutdown()
    sys.exit(ended.code)


def _pipe_to_parent() -> io.FileIO:
    """Standard output, for messages alone: what a library prints goes to the log."""
    pipe = os.dup(1)
    os.dup2(2, 1)
    return io.FileIO(pipe, "w")


def _say(ours: io.FileIO, said: Said) -> None:
    ours.write(written(said))


def _end_with(parent: int, pipe: io.FileIO, changes: Changes) -> None:
    """End when the parent does: by the kernel's hand where that is Linux, else as its end of the pipe is closed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(FAILURE)
    threading.Thread(target=_wait_for_the_end, args=(pipe, changes), name="parent", daemon=True).start()


def _wait_for_the_end(pipe: io.FileIO, changes: Changes) -> None:
    """Hear of settings that have changed, until the parent is gone."""
    while line := pipe.readline():
        changes.note(read_changed(line).settings)
    os._exit(FAILURE)


def _log_failure(_: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A traceback that says whose it is."""
    logger.critical("the worker ends by an error that nobody expected", exc_info=(type(error), error, trace))


def _work(order: Order, ours: io.FileIO, warnings: Callable[[], Sequence[str]], changes: Changes) -> Ended:
    clients = KafkaClients(order.settings, order.instance)
    if order.replaces and not order.settings.kafka.instance:  # a static member takes the place of the one before
        take_out(order.settings.kafka, clients.client_id)
    return _worked(order, clients, ours, warnings, changes)


def _worked(
    order: Order, clients: KafkaClients, ours: io.FileIO, warnings: Callable[[], Sequence[str]], changes: Changes
) -> Ended:
    cache = code_cache(package_folder(), os.environ)  # before the compiler is imported
    from lstm_stream import WeightsError
    from pipeline.checkpoints import Checkpoints
    from pipeline.checkpoints.stores import CheckpointError
    from pipeline.compiling import compile_model
    from pipeline.metrics import Metrics
    from pipeline.web.access import Access
    from pipeline.web.server import Web, WebError
    from pipeline.worker import Worker, spare_the_collector

    settings, metrics = order.settings, Metrics()
    metrics.compile_seconds.set(compile_model(cache, settings, logger.info).seconds)
    try:
        worker = Worker(
            settings,
            clients,
            Checkpoints(settings.checkpoints.url, settings.checkpoints.keep),
            metrics,
            rebuild=order.rebuild,
            instance=order.instance,
            version=order.version,
        )
        access = Access(settings.web.token)  # the port is open to all users of this machine
        web = Web(
            metrics.render, worker.status, worker.snapshots, worker.trouble, worker.ready, HOST, 0, access, warnings
        )
    except (CheckpointError, WebError, WeightsError) as error:
        return Ended(FAILURE, str(error))
    web.start()
    changes.pass_on(worker.change)
    spare_the_collector()
    with stopped_by_signals(worker.stop, settings.delivery.stop_within):
        _say(ours, Up(web.port))
        code = worker.run()
    web.stop()
    return Ended(code, metrics=metrics.render()[0].decode())


if __name__ == "__main__":
    main()
