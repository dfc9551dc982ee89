"""What goes wrong on a real cluster: it is said in one line with the fix, and nothing is lost or told twice."""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from kafka.errors import TopicAlreadyExistsError

from pipeline.checkpoints import Checkpoints
from pipeline.clock import Clock
from pipeline.cluster import (
    CommitFailedError,
    ConsumerGroupMetadata,
    KafkaClients,
    OffsetAndMetadata,
    TopicPartition,
    Writer,
    create_topics,
    describe,
    read_topic,
)
from pipeline.instruments import Instruments
from pipeline.messages import Outgoing
from pipeline.metrics import Metrics
from pipeline.publisher import Publication, Publisher
from pipeline.settings import Checkpoints as Keeping
from pipeline.settings import Delivery, Kafka, Settings
from pipeline.watchdog import Watchdog
from pipeline.worker import Worker
from tests.benchmarks import broker_kills
from tests.fakes import ChainShard
from tests.servers import ApacheKafka, wait_until


def settings_for(broker: ApacheKafka, name: str, folder: Path, start: str = "earliest") -> Settings:
    settings = Settings(
        kafka=Kafka(
            bootstrap_servers=broker.bootstrap_servers,
            group=name,
            input=f"{name}-in",
            forecasts=f"{name}-out",
            dead_letters=f"{name}-dead",
            partitions=2,
            session_timeout=4.0,
        ),
        delivery=Delivery(commit_interval=0.1, start="latest" if start == "latest" else "earliest"),
        checkpoints=Keeping(url=str(folder / name), interval=0.2),
    )
    create_topics(settings)
    return settings


@contextmanager
def working(settings: Settings, metrics: Metrics | None = None) -> Iterator[Worker]:
    """A worker in a thread of its own, until the end of the block."""
    clients, checkpoints = KafkaClients(settings), Checkpoints(settings.checkpoints.url, 3)
    worker = Worker(settings, clients, checkpoints, metrics or Metrics(), shards=ChainShard)
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join(60)
        assert not thread.is_alive()


def write(settings: Settings, *values: bytes) -> None:
    with Writer(settings, settings.kafka.inputs[0]) as writer:
        for value in values:
            writer.write(Outgoing(value, value))


def forecasts(settings: Settings) -> list[str]:
    """Partition and offset of what each is of."""
    return sorted((one.value or b"").split()[0].decode() for one in read_topic(settings, settings.kafka.forecasts))


@contextmanager
def admin_of(settings: Settings) -> Iterator[KafkaAdminClient]:
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap_servers)
    try:
        yield admin
    finally:
        admin.close()


def set_limit(settings: Settings, topic: str, limit: int) -> None:
    with admin_of(settings) as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"max.message.bytes": str(limit)})])


