"""Topics and connections on real brokers; what cannot work says in one line what to do."""

import logging
import threading
from collections.abc import Iterable
from contextlib import closing, suppress

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from msgspec import structs

from pipeline.cluster import (
    ClusterError,
    ConsumerRebalanceListener,
    KafkaClients,
    KafkaError,
    MemberState,
    NoOffsetForPartitionError,
    Topic,
    TopicPartition,
    Writer,
    create_topics,
    describe,
    read_topic,
)
from pipeline.cluster.admin import Limits
from pipeline.embedded import EmbeddedBroker, free_port
from pipeline.messages import Outgoing
from pipeline.settings import Kafka, Settings
from tests.fakes import NotUtf8
from tests.servers import ApacheKafka, stays, wait_until

PATIENCE = 2.0  # seconds


def settings_at(servers: str, prefix: str, partitions: int = 2) -> Settings:
    return Settings(
        kafka=Kafka(
            bootstrap_servers=servers,
            input=f"{prefix}-in",
            forecasts=f"{prefix}-out",
            dead_letters=f"{prefix}-dead",
            group=prefix,
            partitions=partitions,
            connect_timeout=PATIENCE,
        )
    )


def test_topics_are_created_once_and_described(tansu: EmbeddedBroker) -> None:
    settings = settings_at(tansu.bootstrap_servers, "created", partitions=3)
    assert create_topics(settings) == ["created-in", "created-out", "created-dead"]
    assert create_topics(settings) == []
    description = describe(settings)
    assert description.id
    assert description.topics["created-in"] == Topic(description.topics["created-in"].id, 3)
    ids = {description.topics[name].id for name in ("created-in", "created-out", "created-dead")}
    assert len(ids) == 3
    assert KafkaClients(settings).describe() == description


