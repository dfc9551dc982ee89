"""The worker's clients of a real cluster."""

import uuid

from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor

from pipeline.cluster.admin import Admin, KafkaAdmin, Limits
from pipeline.cluster.connection import NoTopicError, connected
from pipeline.cluster.consumer import reading
from pipeline.cluster.producer import BulkProducer
from pipeline.cluster.protocols import Consumer, Description, Producer
from pipeline.cluster.topics import describe, needed
from pipeline.cluster.writing import producing
from pipeline.inputs import inputs_of, some
from pipeline.settings import Settings

ASSIGNORS = {
    "cooperative-sticky": CooperativeStickyAssignor,
    "sticky": StickyPartitionAssignor,
    "range": RangePartitionAssignor,
}
RIGHTS = " (or we may not see it: then give us Describe and Read or Write there with kafka-acls.sh)"


class KafkaClients:
    """Clients for a real cluster.

    Parameters
    ----------
    settings
        Where it is.
    instance
        Name of this worker in its group: one that its parent gave it.

    Attributes
    ----------
    instance
        Name of this worker in its group: as set or given, or random for the life of the process.
    transactional_id
        That its transactions are under.
    client_id
        That the brokers know it by.
    """

    def __init__(self, settings: Settings, instance: str = "") -> None:
        self._settings = settings
        self.instance = settings.kafka.instance or instance or uuid.uuid4().hex[:12]
        self.transactional_id = f"{settings.kafka.group}-{self.instance}"
        self.client_id = f"lstm-stream-{self.instance}"

    def describe(self) -> Description:
        """The cluster and the topics that the worker needs; a missing one is a `ClusterError`.

        So is a pattern that matches none yet: whoever asks again waits for one.
        """
        description = describe(self._settings)
        missing = [name for name in needed(self._settings.kafka) if name not in description.topics]
        if missing:
            names = ", ".join(f"`{name}`" for name in missing)
            raise NoTopicError(
                f"topic {names} is missing at {self._settings.kafka.bootstrap_servers};"
                " run `lstm-stream topics` with these settings, or name the topics in [kafka]"
                f"{RIGHTS if self._settings.kafka.security_protocol != 'PLAINTEXT' else ''}"
            )
        inputs = inputs_of(self._settings.kafka)
        if not inputs.among(description.topics):
            others = [name for name in description.topics if name not in inputs.outputs and name[:2] != "__"]
            raise NoTopicError(
                f"no topic at {self._settings.kafka.bootstrap_servers} matches kafka.input = '{inputs.setting}' as a"
                f" whole: waiting for one, or correct the pattern; there are {some(others)}"
            )
        return description

    def consumer(self) -> Consumer:
        """A member of the group that reads only what is committed, and whose offsets are stable (KIP-447)."""
        kafka, session = self._settings.kafka, self._settings.kafka.session_timeout
        consumer: Consumer = reading(
            kafka,
            client_id=self.client_id,
            group_id=kafka.group,
            group_instance_id=kafka.instance or None,
            partition_assignment_strategy=[ASSIGNORS[kafka.assignor]],
            session_timeout_ms=int(session * 1000),
            heartbeat_interval_ms=int(min(session / 5, 3.0) * 1000),
            max_poll_interval_ms=int(max(2 * self._settings.delivery.deadline, session) * 1000),
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            allow_auto_create_topics=False,
            metadata_max_age_ms=60_000,
        )
        return consumer

    def producer(self, limits: Limits) -> Producer:
        """The worker's one producer; transactional, unless `delivery.mode` is at_least_once."""
        producer: Producer = connected(BulkProducer, self._settings.kafka, **self._producing(), **limits.sizes())
        return producer

    def admin(self) -> Admin:
        """Asks the brokers, and ends what hangs there."""
        return KafkaAdmin(self._settings.kafka)

    def _producing(self) -> dict[str, object]:
        kafka, deadline = self._settings.kafka, self._settings.delivery.deadline
        options = producing(self.client_id, deadline)
        if self._settings.delivery.mode == "exactly_once":
            options["transactional_id"] = self.transactional_id
            options["transaction_timeout_ms"] = int(kafka.transaction_timeout * 1000)
        return options
