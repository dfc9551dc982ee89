"""Queueing many records at once does what the client's `send` of each does."""

from collections.abc import Callable

import pytest

from pipeline.cluster import (
    IllegalStateError,
    KafkaClients,
    MessageSizeTooLargeError,
    Producer,
    TopicPartition,
    create_topics,
    read_topic,
)
from pipeline.cluster.admin import REQUEST_BYTES, Limits
from pipeline.cluster.producer import Keys
from pipeline.embedded import EmbeddedBroker
from pipeline.messages import Outgoing
from pipeline.settings import Kafka, Settings

MIXED = [
    *(Outgoing(b"series-%d" % (number % 40), b"%d" % number * 200) for number in range(900)),
    Outgoing(b"with a header", b"1", (("reason", b"none"),)),
    Outgoing(b"a tombstone", None),
    Outgoing(b"", b"an empty key"),
    Outgoing("ä€😀".encode(), b"no ASCII"),
    *(Outgoing(b"series-%d" % (number % 40), b"%d" % number * 200) for number in range(900, 1800)),
]


def settings_at(servers: str, prefix: str) -> Settings:
    return Settings(
        kafka=Kafka(
            bootstrap_servers=servers,
            input=f"{prefix}-in",
            forecasts=f"{prefix}-out",
            dead_letters=f"{prefix}-dead",
            group=prefix,
            partitions=3,
        )
    )


def written(settings: Settings, queue: Callable[[Producer, str], object]) -> list[list[tuple[object, ...]]]:
    """What is in each partition after one transaction."""
    create_topics(settings)
    producer = begun(settings)
    queue(producer, settings.kafka.forecasts)
    producer.flush(30)
    producer.commit_transaction()
    producer.close(5)
    records = list(read_topic(settings, settings.kafka.forecasts))
    return [[(one.key, one.value, one.headers) for one in records if one.partition == number] for number in range(3)]


def begun(settings: Settings) -> Producer:
    producer = KafkaClients(settings).producer(Limits({}))
    producer.init_transactions()
    producer.begin_transaction()
    return producer


def one_by_one(producer: Producer, topic: str) -> None:
    for one in MIXED:
        producer.send(topic, one.value, one.key, list(one.headers))


def at_once(producer: Producer, topic: str) -> None:
    producer.send_all(topic, MIXED[:1])  # from now on it knows the topic
    producer.send_all(topic, MIXED[1:])


def test_what_is_queued_at_once_lies_where_it_would_if_it_were_sent_one_by_one(tansu: EmbeddedBroker) -> None:
    each = written(settings_at(tansu.bootstrap_servers, "one-by-one"), one_by_one)
    assert written(settings_at(tansu.bootstrap_servers, "at-once"), at_once) == each
    assert all(each)
    assert sum(map(len, each)) == len(MIXED)


def test_each_record_is_told_of_and_a_too_large_one_is_refused(tansu: EmbeddedBroker) -> None:
    settings = settings_at(tansu.bootstrap_servers, "told-of")
    create_topics(settings)
    producer = begun(settings)
    first = producer.send_all(settings.kafka.forecasts, MIXED[:3])
    second = producer.send_all(settings.kafka.forecasts, MIXED[3:9])
    with pytest.raises(MessageSizeTooLargeError):
        producer.send_all(settings.kafka.forecasts, [Outgoing(b"k", bytes(REQUEST_BYTES + 1))])
    producer.flush(30)
    assert [one.exception for one in (*first, *second)] == [None] * 9
    producer.abort_transaction()
    producer.close(5)


def test_nothing_is_queued_without_a_transaction(tansu: EmbeddedBroker) -> None:
    settings = settings_at(tansu.bootstrap_servers, "none-begun")
    create_topics(settings)
    producer = begun(settings)
    producer.send_all(settings.kafka.forecasts, MIXED[:1])
    producer.commit_transaction()
    with pytest.raises(IllegalStateError):
        producer.send_all(settings.kafka.forecasts, MIXED[:1])
    producer.close(5)


def test_the_partitions_of_old_keys_are_forgotten_not_the_new_ones() -> None:
    asked: list[bytes] = []

    def pick(_: str, key: bytes) -> int:
        asked.append(key)
        return len(key) % 3

    keys = Keys("out", {0, 1, 2}, pick, most=10)
    names = [b"%d" % number for number in range(15)]
    assert [keys.place(name) for name in names] == [TopicPartition("out", len(name) % 3) for name in names]
    assert keys.place(b"14") == TopicPartition("out", 2)
    assert asked == names
    assert keys.place(b"0") == TopicPartition("out", 1)
    assert asked == [*names, b"0"]