def test_a_forecast_beyond_the_topics_limit_is_said_once_and_goes_out_when_the_limit_is_raised(
    apache_kafka: ApacheKafka, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_for(apache_kafka, "limited", tmp_path)
    set_limit(settings, settings.kafka.forecasts, 90)
    write(settings, *(b"%d" % number for number in range(50)))
    said = "too large: topic `limited-out` takes 90 bytes (max.message.bytes); raise max.message.bytes of the topic, or"
    with working(settings) as worker:
        wait_until(lambda: said in caplog.text, "the limit to be said")
        assert not worker.ready()
        set_limit(settings, settings.kafka.forecasts, 400)
        wait_until(worker.ready, "the worker to recover")
        wait_until(lambda: len(forecasts(settings)) == 50, "all forecasts")
    assert caplog.text.count(said) == 1
    assert "Future not done" not in caplog.text


def test_a_dead_letter_is_cut_at_once_to_what_its_topic_takes(apache_kafka: ApacheKafka, tmp_path: Path) -> None:
    settings = settings_for(apache_kafka, "letters", tmp_path)
    set_limit(settings, settings.kafka.dead_letters, 4000)
    metrics = Metrics()
    write(settings, b"bad" + os.urandom(20_000))
    with working(settings, metrics):
        wait_until(lambda: len(list(read_topic(settings, settings.kafka.dead_letters))) == 1, "the letter")
    (letter,) = read_topic(settings, settings.kafka.dead_letters)
    assert 2500 < len(letter.key or b"") + len(letter.value or b"") < 4000
    aborts = [
        line for line in metrics.render()[0].decode().splitlines() if line.startswith("lstm_stream_aborts_total{")
    ]
    assert [line for line in aborts if not line.endswith(" 0.0")] == []


def test_a_partition_that_is_added_to_a_group_that_started_at_the_end_loses_nothing(
    apache_kafka: ApacheKafka, tmp_path: Path
) -> None:
    settings = settings_for(apache_kafka, "grown", tmp_path, start="latest")
    write(settings, *(b"before %d" % number for number in range(10)))
    with working(settings) as worker:
        wait_until(worker.ready, "the worker to be ready")
    with admin_of(settings) as admin:
        admin.create_partitions({settings.kafka.inputs[0]: 3})
    producer = KafkaProducer(bootstrap_servers=settings.kafka.bootstrap_servers)
    for number in range(5):
        producer.send(settings.kafka.inputs[0], b"%d" % number, partition=2)
    producer.close()
    with working(settings):
        wait_until(lambda: len(forecasts(settings)) == 5, "those of the new partition")
    assert forecasts(settings) == [f"2/{number}" for number in range(5)]


def test_a_topic_that_is_made_anew_while_running_is_begun_anew_and_its_checkpoints_are_found(
    apache_kafka: ApacheKafka, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    settings = settings_for(apache_kafka, "anew", tmp_path)
    write(settings, *(b"%d" % number for number in range(20)))
    with working(settings) as worker:
        wait_until(lambda: len(forecasts(settings)) == 20, "the first forecasts")
        before = describe(settings).topics[settings.kafka.inputs[0]].id
        make_anew(settings)
        write(settings, *(b"new %d" % number for number in range(30)))
        wait_until(lambda: len(forecasts(settings)) == 50, "the forecasts of the new topic")
        wait_until(worker.ready, "the worker to be ready again")
    assert describe(settings).topics[settings.kafka.inputs[0]].id != before
    caplog.clear()
    with working(settings) as worker:
        wait_until(worker.ready, "the next start")
    assert caplog.text.count(": checkpoint at ") == 2
    assert len(forecasts(settings)) == 50


def make_anew(settings: Settings) -> None:
    def created() -> bool:
        try:
            admin.create_topics({settings.kafka.inputs[0]: {"num_partitions": 2, "replication_factor": 1}})
        except TopicAlreadyExistsError:
            return False
        return True

    with admin_of(settings) as admin:
        admin.delete_topics([settings.kafka.inputs[0]])
        wait_until(created, "the topic to be gone, and made again")


def test_an_open_transaction_that_holds_reading_back_is_said_and_when_it_is_over(
    apache_kafka: ApacheKafka, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_for(apache_kafka, "held", tmp_path)
    other = KafkaProducer(
        bootstrap_servers=settings.kafka.bootstrap_servers, transactional_id="other", transaction_timeout_ms=60_000
    )
    other.init_transactions()
    with working(settings) as worker:
        wait_until(worker.ready, "the worker to be ready")
        other.begin_transaction()
        other.send(settings.kafka.inputs[0], b"held", partition=0)
        other.flush()
        wait_until(lambda: "held-in/0 has not been read beyond offset 0 for 1" in caplog.text, "that it is said")
        other.commit_transaction()
        wait_until(lambda: "held-in/0 is read again" in caplog.text, "that it is over")
    other.close()
    assert forecasts(settings) == ["0/0"]


def test_a_group_that_others_use_with_another_assignor_is_one_line_with_the_fix(
    apache_kafka: ApacheKafka, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_for(apache_kafka, "shared", tmp_path)
    other = KafkaConsumer(
        settings.kafka.inputs[0],
        bootstrap_servers=settings.kafka.bootstrap_servers,
        group_id=settings.kafka.group,
        partition_assignment_strategy=[RoundRobinPartitionAssignor],
    )
    other.poll(5000)
    said = "group `shared` is used by members of another protocol"
    with working(settings) as worker:
        wait_until(lambda: said in caplog.text, "the group to be told")
        other.close()
        wait_until(worker.ready, "the worker to have the group")
    assert caplog.text.count(said) == 1


def test_a_topic_that_is_deleted_while_running_is_said_and_waited_for(
    apache_kafka: ApacheKafka, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.cycle.QUIET", 2.0)
    settings = settings_for(apache_kafka, "deleted", tmp_path)
    with working(settings) as worker:
        wait_until(worker.ready, "the worker to be ready")
        with admin_of(settings) as admin:
            admin.delete_topics([settings.kafka.inputs[0]])
        said = "topic `deleted-in` is missing"
        wait_until(lambda: said in caplog.text, "that it is said")
        assert not worker.ready()
        create_topics(settings)
        write(settings, b"1", b"2")
        wait_until(lambda: len(forecasts(settings)) == 2, "the worker to go on")
    assert caplog.text.count(said) == 1


class Nobody:
    """Where a transaction commits the offsets, the member need not."""

    def commit(self, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        raise AssertionError(offsets)


def test_the_offsets_of_a_transaction_that_the_group_refused_are_not_committed_with_the_next(
    apache_kafka: ApacheKafka, tmp_path: Path
) -> None:
    """As in a rebalance. The client, version 3.0.12, keeps them: with one producer for both, both are committed."""
    settings = settings_for(apache_kafka, "refused", tmp_path)
    group, (topic,) = settings.kafka.group, settings.kafka.inputs
    clock = Clock()
    watchdog = Watchdog(settings.delivery.deadline, clock.now, pytest.fail)
    publisher = Publisher(KafkaClients(settings), settings, Instruments(Metrics(), watchdog, clock))
    refused = Publication((), (), {TopicPartition(topic, 0): 5})
    with pytest.raises(CommitFailedError) as refusal:
        publisher.publish(refused, Nobody(), ConsumerGroupMetadata(group, 7, "not a member", None))
    publisher.abort(refusal.value)
    publisher.publish(
        Publication((), (), {TopicPartition(topic, 1): 3}), Nobody(), ConsumerGroupMetadata(group, -1, "", None)
    )
    publisher.look_around()
    publisher.close()
    with admin_of(settings) as admin:
        offsets = admin.list_group_offsets({group: None})[group]
    assert {partition.partition: one.offset for partition, one in offsets.items()} == {1: 3}


def kafka_home() -> None:
    if not os.environ.get("KAFKA_HOME"):
        pytest.skip("KAFKA_HOME names no distribution of Apache Kafka")


def test_a_broker_that_dies_amid_a_transaction_shows_no_record_of_it(tmp_path: Path) -> None:
    """A bare producer, as in the command of this name: without the healing about half of the kills show 400 records."""
    kafka_home()
    tally = broker_kills.plain(kills=3, seed=1, folder=tmp_path)
    assert (tally.twice, tally.missing) == (0, 0)


def test_a_broker_that_dies_under_the_daemon_changes_no_forecast(tmp_path: Path) -> None:
    kafka_home()
    tally = broker_kills.daemon(kills=2, seed=1, folder=tmp_path)
    assert (tally.twice, tally.missing, tally.other) == (0, 0, 0)
