"""Laws of the parent: who ends is started again, with patience; who cannot work ends all; nothing is forgotten."""

import logging
import signal
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import pytest

from pipeline.metrics import Metrics
from pipeline.settings import Settings
from pipeline.web.status import PartitionStatus, State, Status
from pipeline.workers.pipes import Ended
from pipeline.workers.process import Seen
from pipeline.workers.supervisor import SETTLED, STEADY, Supervisor
from pipeline.workers.totals import RESTARTS, Sample
from tests.fakes import ManualClock

FORECASTS = Sample("lstm_stream_forecasts_total")


def status(state: State, partitions: int = 1, drained: bool = False) -> Status:
    held = tuple(
        PartitionStatus(
            topic="events",
            partition=number,
            next_offset=0,
            end_offset=0,
            lag=0,
            series=1,
            learning_steps=0,
            drifts=0,
        )
        for number in range(partitions)
    )
    return Status(state=state, group="g", instance="i", version="1", started=0.0, partitions=held, drained=drained)


class FakeWorker:
    """A process that does what the test says."""

    def __init__(self, number: int, replaces: bool, clock: ManualClock) -> None:
        self.number, self.replaces, self._clock = number, replaces, clock
        self.pid = 100 + number
        self.started = clock.now()
        self.up_at: float | None = None
        self.ended: Ended | None = None
        self.code: int | None = None
        self.seen: Seen | None = None
        self.stops = 0
        self.settings: Settings | None = None
        self.ends_with: int | None = 0

    def come_up(self, told: Status | None = None, forecasts: float = 0.0) -> None:
        metrics = Metrics()
        metrics.forecasts.inc(forecasts)
        self.up_at = self._clock.now()
        self.seen = Seen(self.up_at, metrics.render()[0].decode(), told)

    def die(self, code: int = -signal.SIGKILL) -> None:
        self.code = code

    def end(self, code: int, message: str = "") -> None:
        """By itself, with its last words."""
        self.ended, self.code = Ended(code, message), code

    def will_end_with(self, code: int | None) -> None:
        """Once it is told to stop; None: it takes its time."""
        self.ends_with = code

    def ask(self, path: str) -> tuple[int, bytes]:
        raise AssertionError(f"nobody asks for {path} here")

    def stop(self) -> None:
        self.stops += 1
        if self.ends_with is not None:
            self.code = self.ends_with

    def change(self, settings: Settings) -> None:
        self.settings = settings


class Scripted(ManualClock):
    """A supervisor, its workers, and a script: what is done at which second."""

    def __init__(self, count: int = 2, drain: bool = False) -> None:
        super().__init__()
        self.began = self.seconds
        self.workers: list[FakeWorker] = []
        self.script: list[tuple[float, Callable[[], object]]] = []
        self.supervisor = Supervisor(self._start, count, self, drain)
        self.has_room = True

    def _start(self, number: int, replaces: bool) -> FakeWorker:
        if not self.has_room:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        worker = FakeWorker(number, replaces, self)
        self.workers.append(worker)
        return worker

    def at(self, second: float, deed: Callable[[], object]) -> None:
        self.script.append((second, deed))

    def let(self, second: float, number: int, deed: Callable[[FakeWorker], object]) -> None:
        """At that second the worker of this number does that."""
        self.at(second, lambda: deed(newest(self, number)))

    def pause(self, seconds: float) -> None:
        super().pause(seconds)
        due = [deed for second, deed in self.script if second <= self.seconds - self.began]
        self.script = [(second, deed) for second, deed in self.script if second > self.seconds - self.began]
        for deed in due:
            deed()
        assert self.seconds - self.began < 10_000, "the supervisor never ends"

    def run(self, until: float = 1000.0) -> int:
        self.at(until, self.supervisor.stop)
        return self.supervisor.run()

    def starts_of(self, number: int) -> list[float]:
        return [round(worker.started - self.began) for worker in self.workers if worker.number == number]


def newest(scripted: Scripted, number: int) -> FakeWorker:
    return next(worker for worker in reversed(scripted.workers) if worker.number == number)


