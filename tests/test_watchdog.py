"""A call, a store or a fold that never comes back is noticed."""

import threading
import uuid

import pytest

from pipeline.checkpoints import Checkpoints
from pipeline.checkpoints.stores import CheckpointError
from pipeline.worker import Worker
from tests.computer import SETTINGS, Computer, undisturbed
from tests.fakes import ChainShard, FakeProcess


def test_a_call_that_never_comes_back_is_noticed() -> None:
    computer = Computer()
    noticed = threading.Event()
    names: list[str] = []

    def expired(call: str) -> None:
        names.append(call)
        noticed.set()

    process = FakeProcess(computer.broker)
    worker = Worker(
        SETTINGS,
        process,
        computer.checkpoints,
        computer.metrics,
        shards=ChainShard,
        clock=computer.broker.clock,
        expired=expired,
    )

    def hang(_: int, name: str, done: bool) -> None:
        if name == "commit_transaction" and not done and not names:
            assert not worker.trouble()
            computer.broker.clock.seconds += 61
            assert worker.trouble()
            assert noticed.wait(10)

    process.interrupt = hang
    assert worker.run(drain=True) == 0
    assert names == ["commit_transaction"]
    assert not worker.trouble()


@pytest.mark.parametrize(
    ("method", "told"),
    [
        ("probe", "a trial of checkpoints.url"),
        ("load", "the opening of a shard"),
    ],
)
def test_a_store_that_never_comes_back_is_noticed(method: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging_is_noticed(Checkpoints, method, told, monkeypatch)


def test_a_checkpoint_that_is_never_written_is_noticed() -> None:
    """The loop goes on meanwhile, for longer than a call to Kafka may take, but not for ever."""
    computer, names = Computer(), list[str]()
    noticed = threading.Event()

    class Hanging(Checkpoints):
        def save_in_parts(self, *_: object) -> str:
            while not noticed.wait(0.01):
                computer.broker.clock.seconds += SETTINGS.delivery.deadline / 4
            raise CheckpointError("nobody answers")

    def expired(call: str) -> None:
        names.append(call)
        noticed.set()

    checkpoints = Hanging(f"memory://{uuid.uuid4().hex}", 3)
    process, clock = FakeProcess(computer.broker), computer.broker.clock
    worker = Worker(SETTINGS, process, checkpoints, computer.metrics, shards=ChainShard, clock=clock, expired=expired)
    assert worker.run(drain=True) == 0
    assert names == ["the writing of a checkpoint"]
    assert computer.told() == undisturbed()


def test_a_fold_that_never_comes_back_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    hanging_is_noticed(ChainShard, "fold", "fold", monkeypatch)


def hanging_is_noticed(kind: type, method: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may take longer than a call to Kafka, but not for ever."""
    computer = Computer()
    names: list[str] = []
    noticed = threading.Event()

    def expired(call: str) -> None:
        names.append(call)
        noticed.set()

    worker = Worker(
        SETTINGS,
        FakeProcess(computer.broker),
        computer.checkpoints,
        computer.metrics,
        shards=ChainShard,
        clock=computer.broker.clock,
        expired=expired,
    )
    does = getattr(kind, method)

    def hang(*arguments: object) -> object:
        if not names:
            computer.broker.clock.seconds += 4 * SETTINGS.delivery.deadline
            assert not worker.trouble()
            computer.broker.clock.seconds += 2 * SETTINGS.delivery.deadline
            assert worker.trouble()
            assert noticed.wait(10)
        return does(*arguments)

    monkeypatch.setattr(kind, method, hang)
    assert worker.run(drain=True) == 0
    assert names == [told]
    assert not worker.trouble()
