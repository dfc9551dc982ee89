"""A computer on which workers come and go beside one broker; its checkpoints stay."""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache

from kafka.errors import (
    KafkaError,
)
from msgspec import structs

from pipeline.checkpoints import Address, Block, Checkpoints
from pipeline.checkpoints.tensor_file import Shape
from pipeline.cluster import TopicPartition
from pipeline.fold import Failure, Fold, Publish
from pipeline.held import Shards
from pipeline.messages import Record
from pipeline.metrics import Metrics
from pipeline.settings import Checkpoints as Keeping
from pipeline.settings import Delivery, Kafka, Settings
from pipeline.worker import Worker
from tests.fakes import ChainShard, FakeBroker, FakeProcess, Killed

SETTINGS = Settings(
    kafka=Kafka(max_poll_records=5),
    delivery=Delivery(commit_interval=0.05, bootstrap=1000),
    checkpoints=Keeping(interval=0.1),
)

UNKEPT = structs.replace(SETTINGS, checkpoints=Keeping(interval=1000.0))

RECORDS = 9  # in each of two partitions


class ExactCheckpoints(Checkpoints):
    """Refuses to keep what is not a state at exactly an offset that was committed."""

    def __init__(self, broker: FakeBroker) -> None:
        super().__init__(f"memory://{uuid.uuid4().hex}", keep=3)
        self._broker = broker

    def save_in_parts(
        self,
        address: Address,
        offset: int,
        header: Mapping[str, object],
        shapes: Mapping[str, Shape],
        blocks: Iterable[Block],
    ) -> str:
        return super().save_in_parts(address, offset, header, shapes, self._checked(address, offset, blocks))

    def _checked(self, address: Address, offset: int, blocks: Iterable[Block]) -> Iterator[Block]:
        partition = TopicPartition(address.topic, address.partition)
        for block in blocks:
            assert int(block.arrays["next_offset"]) == offset <= self._broker.committed[partition]
            yield block


class Computer:
    """Where processes come and go; checkpoints stay."""

    shards: Shards = ChainShard

    def __init__(self, settings: Settings = SETTINGS, records: int = RECORDS) -> None:
        self.settings = settings
        self.broker = self.made(settings)
        self.lose_checkpoints()
        self.metrics = Metrics()
        self.write(records)

    def made(self, settings: Settings) -> FakeBroker:
        return FakeBroker(settings)

    def lose_checkpoints(self) -> None:
        self.checkpoints: Checkpoints = ExactCheckpoints(self.broker)

    def write(self, records: int, start: int = 0) -> None:
        for partition in range(2):
            bad = {start + 4}
            values = (b"bad" if n in bad else b"%d" % n for n in range(start, start + records))
            self.broker.write(partition, *values)

    def worker(
        self,
        process: FakeProcess,
        settings: Settings | None = None,
        checkpoints: Checkpoints | None = None,
        rebuild: bool = False,
    ) -> Worker:
        return Worker(
            settings or self.settings,
            process,
            checkpoints or self.checkpoints,
            self.metrics,
            shards=self.shards,
            clock=self.broker.clock,
            expired=never,
            rebuild=rebuild,
        )

    def run(
        self,
        instance: str = "one",
        interrupt: Callable[[int, str, bool], None] | None = None,
        settings: Settings | None = None,
    ) -> FakeProcess:
        """A process that works until all is done, or it is killed."""
        process = FakeProcess(self.broker, instance, interrupt)
        try:
            assert self.worker(process, settings).run(drain=True) == 0
        except Killed:
            process.expel()
        return process

    def told(self) -> list[list[bytes]]:
        """Committed forecasts and dead letters, by partition of their source and in order.

        What a dead process left open holds them back until it times out.
        """
        self.broker.clock.seconds += self.settings.kafka.transaction_timeout + 1
        self.broker.time_out()
        both = (self.broker.forecasts(), self.broker.dead_letters())
        return [[value for value in values if value.startswith(b"%d/" % n)] for values in both for n in range(2)]

    def counted(self, name: str, **labels: str) -> float:
        return self.metrics._registry.get_sample_value(f"lstm_stream_{name}", labels) or 0.0


def never(call: str) -> None:
    raise AssertionError(call)


@cache
def undisturbed(records: int = RECORDS) -> list[list[bytes]]:
    computer = Computer(records=records)
    computer.run()
    return computer.told()


@cache
def calls() -> int:
    return Computer().run().calls


def at(call: int, done: bool, act: Callable[[], None]) -> Callable[[int, str, bool], None]:
    """Act at one call, before it or when it is done but not yet told."""

    def interrupt(number: int, _: str, is_done: bool) -> None:
        if number == call and is_done == done:
            act()

    return interrupt


def kill() -> None:
    raise Killed


def fail() -> None:
    raise KafkaError("disturbed")


def every_moment() -> Iterator[tuple[int, bool]]:
    return ((call, done) for call in range(1, calls() + 1) for done in (False, True))


class FaultyShard(ChainShard):
    """Each bad record is a failure of its model, too."""

    def fold(self, records: Sequence[Record], publish: Publish) -> Fold:
        fold = super().fold(records, publish)
        bad = [record.offset for record in records if record.value is not None and record.value.startswith(b"bad")]
        return fold._replace(failures=tuple(Failure("chain", offset, "step", "planted") for offset in bad))


class Faulty(Computer):
    shards = FaultyShard
