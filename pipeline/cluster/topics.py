"""The topics of a cluster: what is there, made and deleted."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

from kafka import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError
from kafka.structs import TopicPartition

from pipeline.cluster.connection import ClusterError, connected, reason
from pipeline.cluster.protocols import Description, Topic
from pipeline.settings import Kafka, Settings

logger = logging.getLogger("pipeline.cluster")


class _Admin(Protocol):
    """What is used of `kafka.KafkaAdminClient`."""

    def describe_topics(self) -> list[dict[str, object]]: ...
    def describe_cluster(self) -> dict[str, object]: ...
    def create_topics(self, new_topics: Mapping[str, Mapping[str, int]], *, wait_for_metadata: bool) -> object: ...
    def delete_topics(self, topics: Sequence[str]) -> object: ...
    def delete_groups(self, group_ids: Sequence[str]) -> object: ...
    def close(self) -> None: ...


def place(partition: TopicPartition) -> str:
    """A partition as it is written in logs and addresses: `events/3`."""
    return f"{partition.topic}/{partition.partition}"


def describe(settings: Settings) -> Description:
    """Ask the cluster for its id and its topics.

    Raises
    ------
    ClusterError
        It does not answer, or refuses us.
    """
    with asking(settings.kafka) as admin:
        return Description(str(admin.describe_cluster()["cluster_id"]), _topics(admin))


def create_topics(settings: Settings) -> list[str]:
    """Create those of the input, forecasts and dead-letter topics that are missing; their names.

    Nothing is created for a pattern.
    """
    kafka = settings.kafka
    with asking(kafka) as admin:
        there = _topics(admin)
        return [name for name in needed(kafka) if name not in there and _create(admin, name, kafka)]


def _create(admin: _Admin, name: str, kafka: Kafka) -> bool:
    """Create a topic; whether it was us who did."""
    shape = {"num_partitions": kafka.partitions, "replication_factor": kafka.replication}
    try:
        admin.create_topics({name: shape}, wait_for_metadata=True)
    except TopicAlreadyExistsError:
        logger.debug("another process made `%s` at the same time", name)
        return False
    except KafkaError as error:
        raise ClusterError(f"cannot create {name}: {reason(error)}; see [kafka]") from error
    return True


def remove(settings: Settings, topics: Sequence[str], groups: Sequence[str]) -> None:
    """Delete topics and groups, as far as they are there."""
    with asking(settings.kafka) as admin:
        there = _topics(admin)
        admin.delete_topics([name for name in topics if name in there])
        admin.delete_groups(groups)


@contextmanager
def asking(kafka: Kafka) -> Iterator[_Admin]:
    """An admin client for the length of a block."""
    admin: _Admin = connected(KafkaAdminClient, kafka)
    try:
        yield admin
    except KafkaError as error:
        raise ClusterError(f"{kafka.bootstrap_servers} answers, but not this: {reason(error)}") from error
    finally:
        admin.close()


def _topics(admin: _Admin) -> dict[str, Topic]:
    return {
        str(one["name"]): Topic(str(one["topic_id"]), len(partitions))
        for one in admin.describe_topics()
        if one["error_code"] == 0 and isinstance(partitions := one["partitions"], list)
    }


def needed(kafka: Kafka) -> tuple[str, ...]:
    return *kafka.inputs, kafka.forecasts, kafka.dead_letters
