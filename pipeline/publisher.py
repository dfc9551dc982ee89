"""Brings what a cycle made to the broker, together with how far the input is done."""

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from pipeline.cluster import (
    Clients,
    ConsumerGroupMetadata,
    KafkaError,
    MessageSizeTooLargeError,
    OffsetAndMetadata,
    Pending,
    TopicPartition,
)
from pipeline.dead_letters import cut
from pipeline.messages import Outgoing
from pipeline.settings import Settings
from pipeline.watchdog import Watchdog

logger = logging.getLogger(__name__)

LARGEST, SMALLEST = 900_000, 1000  # bytes of a dead letter: to begin with, and that are always tried


class Publication(NamedTuple):
    """What one cycle has to say: forecasts, dead letters, and the next offset of each partition that they are of."""

    forecasts: Sequence[Outgoing]
    dead_letters: Sequence[Outgoing]
    offsets: Mapping[TopicPartition, int]


class Committing(Protocol):
    """Commits offsets outside of a transaction: the group's member."""

    def commit(self, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None: ...


class Publisher:
    """The worker's one producer.

    Parameters
    ----------
    clients
        Where the producer comes from.
    settings
        Topics, and whether a transaction holds it all together.
    watchdog
        Watches the calls that have no time limit.
    """

    def __init__(self, clients: Clients, settings: Settings, watchdog: Watchdog) -> None:
        self._clients, self._kafka, self._watchdog = clients, settings.kafka, watchdog
        self._deadline = settings.delivery.deadline
        self._exactly_once = settings.delivery.mode == "exactly_once"
        self._limit = LARGEST  # bytes of a dead letter; less once a topic has refused one
        self._connect()

    def publish(self, publication: Publication, member: Committing, metadata: ConsumerGroupMetadata) -> None:
        """Send it all and commit its offsets: in one transaction, or one after the other.

        Parameters
        ----------
        publication
            What to send and to commit.
        member
            Commits the offsets where there is no transaction.
        metadata
            Of the group when the cycle looked at its assignment: the broker refuses it once that is out of date.

        Raises
        ------
        KafkaError
            Refused or failed; `abort` is due.
        """
        offsets = {partition: OffsetAndMetadata(offset, "", -1) for partition, offset in publication.offsets.items()}
        if not self._exactly_once:
            self._send(publication)
            with self._watchdog.watching("commit"):
                member.commit(offsets)
            return
        self._producer.begin_transaction()
        self._send(publication)
        with self._watchdog.watching("send_offsets_to_transaction"):
            self._producer.send_offsets_to_transaction(offsets, metadata)
        with self._watchdog.watching("commit_transaction"):
            self._producer.commit_transaction()

    def _send(self, publication: Publication) -> None:
        """Send, and wait until the broker has every single one: a commit does not tell of one that was refused."""
        with self._watchdog.watching("send"):
            pending = [self._sent(self._kafka.forecasts, one) for one in publication.forecasts]
            pending += [self._sent(self._kafka.dead_letters, cut(one, self._limit)) for one in publication.dead_letters]
            self._producer.flush(self._deadline)
        for one in pending:
            if one.exception is not None:
                raise one.exception

    def _sent(self, topic: str, outgoing: Outgoing) -> Pending:
        return self._producer.send(topic, outgoing.value, outgoing.key, list(outgoing.headers))

    def abort(self, error: KafkaError) -> None:
        """Give up the transaction that `error` came from; a producer that is beyond that is replaced.

        A dead letter must not stop the stream: where a topic refuses its size, the next attempt sends less of it.
        """
        if isinstance(error, MessageSizeTooLargeError):
            self._shrink()
        if not self._exactly_once:
            return
        try:
            with self._watchdog.watching("abort_transaction"):
                self._producer.abort_transaction()
        except KafkaError as fatal:
            logger.warning("a new producer is needed: %s", fatal)
            self.close()
            self._connect()

    def _shrink(self) -> None:
        self._limit = max(self._limit // 2, SMALLEST)
        logger.error(
            "a record is too large for topic `%s` or `%s`: raise their max.message.bytes, or lower model.horizon or"
            " the number of model.quantiles; dead letters are cut to %d bytes from now on",
            self._kafka.forecasts,
            self._kafka.dead_letters,
            self._limit,
        )

    def _connect(self) -> None:
        self._producer = self._clients.producer()
        if self._exactly_once:
            with self._watchdog.watching("init_transactions"):
                self._producer.init_transactions()

    def close(self) -> None:
        """Let go of the producer; what it had not committed is lost, as it should be."""
        self._producer.close(timeout=0)
