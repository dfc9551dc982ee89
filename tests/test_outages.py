"""What the brokers refuse or cannot do now is one line with the fix, said once and tried again."""

import pytest
from kafka.errors import (
    CoordinatorNotAvailableError,
    FencedInstanceIdError,
    GroupAuthorizationFailedError,
    InconsistentGroupProtocolError,
    InvalidProducerEpochError,
    InvalidSessionTimeoutError,
    KafkaError,
    KafkaTimeoutError,
    LeaderNotAvailableError,
    NotEnoughReplicasError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from pipeline.cluster import ClusterError
from tests.computer import Computer, undisturbed
from tests.fakes import FakeProcess


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (InconsistentGroupProtocolError(), "group `lstm-stream` is used by members of another protocol"),
        (GroupAuthorizationFailedError("lstm-stream"), "--operation Read --group lstm-stream"),
        (TopicAuthorizationFailedError({"events"}), "--operation Read --topic events"),
        (InvalidSessionTimeoutError(), "group.max.session.timeout.ms"),
        (CoordinatorNotAvailableError(), "a coordinator is not there"),
    ],
)
def test_what_the_brokers_refuse_a_member_is_one_line_with_the_fix(
    error: KafkaError, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    computer = Computer()
    refusals = 0

    def refuse(_: int, name: str, done: bool) -> None:
        nonlocal refusals
        if name == "poll" and not done and refusals < 4:
            refusals += 1
            raise error

    computer.run("one", refuse)
    assert caplog.text.count(said) == 1
    assert computer.counted("broker_errors_total", error=type(error).__name__) == 4
    assert computer.told() == undisturbed()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NotEnoughReplicasError(), "min.insync.replicas"),
        (TransactionalIdAuthorizationFailedError(), "--operation Write --transactional-id lstm-stream-"),
        (UnknownTopicOrPartitionError(), "run `lstm-stream topics`"),
        (LeaderNotAvailableError(), "a partition has no leader"),
        (InvalidProducerEpochError(), "where a quota slows us, raise it (producer_byte_rate"),
        (TopicAuthorizationFailedError({"dead-letters"}), "--operation Write --topic dead-letters"),
        (
            KafkaError("Cannot perform send because", TopicAuthorizationFailedError({"forecasts"})),
            "--operation Write --topic forecasts",
        ),
        (
            KafkaError("Unexpected error in TxnOffsetCommitResponse: [Error 29] TopicAuthorizationFailedError"),
            "--operation Read --topic events",
        ),
    ],
)
def test_what_the_brokers_refuse_to_take_is_one_line_with_the_fix(
    error: KafkaError, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    computer = Computer()
    computer.broker.committed = dict.fromkeys(computer.broker.input, 0)
    process = FakeProcess(computer.broker)
    worker = computer.worker(process)
    refusals = 0

    def refuse(_: int, name: str, done: bool) -> None:
        nonlocal refusals
        assert refusals == 0 or refusals == 5 or not worker.ready()
        if name == "flush" and not done and refusals < 5:
            refusals += 1
            raise error

    process.interrupt = refuse
    assert worker.run(drain=True) == 0
    assert caplog.text.count(said) == 1
    assert computer.counted("broker_errors_total", error=type(error).__name__) == 5
    assert computer.told() == undisturbed()


def test_transactions_that_take_too_long_are_tried_again_with_fewer_records(caplog: pytest.LogCaptureFixture) -> None:
    """As under a producer's quota, where the same again would end the same way for ever."""
    computer = Computer()
    process = FakeProcess(computer.broker)
    sent = tries = largest = 0

    def limit(_: int, name: str, done: bool) -> None:
        nonlocal sent, tries, largest
        if name == "begin_transaction" and done:
            sent, tries = 0, tries + 1
        elif name == "send" and done:
            sent += 1
        elif name == "commit_transaction" and not done:
            assert tries < 200
            if sent > 3:
                raise InvalidProducerEpochError
            largest = max(largest, sent)

    process.interrupt = limit
    assert computer.worker(process).run(drain=True) == 0
    assert computer.told() == undisturbed()
    assert largest == 3
    assert caplog.text.count("the broker ended our transaction") > 0


def test_an_input_topic_that_is_compacted_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    computer = Computer()
    computer.broker.compacted = {"events", "forecasts"}
    failures = 0

    def fail(_: int, name: str, done: bool) -> None:
        nonlocal failures
        if name == "poll" and not done and failures < 3:
            failures += 1
            raise CoordinatorNotAvailableError

    computer.run("one", fail)
    assert caplog.text.count("is compacted (cleanup.policy)") == 1
    assert "topic `events` is compacted" in caplog.text
    assert "set cleanup.policy = delete" in caplog.text
    assert computer.told() == undisturbed()


def test_a_partition_that_cannot_be_opened_for_long_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    computer = Computer()
    refusals = 0

    def refuse(_: int, name: str, done: bool) -> None:
        nonlocal refusals
        if name == "committed" and not done and refusals < 100:
            refusals += 1
            raise KafkaTimeoutError

    computer.run("one", refuse)
    assert caplog.text.count("events/0 cannot be opened, and is tried again: a broker at localhost:9092 did not") == 1
    assert computer.counted("broker_errors_total", error="KafkaTimeoutError") == 2
    assert computer.told() == undisturbed()


def test_a_topic_that_is_deleted_while_all_is_quiet_is_said_once_and_waited_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    computer = Computer()
    process = FakeProcess(computer.broker)
    worker = computer.worker(process)
    missing = 0

    def be_gone(_: int, name: str, done: bool) -> None:
        nonlocal missing
        if name == "describe" and not done and computer.counted("partitions_assigned") and not missing:
            missing = 1
        if name == "describe" and not done and 0 < missing < 5:
            missing += 1
            raise ClusterError("topic `events` is missing; run `lstm-stream topics`")
        if missing == 5 and worker.ready():
            worker.stop()

    process.interrupt = be_gone
    assert worker.run() == 0
    assert caplog.text.count("topic `events` is missing; run `lstm-stream topics` (trying again)") == 1


def test_what_may_heal_is_said_once_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    computer = Computer()
    process = FakeProcess(computer.broker)
    worker = computer.worker(process)
    seen: list[bool] = []

    def unreachable(number: int, name: str, done: bool) -> None:
        if name == "describe" and not done and number <= 6:
            seen.append(worker.ready())
            raise ClusterError("no broker; start it")

    process.interrupt = unreachable
    before = computer.broker.clock.now()
    assert worker.run(drain=True) == 0
    assert seen == [False] * 6
    assert caplog.text.count("no broker; start it") == 1
    assert computer.broker.clock.now() - before >= 1 + 2 + 4 + 8 + 16 + 30
    assert computer.told() == undisturbed()


def test_an_outage_is_said_again_when_all_was_well_in_between(caplog: pytest.LogCaptureFixture) -> None:
    computer = Computer()
    process = FakeProcess(computer.broker)
    worker = computer.worker(process)
    outages = 0

    def go_away(_: int, name: str, done: bool) -> None:
        nonlocal outages
        if name == "poll" and not done and worker.ready():
            outages += 1
            if outages == 3:
                worker.stop()
            raise KafkaError("the broker went away")

    process.interrupt = go_away
    assert worker.run() == 0
    assert caplog.text.count("the broker went away (trying again)") == 3


def test_a_second_worker_of_the_same_instance_ends_the_first_with_a_reason(caplog: pytest.LogCaptureFixture) -> None:
    computer = Computer()

    def fenced(number: int, name: str, _: bool) -> None:
        if name == "poll" and number > 20:
            raise FencedInstanceIdError

    assert computer.worker(FakeProcess(computer.broker, "one", fenced)).run() == 1
    assert "give each one its own" in caplog.text