def test_a_topic_that_another_process_makes_meanwhile_is_not_ours(
    tansu: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_at(tansu.bootstrap_servers, "raced")
    create_topics(structs.replace(settings, kafka=structs.replace(settings.kafka, forecasts="of-another")))
    monkeypatch.setattr("pipeline.cluster.topics._topics", lambda _: {})  # before they were made
    assert create_topics(settings) == ["raced-out"]


@pytest.mark.parametrize("count", [1, 5000])
def test_what_is_written_is_read_back_in_order(tansu: EmbeddedBroker, count: int) -> None:
    settings = settings_at(tansu.bootstrap_servers, f"written{count}")
    create_topics(settings)
    sent = [Outgoing(key=b"%d" % (n % 7), value=b"%d" % n, headers=(("n", b"%d" % n),)) for n in range(count)]
    with Writer(settings, settings.kafka.inputs[0]) as writer:
        for number, outgoing in enumerate(sent):
            writer.write(outgoing, timestamp=1_700_000_000_000 + number)
    records = list(read_topic(settings, settings.kafka.inputs[0]))
    assert sorted(int(record.value or b"") for record in records) == list(range(count))
    assert all(record.timestamp == 1_700_000_000_000 + int(record.value or b"") for record in records)
    assert all(record.headers == (("n", record.value),) for record in records)
    for partition in range(2):
        mine = [record for record in records if record.partition == partition]
        assert [record.offset for record in mine] == list(range(len(mine)))
        assert mine == sorted(mine, key=lambda record: int(record.value or b""))


@pytest.mark.parametrize("compression", [None, "gzip", "snappy", "lz4", "zstd"])
def test_however_a_producer_compresses_its_records_are_read(tansu: EmbeddedBroker, compression: str | None) -> None:
    settings = settings_at(tansu.bootstrap_servers, f"compressed-{compression}", partitions=1)
    create_topics(settings)
    sent = [b"%d" % number * 100 for number in range(100)]
    producer = KafkaProducer(bootstrap_servers=tansu.bootstrap_servers, compression_type=compression)
    for value in sent:
        producer.send(settings.kafka.inputs[0], value)
    producer.close()
    assert [record.value for record in read_topic(settings, settings.kafka.inputs[0])] == sent


def test_a_header_may_have_any_name(tansu: EmbeddedBroker) -> None:
    settings = settings_at(tansu.bootstrap_servers, "any-name", partitions=1)
    create_topics(settings)
    producer = KafkaProducer(bootstrap_servers=tansu.bootstrap_servers, linger_ms=200)
    for name in ("a", NotUtf8(), "é"):
        producer.send(settings.kafka.inputs[0], name[:1].encode() or b"?", headers=[(name, b"1")])
    producer.close()
    records = list(read_topic(settings, settings.kafka.inputs[0]))
    assert [record.headers for record in records] == [
        (("a", b"1"),),
        (("h\N{REPLACEMENT CHARACTER}", b"1"),),
        (("é", b"1"),),
    ]


def test_a_producer_that_is_closed_in_no_time_gives_up_what_is_not_sent(tansu: EmbeddedBroker) -> None:
    settings = settings_at(tansu.bootstrap_servers, "unsent", partitions=1)
    create_topics(settings)
    settings = structs.replace(settings, delivery=structs.replace(settings.delivery, mode="at_least_once"))
    producer = KafkaClients(settings).producer(Limits({}))
    for number in range(2000):
        producer.send(settings.kafka.forecasts, b"%d" % number * 1000)
    producer.close(timeout=0)
    with pytest.raises(KafkaError, match="already closed"):
        producer.send(settings.kafka.forecasts, b"late")


class Member(threading.Thread):
    """A consumer of the group that polls while it may."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.consumer, self.may_poll, self.is_over = KafkaClients(settings).consumer(), threading.Event(), False
        self.consumer.subscribe(settings.kafka.inputs, listener=Heedless())
        self.may_poll.set()

    def run(self) -> None:
        while not self.is_over:
            self.may_poll.wait()
            with suppress(NoOffsetForPartitionError):
                self.consumer.poll(50.0, max_records=1)

    def end(self) -> None:
        self.is_over = True
        self.may_poll.set()
        self.join()
        self.consumer.close(timeout_ms=1000.0)

    def holds(self, count: int) -> bool:
        return len(self.consumer.assignment()) == count and self.consumer.group_metadata().state == MemberState.STABLE

    def is_joining(self) -> bool:
        return bool(self.consumer.group_metadata().state == MemberState.REBALANCING)


class Heedless(ConsumerRebalanceListener):
    """What comes and goes is nothing to it."""

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        pass

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        pass


def test_a_join_for_new_partitions_that_ends_between_two_polls_is_noticed(apache_kafka: ApacheKafka) -> None:
    """Kafka's client by itself would be out of the group for good."""
    settings = settings_at(apache_kafka.bootstrap_servers, "widened", partitions=4)
    settings = structs.replace(settings, kafka=structs.replace(settings.kafka, session_timeout=6.0))
    create_topics(settings)
    leader = Member(settings)
    leader.start()
    wait_until(lambda: leader.holds(4), "the first to hold all")
    follower = Member(settings)
    follower.start()
    try:
        wait_until(lambda: leader.holds(2) and follower.holds(2), "both to hold two")
        with closing(KafkaAdminClient(bootstrap_servers=apache_kafka.bootstrap_servers)) as admin:
            admin.create_partitions({settings.kafka.inputs[0]: 6})
        follower.may_poll.clear()  # so that the leader's join lasts
        leader.consumer.topics()
        wait_until(leader.is_joining, "it to join anew")
        leader.may_poll.clear()
        follower.may_poll.set()
        wait_until(lambda: follower.holds(3), "the other to have joined")
        leader.may_poll.set()
        wait_until(lambda: leader.holds(3) and follower.holds(3), "both to hold three")
        assert stays(lambda: leader.holds(3) and follower.holds(3), 2 * settings.kafka.session_timeout)
    finally:
        leader.end()
        follower.end()


def test_an_empty_topic_is_read_at_once(tansu: EmbeddedBroker) -> None:
    settings = settings_at(tansu.bootstrap_servers, "empty")
    create_topics(settings)
    assert list(read_topic(settings, settings.kafka.inputs[0])) == []


def test_a_missing_topic_says_how_to_make_it(tansu: EmbeddedBroker) -> None:
    settings = settings_at(tansu.bootstrap_servers, "missing")
    with pytest.raises(ClusterError, match=r"topic `missing-in`, `missing-out`, `missing-dead` is missing at .*run `"):
        KafkaClients(settings).describe()
    with pytest.raises(ClusterError, match="topic `missing-in` is missing; run `lstm-stream topics`"):
        list(read_topic(settings, "missing-in"))


def test_an_unreachable_broker_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    settings = settings_at(f"127.0.0.1:{free_port()}", "nowhere")
    with pytest.raises(ClusterError, match=r"no Kafka broker answers at 127.0.0.1:\d+ \(PLAINTEXT\): .*") as refusal:
        describe(settings)
    assert "correct kafka.bootstrap_servers" in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"bootstrap_servers": "localhost:abc"}, r"the Kafka client refuses \[kafka\]: .*'abc'; correct kafka.boot"),
        ({"security_protocol": "SSL", "ssl_cafile": "/nowhere"}, r"No such file.*; correct .* the kafka.ssl_ files"),
        ({"security_protocol": "SSL", "ssl_cafile": __file__}, r"certificate.*; correct .* the kafka.ssl_ files"),
    ],
)
def test_what_the_client_refuses_is_said_with_what_to_correct(
    tansu: EmbeddedBroker, changes: dict[str, str], said: str
) -> None:
    settings = settings_at(tansu.bootstrap_servers, "refused")
    with pytest.raises(ClusterError, match=said):
        describe(structs.replace(settings, kafka=structs.replace(settings.kafka, **changes)))


def test_a_connection_leaves_the_clients_logger_as_it_was(tansu: EmbeddedBroker) -> None:
    client = logging.getLogger("kafka")
    before = client.level, client.propagate, list(client.handlers)
    create_topics(settings_at(tansu.bootstrap_servers, "logger"))
    assert (client.level, client.propagate, client.handlers) == before


def test_at_the_level_debug_it_connects_too(tansu: EmbeddedBroker, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG", "kafka"):
        assert describe(settings_at(tansu.bootstrap_servers, "debug")).id


def signed_in(broker: ApacheKafka, password: str) -> Settings:
    settings = settings_at(broker.sasl_servers, "signed")
    kafka = structs.replace(
        settings.kafka,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_username="alice",
        sasl_password=password,
    )
    return structs.replace(settings, kafka=kafka)


def test_a_right_password_signs_in(apache_kafka: ApacheKafka) -> None:
    create_topics(signed_in(apache_kafka, "secret"))
    assert "signed-in" in describe(signed_in(apache_kafka, "secret")).topics


def test_a_wrong_password_is_named_at_once(apache_kafka: ApacheKafka, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ClusterError, match="refuses user `alice`; correct kafka"):
        describe(signed_in(apache_kafka, "wrong"))
    assert capfd.readouterr() == ("", "")


def test_a_broker_that_wants_a_name_and_gets_none_is_one_line(apache_kafka: ApacheKafka) -> None:
    with pytest.raises(ClusterError, match=r"hangs up; correct kafka.security_protocol"):
        describe(settings_at(apache_kafka.sasl_servers, "nameless"))
