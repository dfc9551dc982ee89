"""Everything that connects to Kafka: the worker's two clients, and what the commands do with topics.

The one home of the package `kafka`: others take its names from here. A cluster that cannot be used is one error,
`ClusterError`, whose message says what to do about it.
"""

from kafka import ConsumerRebalanceListener
from kafka.errors import (
    AuthorizationError,
    CommitFailedError,
    CorruptRecordError,
    FencedInstanceIdError,
    IllegalStateError,
    InvalidProducerEpochError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    ProducerFencedError,
    RebalanceInProgressError,
    RetriableError,
)
from kafka.structs import ConsumerGroupMetadata, MemberState, OffsetAndMetadata, TopicPartition

from pipeline.cluster.clients import KafkaClients
from pipeline.cluster.connection import ClusterError, NoTopicError
from pipeline.cluster.consumer import record
from pipeline.cluster.producer import Pending
from pipeline.cluster.protocols import Clients, Consumer, Description, Message, Outsider, Producer, Topic
from pipeline.cluster.sample import Part, Sample, sample_topic
from pipeline.cluster.topic_reader import Newcomers, outsider, read_topic
from pipeline.cluster.topics import create_topics, describe, place, remove
from pipeline.cluster.writing import LINGER_MS, TransactionalWriter, Writer

__all__ = [
    "LINGER_MS",
    "AuthorizationError",
    "Clients",
    "ClusterError",
    "CommitFailedError",
    "Consumer",
    "ConsumerGroupMetadata",
    "ConsumerRebalanceListener",
    "CorruptRecordError",
    "Description",
    "FencedInstanceIdError",
    "IllegalStateError",
    "InvalidProducerEpochError",
    "KafkaClients",
    "KafkaError",
    "KafkaTimeoutError",
    "MemberState",
    "Message",
    "MessageSizeTooLargeError",
    "Newcomers",
    "NoOffsetForPartitionError",
    "NoTopicError",
    "OffsetAndMetadata",
    "OffsetOutOfRangeError",
    "Outsider",
    "Part",
    "Pending",
    "Producer",
    "ProducerFencedError",
    "RebalanceInProgressError",
    "RetriableError",
    "Sample",
    "Topic",
    "TopicPartition",
    "TransactionalWriter",
    "Writer",
    "create_topics",
    "describe",
    "outsider",
    "place",
    "read_topic",
    "record",
    "remove",
    "sample_topic",
]
