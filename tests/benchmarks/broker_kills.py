"""Kills a real broker again and again while transactions are open, and looks whether anything came twice or never.

    KAFKA_HOME=... python -m tests.benchmarks.broker_kills --kills 200
    KAFKA_HOME=... python -m tests.benchmarks.broker_kills --kills 20 --producer plain

Each round kills Apache Kafka (one node, kill -9) at a random moment while a transaction is open and starts it again .2
to 7 seconds later. Such a broker may end a transaction in its coordinator's log and write no marker into the
partitions: what a round left hanging is counted by the markers that had to be written in its place.

- `--producer daemon`: a daemon forecasts what comes; in every fifth round it is killed, too. Once it has committed the
  end of each input partition, its forecasts and dead letters are compared, byte by byte, with those of a daemon that
  read the same log undisturbed. Keys that differ are told with the sources of what is missing.
- `--producer plain`: a bare transactional producer sends 400 records to four partitions, the broker dies, and a new
  producer of the same id commits 40 more. `--heal no` shows the flaw itself.
"""

import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Literal, NamedTuple

import click
from kafka import KafkaAdminClient, KafkaConsumer
from msgspec import structs

from pipeline.clock import Clock
from pipeline.cluster import KafkaClients, KafkaError, TopicPartition, read_topic
from pipeline.cluster.admin import KafkaAdmin, Limits
from pipeline.instruments import Instruments
from pipeline.metrics import Metrics
from pipeline.publisher import Publisher
from pipeline.settings import Settings
from pipeline.watchdog import Watchdog
from tests.members import Member, Watch, settings_for, told, undisturbed, write
from tests.servers import ApacheKafka, wait_until

STEPS = 30  # events of each series in a round
SESSION = 4.0  # seconds
HEALED = "and left it open from offset"

Told = Mapping[tuple[str, bytes | None], Sequence[bytes | None]]


class Tally(NamedTuple):
    """What came of some kills: in how many rounds something hung and was ended, and what is wrong."""

    kills: int
    hung: int
    ended: int
    expected: int
    twice: int
    missing: int
    other: int


def daemon(kills: int, seed: int, folder: Path) -> Tally:
    """Kill the broker under a daemon."""
    rng = random.Random(seed)
    with ApacheKafka(_home(), folder, session=SESSION) as broker:
        settings = _settings(broker, f"kills{seed}", folder)
        member = Member(settings, folder, "one").__enter__()
        log, hung, lines = folder / "one.log", 0, 0
        for number in range(kills):
            write(settings, range(number * STEPS, (number + 1) * STEPS))
            done = _committed(settings)
            _wait_for_more(settings, done)
            _wait_for_a_transaction(settings)
            time.sleep(rng.choice([0.0, rng.uniform(0.0, 0.1)]))
            broker.kill()
            if number % 5 == 4:
                member.kill()
            time.sleep(rng.uniform(0.2, 7.0))
            broker.start()
            if number % 5 == 4:
                member = member.__enter__()
            before, lines = lines, log.read_text().count(HEALED)
            hung += lines > before
            _say(f"{seed}: {number + 1} kills, a transaction hung in {hung}")
        write(settings, range(kills * STEPS, kills * STEPS + 1))
        _wait_for_the_end(settings)
        assert member.end() == 0
        assert _hanging(settings) == 0
        kafka = structs.replace(settings.kafka, instance="", max_poll_records=2000, transaction_timeout=60.0)
        alone = structs.replace(settings, kafka=kafka)
        found, right = told(settings), undisturbed(alone, folder, patience=600.0)
        expected = sum(1 for _ in read_topic(settings, settings.kafka.inputs[0]))
        lines = log.read_text().count(HEALED)
    return Tally(kills, hung, lines, expected, *_compared(found, right))


def _compared(found: Told, right: Told) -> tuple[int, int, int]:
    """How many values came twice or never, and how many series or keys differ in any way."""
    keys = sorted(found.keys() | right.keys(), key=str)
    differ = [key for key in keys if found.get(key) != right.get(key)]
    twice = {key: Counter(found.get(key, [])) - Counter(right.get(key, [])) for key in differ}
    missing = {key: Counter(right.get(key, [])) - Counter(found.get(key, [])) for key in differ}
    for key in differ:
        _say(f"{key}: {len(found.get(key, []))} of {len(right.get(key, []))}, missing {_sources(missing[key])}")
    return sum(map(Counter.total, twice.values())), sum(map(Counter.total, missing.values())), len(differ)


def _sources(values: Counter[bytes | None]) -> list[str]:
    """Where forecasts come from, of all those that are some; of dead letters their value."""
    return [value.rpartition(b'"source":')[2].decode(errors="replace") for value in values if value is not None]


def _settings(broker: ApacheKafka, name: str, folder: Path) -> Settings:
    settings = settings_for(broker, name, folder)
    kafka = structs.replace(settings.kafka, instance="one", max_poll_records=20, transaction_timeout=2.0)
    return structs.replace(settings, kafka=kafka)


def _wait_for_more(settings: Settings, done: int) -> None:
    wait_until(lambda: _committed(settings) > done, "the daemon to go on", patience=400.0)


def _wait_for_a_transaction(settings: Settings) -> None:
    watch = Watch(settings, "one")
    wait_until(_answered(watch.is_open), "a transaction to be open", patience=400.0)
    watch.close()


def _wait_for_the_end(settings: Settings) -> None:
    """However long that takes, as long as it goes on."""
    left = _left(settings)
    while left:
        _wait_for_fewer(settings, left)
        left = _left(settings)


def _wait_for_fewer(settings: Settings, left: int) -> None:
    wait_until(lambda: _left(settings) < left, f"the last {left} records to be committed", patience=400.0)


