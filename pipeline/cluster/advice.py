"""What to do about an error that the brokers answer with: one line that names the fix."""

from collections.abc import Iterator

from kafka.errors import (
    ClusterAuthorizationFailedError,
    CoordinatorNotAvailableError,
    FencedInstanceIdError,
    GroupAuthorizationFailedError,
    GroupMaxSizeReachedError,
    InconsistentGroupProtocolError,
    InvalidGroupIdError,
    InvalidProducerEpochError,
    InvalidSessionTimeoutError,
    InvalidTransactionTimeoutError,
    KafkaStorageError,
    KafkaTimeoutError,
    LeaderNotAvailableError,
    NotEnoughReplicasAfterAppendError,
    NotEnoughReplicasError,
    NotLeaderForPartitionError,
    ProducerFencedError,
    SaslAuthenticationFailedError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from pipeline.settings import Kafka

REPLICAS = (
    "fewer replicas of an output topic are in sync than its min.insync.replicas: start the brokers that are missing, or"
    " lower it"
)
ENDED = (
    "the broker ended our transaction: it took longer than kafka.transaction_timeout ({transaction:g} s), or another"
    " worker runs under the same kafka.group and kafka.instance; where a quota slows us, raise it (producer_byte_rate,"
    " request_percentage), or lower kafka.max_poll_records"
)
LEADER = "a partition has no leader: start the brokers that hold its replicas"
SAID: tuple[tuple[type[Exception], str], ...] = (
    (FencedInstanceIdError, "another worker runs as kafka.instance {instance!r}; give each one its own"),
    (
        InconsistentGroupProtocolError,
        "group `{group}` is used by members of another protocol (share, streams, or `consumer` of KIP-848) or with"
        " another assignor than kafka.assignor = {assignor!r}: stop them, set the same assignor, or name another"
        " kafka.group",
    ),
    (
        GroupAuthorizationFailedError,
        "we may not use group `{group}`: kafka-acls.sh --bootstrap-server {servers} --add --allow-principal <ours>"
        " --operation Read --group {group}",
    ),
    (
        TransactionalIdAuthorizationFailedError,
        "we may not use transactional ids that begin with `{group}-`: kafka-acls.sh --bootstrap-server {servers} --add"
        " --allow-principal <ours> --operation Write --transactional-id {group}- --resource-pattern-type prefixed",
    ),
    (
        TopicAuthorizationFailedError,
        "we may not use topic `{topic}`: kafka-acls.sh --bootstrap-server {servers} --add --allow-principal <ours>"
        " --operation {operation} --topic {topic}",
    ),
    (
        ClusterAuthorizationFailedError,
        "the cluster does not permit that: kafka-acls.sh --bootstrap-server {servers} --add --allow-principal <ours>"
        " --operation IdempotentWrite --cluster",
    ),
    (SaslAuthenticationFailedError, "the broker refuses user `{user}`; correct kafka.sasl_username and sasl_password"),
    (
        GroupMaxSizeReachedError,
        "group `{group}` is full: raise group.max.size of the brokers, or run fewer workers",
    ),
    (InvalidGroupIdError, "the brokers take no group of the name `{group}`; correct kafka.group"),
    (
        InvalidSessionTimeoutError,
        "the brokers refuse kafka.session_timeout = {session:g} s: it is not between their"
        " group.min.session.timeout.ms and group.max.session.timeout.ms",
    ),
    (
        InvalidTransactionTimeoutError,
        "the brokers refuse kafka.transaction_timeout = {transaction:g} s: it is above their"
        " transaction.max.timeout.ms",
    ),
    (NotEnoughReplicasError, REPLICAS),
    (NotEnoughReplicasAfterAppendError, REPLICAS),
    (
        UnknownTopicOrPartitionError,
        "a topic is gone: one of `{input}`, `{forecasts}` and `{dead_letters}`; run `lstm-stream topics` with these"
        " settings, or name the topics in [kafka]",
    ),
    (LeaderNotAvailableError, LEADER),
    (NotLeaderForPartitionError, LEADER),
    (KafkaStorageError, "a broker cannot write to its disk: look into its log.dirs"),
    (CoordinatorNotAvailableError, "a coordinator is not there: start the brokers that hold `__consumer_offsets`"),
    (ProducerFencedError, ENDED),
    (InvalidProducerEpochError, ENDED),
    (
        KafkaTimeoutError,
        "a broker at {servers} did not answer in time: is one of them down, or a partition without a leader?",
    ),
)


def advice(error: BaseException, kafka: Kafka) -> str:
    """What an error means and what mends it, with the client's own words behind it.

    Parameters
    ----------
    error
        From the client.
    kafka
        The settings that it names.
    """
    own = str(error).splitlines()[0] if str(error) else type(error).__name__
    cause, said = _cause(error)
    if said is None:
        return own
    operation, topic = _missing_right(f"{cause} {own}", kafka)
    told = said.format(
        operation=operation,
        topic=topic,
        instance=kafka.instance,
        group=kafka.group,
        assignor=kafka.assignor,
        servers=kafka.bootstrap_servers,
        input=", ".join(kafka.inputs) or kafka.input,
        forecasts=kafka.forecasts,
        dead_letters=kafka.dead_letters,
        user=kafka.sasl_username,
        session=kafka.session_timeout,
        transaction=kafka.transaction_timeout,
    )
    return f"{told} ({own})"


def _cause(error: BaseException) -> tuple[BaseException, str | None]:
    """What is known among an error and those that it holds; the client puts some into others, or only their names."""
    errors = list(_within(error))
    for one in errors:
        said = next((text for kind, text in SAID if isinstance(one, kind)), None)
        if said is not None:
            return one, said
    whole = " ".join(map(str, errors))
    return error, next((text for kind, text in SAID if kind.__name__ in whole), None)


def _within(error: BaseException) -> Iterator[BaseException]:
    yield error
    for one in (*error.args, error.__cause__):
        if isinstance(one, BaseException):
            yield from _within(one)


def _missing_right(text: str, kafka: Kafka) -> tuple[str, str]:
    """The operation and the topic that we have no right to: a topic that is named, else that of the records read."""
    for name in (kafka.forecasts, kafka.dead_letters):
        if f"'{name}'" in text:
            return "Write", name
    read = [name for name in kafka.inputs if f"'{name}'" in text] or list(kafka.inputs) or [str(kafka.input)]
    return "Read", ", ".join(read)
