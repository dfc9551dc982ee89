"""Brings what a cycle made to the broker, together with how far the input is done."""

import logging
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from pipeline.cluster import (
    Clients,
    ClusterError,
    ConsumerGroupMetadata,
    KafkaError,
    MessageSizeTooLargeError,
    OffsetAndMetadata,
    Pending,
    Producer,
    TopicPartition,
)
from pipeline.cluster.admin import Limits
from pipeline.dead_letters import cut
from pipeline.instruments import Instruments
from pipeline.messages import Outgoing
from pipeline.settings import Settings
from pipeline.transactions import Transactions

logger = logging.getLogger(__name__)

QUIET = 1.0
"""Seconds after a transaction began until its markers are looked for where no other follows; before one that does they
always are (see `pipeline.transactions`)."""
NEVER = -math.inf
SMALLEST = 1000  # bytes of a dead letter that are always tried


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
    instruments
        What it measures by.
    """

    def __init__(self, clients: Clients, settings: Settings, instruments: Instruments) -> None:
        self._clients, self._kafka = clients, settings.kafka
        _, self._watchdog, self._clock = instruments
        self._transactions = Transactions(clients, settings, instruments)
        self._deadline = settings.delivery.deadline
        self._exactly_once = settings.delivery.mode == "exactly_once"
        self._due: frozenset[TopicPartition] | None = None  # where the last commit's markers are not seen yet
        self._begun_at = NEVER  # when that transaction began
        self._is_begun = False  # whether the producer has begun one that is not committed
        self._told = ""
        self._limits = Limits({})
        self._letter = self._limits.letter(self._kafka.dead_letters)  # bytes of a dead letter
        self._producer: Producer
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
        self._settle()
        started = self._clock.now()
        self._producer.begin_transaction()
        self._is_begun = True
        written = self._send(publication)
        with self._watchdog.watching("send_offsets_to_transaction"):
            self._producer.send_offsets_to_transaction(offsets, metadata)
        with self._watchdog.watching("commit_transaction"):
            self._producer.commit_transaction()
        self._is_begun = False
        self._due, self._begun_at = written, started

    def _send(self, publication: Publication) -> frozenset[TopicPartition]:
        """Send, and wait until the broker has every single one: a commit does not tell of one that was refused.

        Returns
        -------
        frozenset of TopicPartition
            Where they are.
        """
        letters = [cut(one, self._letter) for one in publication.dead_letters]
        sending = [(self._kafka.forecasts, publication.forecasts), (self._kafka.dead_letters, letters)]
        with self._watchdog.watching("send"):
            pending = [(topic, records, self._producer.send_all(topic, records)) for topic, records in sending]
            self._producer.flush(self._deadline)
        for topic, records, sent in pending:
            self._check(topic, records, sent)
        return frozenset(one.value.topic_partition for _, _, sent in pending for one in sent)

    def _check(self, topic: str, records: Sequence[Outgoing], sent: Sequence[Pending]) -> None:
        for outgoing, one in zip(records, sent, strict=True):
            if one.exception is not None:
                if isinstance(one.exception, MessageSizeTooLargeError):
                    self._tell_too_large(topic, outgoing)
                raise one.exception

    def abort(self, error: KafkaError) -> None:
        """Give up the transaction that `error` came from, and its producer, too.

        The client keeps the offsets of a transaction that the group's coordinator refused, and sends them along with
        the next one's (kafka-python 3.0.12): records that nobody forecast would be done. A new producer has none. It
        also learns what topics take, which may be more or less than they did. A dead letter must not stop the stream:
        where a topic does not tell its limit and refuses one, the next attempt sends less of it.
        """
        if isinstance(error, MessageSizeTooLargeError) and self._kafka.dead_letters not in self._limits.bytes:
            self._letter = max(self._letter // 2, SMALLEST)
        if not self._exactly_once:
            self._ask_limits()
            return
        if self._is_begun:
            self._abort()
        self._reconnect()

    def _abort(self) -> None:
        try:
            with self._watchdog.watching("abort_transaction"):
                self._producer.abort_transaction()
        except KafkaError as fatal:
            logger.info("the next producer has to end the transaction: %s", fatal)

    def _ask_limits(self) -> None:
        if self._transactions.limits() != self._limits:
            self._reconnect()

    def _settle(self) -> None:
        """Before a transaction begins: the one before it is committed everywhere.

        What did hang was ended under the producer's epoch; a new epoch lets no such marker reach what comes now.
        """
        if self._due is None:
            return
        if self._transactions.confirm(self._due):
            self._reconnect()
        self._due = None

    def look_around(self) -> None:
        """Between two cycles: what a broker's death left hanging of ours, or of the dead, holds readers back.

        Ours is asked for once it has been quiet after a commit; the others' now and then.
        """
        if not self._exactly_once:
            return
        if self._clock.now() - self._begun_at >= QUIET:
            self._settle()
        self._transactions.sweep()

    def look_soon(self) -> None:
        """Somebody's open transaction is about to move an offset that we wait for: look whether it hangs."""
        self._transactions.sweep_soon()

    def _tell_too_large(self, topic: str, outgoing: Outgoing) -> None:
        """Say which record a topic refuses, and what mends it; once for a topic and limit."""
        limit = self._limits.bytes.get(topic)
        takes = "refuses it" if limit is None else f"takes {limit} bytes (max.message.bytes)"
        said = f"topic `{topic}` {takes}"
        if said == self._told:
            return
        self._told = said
        key = (outgoing.key or b"").decode(errors="replace")
        mend = "" if topic == self._kafka.dead_letters else ", or lower model.horizon or the number of model.quantiles"
        logger.error(
            "a record of %d bytes of series `%s` is too large: %s; raise max.message.bytes of the topic%s"
            " (nothing is lost: it is tried again)",
            len(outgoing.key or b"") + len(outgoing.value or b""),
            key,
            said,
            mend,
        )

    def _reconnect(self) -> None:
        self._producer.close(timeout=0)
        self._connect()

    def _connect(self) -> None:
        """A new producer: it ends what one of its name left open, and before and after that nothing may hang.

        Before, as how the last transaction ended is known no more once a new producer is there.
        """
        if self._exactly_once:
            self._transactions.settle()
        limits = self._transactions.limits()
        if limits != self._limits:
            self._limits, self._letter = limits, max(limits.letter(self._kafka.dead_letters), SMALLEST)
        self._producer = self._clients.producer(self._limits)
        if not self._exactly_once:
            return
        try:
            with self._watchdog.watching("init_transactions"):
                self._producer.init_transactions()
            self._transactions.settle()
        except (KafkaError, ClusterError):
            self.close()
            raise
        self._due, self._is_begun = None, False

    def close(self) -> None:
        """Let go of the producer; what it had not committed is lost, as it should be."""
        self._producer.close(timeout=0)
        self._transactions.close()
