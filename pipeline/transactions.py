"""Makes sure that no partition takes a transaction to be open which its coordinator has ended.

A broker that dies can, once it is up again, end a transaction in its coordinator's log and never write the markers into
the partitions. The next commit of the same producer id then shows the records of that transaction, too; and until then
they hold back every reader. So the partitions themselves are asked (KIP-664), and what hangs is ended there, in the way
that the coordinator decided.

A transaction hangs if its partition takes it to be open *after* its coordinator was seen to have ended it: a
coordinator says so only once it believes that all markers are written.

No transaction of ours begins before the markers of the one before it are seen where it wrote (`confirm`). Partitions do
not tell two transactions of one producer apart: an abort of the second would take committed records of the first along.
"""

import logging
from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

from pipeline.cluster import (
    AuthorizationError,
    Clients,
    ClusterError,
    KafkaError,
    KafkaTimeoutError,
    RetriableError,
    TopicPartition,
    place,
)
from pipeline.cluster.admin import Admin, Coordinated, Limits, Open
from pipeline.hanging import how_to_end, how_to_see, is_over, longest_open, name_of, was_committed
from pipeline.instruments import Instruments
from pipeline.settings import Settings

logger = logging.getLogger(__name__)

OFFSETS = "__consumer_offsets"
PAUSE = 0.1  # seconds between two questions of one kind
SOON = 0.005  # the first such pause where markers are on their way; they take some milliseconds
SWEEP = 300.0  # seconds between two looks at what dead producers left

T = TypeVar("T")