def test_one_that_dies_again_and_again_is_started_after_ever_longer_waits(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scripted = Scripted()

    def kill() -> None:
        worker = newest(scripted, 1)
        if worker.code is None:
            worker.come_up()
            worker.die()
        if scripted.seconds - scripted.began < 300:
            scripted.at(scripted.seconds - scripted.began + 0.2, kill)

    scripted.at(0, kill)
    assert scripted.run(400) == 0
    starts = scripted.starts_of(1)
    waits = [round(later - earlier) for earlier, later in pairwise(starts)]
    assert waits[:6] == pytest.approx([1, 2, 4, 8, 16, 32], abs=1)
    assert max(waits) == pytest.approx(60, abs=1)
    assert scripted.starts_of(0) == [0]
    told = [record.message for record in caplog.records if "worker 1" in record.message]
    assert len(told) == len(starts) - 1  # once each
    assert "was killed by SIGKILL" in told[0]
    assert "for the 2. time in a row; it is started again in 2 s" in told[1]


def test_failures_are_forgotten_by_one_that_stays_up() -> None:
    scripted = Scripted()
    scripted.let(1, 0, FakeWorker.die)
    scripted.let(4, 0, FakeWorker.die)
    scripted.let(8, 0, FakeWorker.come_up)
    scripted.let(8 + STEADY + 1, 0, FakeWorker.die)
    scripted.run(200)
    assert scripted.starts_of(0) == pytest.approx([0, 2, 6, 8 + STEADY + 2], abs=1)
    assert scripted.supervisor.roster.places[0].failures == 1


def test_one_that_takes_long_to_start_is_left_alone() -> None:
    scripted = Scripted()
    assert scripted.run(2000) == 0
    assert (scripted.starts_of(0), scripted.starts_of(1)) == ([0], [0])


def test_one_that_was_up_and_did_not_leave_is_replaced_and_one_that_left_or_never_came_is_not() -> None:
    scripted = Scripted(3)
    scripted.let(0.5, 0, FakeWorker.come_up)
    scripted.let(1, 0, FakeWorker.die)
    scripted.let(1, 1, FakeWorker.die)
    scripted.let(0.5, 2, FakeWorker.come_up)
    scripted.let(1, 2, lambda worker: worker.end(0))
    scripted.run(10)
    assert [newest(scripted, number).replaces for number in range(3)] == [True, False, False]
    assert len(scripted.workers) == 6


@pytest.mark.parametrize("code", [1, 2])
def test_one_that_cannot_work_ends_all_with_its_code_and_its_message_once(
    code: int, caplog: pytest.LogCaptureFixture
) -> None:
    scripted = Scripted()
    scripted.let(1, 0, lambda worker: worker.end(code, "the fix"))
    scripted.let(1, 1, lambda worker: worker.end(code, "the fix"))
    assert scripted.run() == code
    assert scripted.seconds - scripted.began < 3
    assert len(scripted.workers) == 2
    assert [record.message for record in caplog.records if "the fix" in record.message] == [
        "worker 0 cannot work: the fix"
    ]


def test_one_that_cannot_even_be_started_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    scripted = Scripted()
    scripted.has_room = False
    scripted.at(10, lambda: setattr(scripted, "has_room", True))
    assert scripted.run(50) == 0
    assert (scripted.starts_of(0), scripted.starts_of(1)) == ([15], [15])
    assert "worker 0 cannot be started ([Errno 11] Resource temporarily unavailable)" in caplog.text


def test_one_that_had_ended_well_when_the_signal_came_has_ended_well() -> None:
    scripted = Scripted()
    scripted.let(1, 0, FakeWorker.come_up)
    scripted.let(1, 0, lambda worker: worker.will_end_with(None))
    scripted.let(6, 0, lambda worker: worker.end(0))
    scripted.let(6, 0, lambda worker: worker.die(-signal.SIGTERM))
    assert scripted.run(5) == 0


def test_a_usage_error_ends_all_also_without_a_last_word() -> None:
    scripted = Scripted()
    scripted.let(1, 1, lambda worker: worker.die(2))
    assert scripted.run() == 2
    assert newest(scripted, 0).stops == 1


def test_a_defect_is_no_reason_to_end() -> None:
    scripted = Scripted()
    scripted.at(1, lambda: newest(scripted, 1).die(1))  # a traceback
    assert scripted.run(50) == 0
    assert scripted.starts_of(1) == [0, 2]


def test_a_signal_is_passed_on_to_each_once_and_nobody_is_started_any_more() -> None:
    scripted = Scripted(3)
    scripted.let(1, 2, FakeWorker.die)
    scripted.let(1.5, 0, FakeWorker.come_up)
    for worker in (0, 1):
        scripted.let(1.1, worker, lambda one: one.will_end_with(None))
        scripted.let(20, worker, lambda one: one.end(0))
    assert scripted.run(1.6) == 0
    assert scripted.seconds - scripted.began == pytest.approx(20, abs=1)
    assert [worker.stops for worker in scripted.workers] == [1, 1, 0]


@pytest.mark.parametrize(
    ("codes", "worst"), [((0, 0), 0), ((0, 1), 1), ((-signal.SIGKILL, 0), 1), ((-signal.SIGTERM, 0), 0)]
)
def test_the_exit_code_is_the_worst(codes: tuple[int, int], worst: int) -> None:
    """One that ends by SIGTERM before it is up had not begun."""
    scripted = Scripted()
    for number, code in enumerate(codes):
        scripted.let(1, number, partial(FakeWorker.will_end_with, code=code))
    assert scripted.run(5) == worst


def test_what_a_dead_worker_counted_is_kept_and_restarts_are_counted() -> None:
    scripted = Scripted()
    scripted.let(1, 0, lambda worker: worker.come_up(forecasts=7))
    scripted.let(2, 0, FakeWorker.die)
    scripted.let(6, 0, lambda worker: worker.come_up(forecasts=5))
    scripted.let(7, 0, FakeWorker.die)
    scripted.run(20)
    kept = scripted.supervisor.roster.kept
    assert (float(kept[FORECASTS]), float(kept[RESTARTS])) == (12, 2)


def test_all_drain_before_any_is_told_to_end() -> None:
    scripted = Scripted(drain=True)
    scripted.let(1, 0, lambda worker: worker.come_up(status("ready", drained=True)))
    scripted.let(30, 1, lambda worker: worker.come_up(status("catching_up")))
    scripted.let(50, 1, lambda worker: worker.come_up(status("ready", drained=True)))
    assert scripted.run(900) == 0
    assert scripted.seconds - scripted.began == pytest.approx(50, abs=1)
    assert [worker.stops for worker in scripted.workers] == [1, 1]


def test_one_that_dies_while_others_drain_is_waited_for() -> None:
    scripted = Scripted(drain=True)
    scripted.let(1, 0, lambda worker: worker.come_up(status("ready", drained=True)))
    scripted.let(1, 1, FakeWorker.die)
    scripted.let(40, 1, lambda worker: worker.come_up(status("ready", drained=True)))
    assert scripted.run(900) == 0
    assert scripted.seconds - scripted.began == pytest.approx(40, abs=1)


def test_more_workers_than_partitions_are_told_once_with_the_fix(caplog: pytest.LogCaptureFixture) -> None:
    scripted = Scripted(3)
    scripted.let(1, 0, lambda worker: worker.come_up(status("ready", 2)))
    scripted.let(1, 1, lambda worker: worker.come_up(status("ready", 0)))
    scripted.let(60, 2, lambda worker: worker.come_up(status("ready", 0)))
    scripted.at(60 + SETTLED - 1, lambda: caplog.clear() if not caplog.records else pytest.fail("told too early"))
    with caplog.at_level(logging.WARNING):
        scripted.run(300)
    (told,) = [record.message for record in caplog.records]
    assert told.startswith("2 of 3 workers have no partition")
    assert "start 1 (--workers, kafka.workers), or add partitions" in told


def test_settings_that_were_read_again_reach_all_that_run() -> None:
    settings, scripted = Settings(), Scripted()
    scripted.at(2, lambda: scripted.supervisor.change(settings))
    assert scripted.run(5) == 0
    assert [worker.settings for worker in scripted.workers] == [settings] * len(scripted.workers)
