"""Checkpoints stand at committed offsets, and neither their failing nor their slowness loses anything."""

import uuid
from collections.abc import Iterable, Mapping

import pytest
from msgspec import structs

from pipeline.checkpoints import Address, Block, Checkpoints
from pipeline.checkpoints.stores import CheckpointError
from pipeline.checkpoints.tensor_file import Shape
from pipeline.worker import Worker
from tests.computer import RECORDS, UNKEPT, Computer, ExactCheckpoints, undisturbed
from tests.fakes import FakeProcess


def test_checkpoints_stand_at_committed_offsets_and_shorten_a_restart() -> None:
    computer = Computer()
    computer.run()
    assert computer.counted("restores_total", how="fresh") == 2
    checkpoint = computer.checkpoints.load(Address("fake", "events", "events-first", 0), at_most=1 << 40)
    assert checkpoint is not None
    assert checkpoint.offset == computer.broker.committed[computer.broker.input[0]] == RECORDS
    computer.write(3, start=RECORDS)
    computer.run()
    assert computer.counted("restores_total", how="checkpoint") == 2
    assert computer.told() == undisturbed(RECORDS + 3)


def test_checkpoints_that_cannot_be_written_are_said_once_and_counted_and_stop_no_forecast(
    caplog: pytest.LogCaptureFixture,
) -> None:
    computer = Computer()

    class Full(Checkpoints):
        def save_in_parts(self, *_: object) -> str:
            raise CheckpointError("no space; make some")

    worker = computer.worker(FakeProcess(computer.broker), checkpoints=Full(f"memory://{uuid.uuid4().hex}", 3))
    assert worker.run(drain=True) == 0
    assert caplog.text.count("no space; make some") == 1
    assert computer.counted("checkpoint_failures_total") > 1
    assert computer.told() == undisturbed()


def test_a_checkpoint_that_nothing_has_moved_on_from_does_not_age() -> None:
    computer = Computer()
    process = FakeProcess(computer.broker)
    worker = computer.worker(process)
    ages: list[float] = []

    def note(*_: object) -> None:
        ages.append(computer.counted("checkpoint_age_seconds"))
        if len(ages) > 600:
            worker.stop()

    process.interrupt = note
    before = computer.broker.clock.now()
    assert worker.run() == 0
    assert computer.broker.clock.now() - before > 10
    assert max(ages[len(ages) // 2 :]) < 2  # before, the first one may still be under way, as time is made to fly


def test_a_stop_begins_no_checkpoint_after_its_time_and_loses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Each checkpoint takes 10 s here: of two, one is begun within four fifths of 5 s."""
    settings = structs.replace(UNKEPT, delivery=structs.replace(UNKEPT.delivery, stop_within=5.0))
    computer = Computer(settings)
    clock = computer.broker.clock

    class Slow(ExactCheckpoints):
        def save_in_parts(
            self,
            address: Address,
            offset: int,
            header: Mapping[str, object],
            shapes: Mapping[str, Shape],
            blocks: Iterable[Block],
        ) -> str:
            clock.pause(10.0)
            return super().save_in_parts(address, offset, header, shapes, blocks)

    workers: list[Worker] = []

    def stop(_: int, name: str, done: bool) -> None:
        if name == "commit_transaction" and done and len(computer.broker.forecasts()) >= RECORDS:
            workers[0].stop()

    workers.append(computer.worker(FakeProcess(computer.broker, "one", stop), checkpoints=Slow(computer.broker)))
    assert workers[0].run() == 0
    assert "1 of 2 checkpoints are not written, as delivery.stop_within (5 s) is nearly over" in caplog.text
    computer.run("two")
    undisturbed = Computer(settings)
    undisturbed.run()
    assert sorted(computer.broker.forecasts()) == sorted(undisturbed.broker.forecasts())