class Transactions:
    """What is open on the output topics, and in the group's offsets.

    Parameters
    ----------
    clients
        Where the admin client comes from, and the transactional id.
    settings
        The topics and the group.
    instruments
        What it measures by.
    """

    def __init__(self, clients: Clients, settings: Settings, instruments: Instruments) -> None:
        self._clients, self._kafka = clients, settings.kafka
        self._metrics, self._watchdog, self._clock = instruments
        self._patience = settings.delivery.deadline / 4
        self._admin: Admin | None = None
        self._seen: dict[Open, float] = {}  # since when
        self._told: set[str] = set()
        self._ids: set[int] = set()  # the producer ids that ours has stood for
        self._offsets: TopicPartition | None = None  # of our group, once it is known
        self._is_blind = False  # the brokers have no such question
        self._next_sweep = self._clock.now()

    def settle(self) -> bool:
        """End what hangs of our own transactional id, which has no transaction open now; whether there was any.

        Raises
        ------
        ClusterError
            Something hangs, and we may not end it.
        KafkaError
            The brokers do not answer.
        """
        try:
            return self._settle()
        except (KafkaError, ClusterError):
            self.close()
            raise

    def confirm(self, written: Collection[TopicPartition]) -> bool:
        """See that the markers of our last transaction are in these partitions and in the group's offsets.

        One question while all is well. What hangs is ended as by `settle`; whether there was any.
        """
        try:
            if self._is_blind or not self._ids & {one.producer_id for one in self._open(self._with_offsets(written))}:
                return False
        except KafkaError:
            self.close()
            raise
        return self.settle()

    def _with_offsets(self, written: Collection[TopicPartition]) -> set[TopicPartition]:
        if self._offsets is None:
            self._written()
        return {*written} if self._offsets is None else {*written, self._offsets}

    def _settle(self) -> bool:
        own = self._ended()
        if own is None or own.is_open:
            return False
        hanging = self._hanging()
        if hanging:
            self._end(dict.fromkeys(hanging, own))
            self._wait_until_gone()
        return bool(hanging)

    def _ended(self) -> Coordinated | None:
        """What the coordinator says of our id, once it has done what it had decided; None if it does not know us."""
        name = self._clients.transactional_id
        until, pause = self._clock.now() + self._patience, SOON
        while self._clock.now() < until:
            own = self._ask("describe_transactions", lambda admin: admin.coordinated(name))
            self._ids |= set() if own is None else {own.producer_id}
            if own is None or not own.is_ending:
                return own
            self._clock.pause(pause)
            pause = min(2 * pause, PAUSE)
        raise KafkaTimeoutError(f"the broker does not finish the transaction of {name}")

    def _hanging(self) -> list[Open]:
        return [one for one in self._open(self._written()) if one.producer_id in self._ids]

    def _end(self, hanging: Mapping[Open, Coordinated | None]) -> None:
        """Write the markers that are missing."""
        refused = [one for one, known in hanging.items() if not self._may_end(one, known)]
        if refused:
            raise ClusterError(how_to_end(self._kafka.bootstrap_servers, {one: hanging[one] for one in refused}))

    def _may_end(self, hanging: Open, known: Coordinated | None) -> bool:
        """Write one marker; whether we may."""
        commit = was_committed(hanging, known)
        try:
            self._ask("abort_transaction of a partition", lambda admin: admin.end(hanging, commit))
        except AuthorizationError:
            return False
        self._metrics.broker_errors.labels("hanging_transaction").inc()
        logger.warning(
            "%s: the broker ended a transaction of producer %d (%s) and left it open from offset %d on; it has been %s",
            place(hanging.partition),
            hanging.producer_id,
            name_of(known),
            hanging.start,
            "committed" if commit else "aborted",
        )
        return True

    def _wait_until_gone(self) -> None:
        until = self._clock.now() + self._patience
        while self._clock.now() < until:
            left = self._hanging()
            if not left:
                return
            self._clock.pause(PAUSE)
        raise KafkaTimeoutError(f"{left[0]} still hangs, though it was ended")

    def limits(self) -> Limits:
        """What the output topics take."""
        topics = sorted({self._kafka.forecasts, self._kafka.dead_letters})
        return self._ask("describe_configs", lambda admin: admin.limits(topics))

    def sweep(self) -> None:
        """Now and then: end what dead producers left hanging. It is said and counted, and stops nothing.

        Sooner where something is open: it may be left hanging when its coordinator ends it.
        """
        if self._clock.now() < self._next_sweep:
            return
        self._next_sweep = self._clock.now() + SWEEP
        try:
            self._sweep()
        except ClusterError as error:
            self._tell(str(error), "hanging_transaction")
        except KafkaError as error:
            logger.info("a look for hanging transactions failed, and is taken again later: %s", error)
            self.close()

    def sweep_soon(self) -> None:
        """Do so at the next opportunity: something holds readers back."""
        self._next_sweep = self._clock.now()

    def _sweep(self) -> None:
        now = self._clock.now()
        self._seen = {one: self._seen.get(one, now) for one in self._open(self._written())}
        ids = {one.producer_id for one in self._seen}
        known = self._ask("list_transactions", lambda admin: admin.coordinated_ids(ids)) if ids else {}
        over = {one: known.get(one.producer_id) for one in self._seen if is_over(known.get(one.producer_id))}
        still = set(self._open({one.partition for one in over})) if over else set()
        due = {one: self._seen[one] + longest_open(over[one]) for one in sorted(still & over.keys())}
        again = [now + self._kafka.transaction_timeout] if len(over) < len(self._seen) else []
        self._next_sweep = min([self._next_sweep, *again, *(time for time in due.values() if time > now)])
        self._end({one: over[one] for one, time in due.items() if time <= now})

    def _open(self, among: Collection[TopicPartition]) -> list[Open]:
        """What partitions take to be open; of topics that we may not read, nothing."""
        try:
            found = self._ask("describe_producers", lambda admin: admin.open(among))
        except AuthorizationError:
            return [one for topic in sorted({one.topic for one in among}) for one in self._open_of(topic, among)]
        self._is_blind = found is None
        return found or []

    def _open_of(self, topic: str, among: Collection[TopicPartition]) -> list[Open]:
        partitions = [one for one in among if one.topic == topic]
        try:
            return self._ask("describe_producers", lambda admin: admin.open(partitions)) or []
        except AuthorizationError:
            self._tell(how_to_see(self._kafka.bootstrap_servers, topic), "no_right_to_read")
            return []

    def _written(self) -> list[TopicPartition]:
        """The partitions of the output topics, and the one of our group's offsets."""
        topics = {self._kafka.forecasts, self._kafka.dead_letters}
        found = self._ask("describe_topics", lambda admin: admin.partitions([*sorted(topics), OFFSETS]))
        kept = sum(one.topic == OFFSETS for one in found)
        self._offsets = TopicPartition(OFFSETS, java_hash(self._kafka.group) % kept) if kept else None
        return [one for one in found if one.topic in topics or one == self._offsets]

    def _ask(self, name: str, question: Callable[[Admin], T]) -> T:
        """A broker that is just up again does not answer all at once: it is asked again for a while."""
        until = self._clock.now() + self._patience
        while True:
            try:
                with self._watchdog.watching(name):
                    if self._admin is None:
                        self._admin = self._clients.admin()
                    return question(self._admin)
            except RetriableError:
                if self._clock.now() >= until:
                    raise
            self._clock.pause(PAUSE)

    def _tell(self, message: str, kind: str) -> None:
        """Say it once."""
        if message not in self._told:
            self._told.add(message)
            self._metrics.broker_errors.labels(kind).inc()
            logger.error("%s", message)

    def close(self) -> None:
        """Let go of the admin client; the next question makes another."""
        admin, self._admin = self._admin, None
        if admin is not None:
            admin.close()


def java_hash(text: str) -> int:
    """`String.hashCode` of Java without its sign: the broker finds a group's partition of offsets by it."""
    found = 0
    encoded = text.encode("utf-16-be")
    for high, low in zip(encoded[::2], encoded[1::2], strict=True):
        found = (31 * found + (high << 8) + low) & 0xFFFFFFFF
    return found & 0x7FFFFFFF