def _answered(question: Callable[[], bool]) -> Callable[[], bool]:
    """A broker that is just up does not answer all at once."""

    def ask() -> bool:
        try:
            return question()
        except KafkaError:
            return False

    return ask


def _committed(settings: Settings) -> int:
    """How many records of the input the group has done; the input's log holds no markers."""
    try:
        return sum(_offsets(settings).values())
    except KafkaError:
        return 0


def _left(settings: Settings) -> int:
    """How many offsets lie between what the group has done and the ends of the input partitions."""
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka.bootstrap_servers)
    try:
        topic = settings.kafka.inputs[0]
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
        done = _offsets(settings)
        return sum(abs(end - done.get(one, 0)) for one, end in consumer.end_offsets(partitions).items())
    finally:
        consumer.close()


def _offsets(settings: Settings) -> dict[TopicPartition, int]:
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap_servers)
    try:
        offsets = admin.list_group_offsets({settings.kafka.group: None})[settings.kafka.group]
        return {partition: one.offset for partition, one in offsets.items()}
    finally:
        admin.close()


def _hanging(settings: Settings) -> int:
    """How many transactions the output partitions take to be open."""
    admin = KafkaAdmin(settings.kafka)
    partitions = admin.partitions([settings.kafka.forecasts, settings.kafka.dead_letters, "__consumer_offsets"])
    found = admin.open(partitions) or []
    admin.close()
    return len(found)


def plain(kills: int, seed: int, folder: Path, heal: bool = True) -> Tally:
    """Kill the broker under a bare producer, after its flush and before its commit."""
    rng = random.Random(seed)
    with ApacheKafka(_home(), folder, session=SESSION) as broker:
        settings = _settings(broker, f"plain{seed}", folder)
        hung = ended = twice = missing = 0
        for number in range(kills):
            kafka = structs.replace(settings.kafka, group=f"plain{seed}-{number}")
            one = structs.replace(settings, kafka=kafka)
            first = b"first of %d" % number
            _sent(one, first, 400)
            time.sleep(rng.uniform(0.0, 0.3))
            broker.kill()
            time.sleep(rng.uniform(0.2, 7.0))
            broker.start()
            if rng.random() < 0.5:
                time.sleep(kafka.transaction_timeout)
            were = _heal(one) if heal else 0
            while not _sent(one, b"second of %d" % number, 40, commit=True):
                were += _heal(one) if heal else 0
            hung, ended = hung + (were > 0), ended + were
            values = Counter(record.value for record in read_topic(one, kafka.forecasts))
            twice += values[first]
            missing += 40 - values[b"second of %d" % number]
            _say(f"{seed}: {number + 1} kills, a transaction hung in {hung}, records twice {twice}, missing {missing}")
    return Tally(kills, hung, ended, kills * 40, twice, missing, 0)


def _sent(settings: Settings, value: bytes, count: int, commit: bool = False) -> bool:
    """What any application would do: a transaction of a new producer; whether nothing failed."""
    producer = KafkaClients(settings).producer(Limits({}))
    try:
        producer.init_transactions()
        producer.begin_transaction()
        pending = [producer.send(settings.kafka.forecasts, value, b"%d" % number) for number in range(count)]
        producer.flush(60)
        failed = any(one.failed() for one in pending)
        if commit and not failed:
            producer.commit_transaction()
    except KafkaError as error:
        _say(f"tried again: {error}")
        return False
    finally:
        producer.close(timeout=0)
    return not failed


def _heal(settings: Settings) -> int:
    """What the daemon's publisher does at its start; how many markers it had to write."""
    metrics, clock = Metrics(), Clock()
    watchdog = Watchdog(settings.delivery.deadline, clock.now, never)
    publisher = Publisher(KafkaClients(settings), settings, Instruments(metrics, watchdog, clock))
    publisher.close()
    return int(metrics.broker_errors.labels("hanging_transaction")._value.get())


def never(call: str) -> None:
    raise AssertionError(call)


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def _home() -> Path:
    return Path(os.environ["KAFKA_HOME"])


def _share(producer: Literal["daemon", "plain"], heal: bool, kills: int, seed: int) -> Tally:
    with tempfile.TemporaryDirectory() as folder:
        return daemon(kills, seed, Path(folder)) if producer == "daemon" else plain(kills, seed, Path(folder), heal)


@click.command()
@click.option("--kills", default=200, show_default=True, help="How often the broker is killed.")
@click.option("--producer", type=click.Choice(["daemon", "plain"]), default="daemon", show_default=True)
@click.option(
    "--heal", type=click.Choice(["yes", "no"]), default="yes", show_default=True, help="For --producer plain."
)
@click.option("--brokers", default=1, show_default=True, help="How many at a time; they share the kills.")
@click.option("--seed", default=1, show_default=True)
def main(kills: int, producer: Literal["daemon", "plain"], heal: str, brokers: int, seed: int) -> None:
    """Kill a broker under open transactions, and count what comes twice or never."""
    shares = [kills // brokers + (number < kills % brokers) for number in range(brokers)]
    with ProcessPoolExecutor(brokers) as pool:
        waiting = [pool.submit(_share, producer, heal == "yes", share, seed + n) for n, share in enumerate(shares)]
        tallies = [one.result() for one in waiting]
    total = Tally(*map(sum, zip(*tallies, strict=True)))
    print(
        f"{total.kills} kills of the broker ({producer}): in {total.hung} a transaction was left hanging,"
        f" {total.ended} markers written in its place; {total.expected} records expected,"
        f" {total.twice} twice, {total.missing} missing, {total.other} series or keys otherwise"
    )


if __name__ == "__main__":
    main()
