"""Dead letters are told by reason, and what they were made of is sent again once, as it came."""

import json
from collections.abc import Iterable

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from pipeline.cli import main
from pipeline.cluster import ClusterError, TransactionalWriter, Writer, create_topics, read_topic
from pipeline.dead_letter_topic import RECEIPT, Letter, box_of, original, receipt
from pipeline.dead_letters import Reject, cut, dead_letter
from pipeline.embedded import EmbeddedBroker
from pipeline.messages import Outgoing, Record
from pipeline.resending import read_box, resend
from pipeline.settings import Kafka, Settings

BAD = Record("events", 1, 7, 1_700_000_000_000, b"k", b"not json", (("trace", b"abc"),))


def lying(outgoing: Iterable[Outgoing]) -> list[Record]:
    """As they lie in the dead-letter topic."""
    return [Record("dead", 0, n, 5, one.key, one.value, one.headers) for n, one in enumerate(outgoing)]


def letters_of(*records: tuple[Record, str]) -> list[Outgoing]:
    return [dead_letter(record, Reject(reason, f"found {reason}")) for record, reason in records]


headers = st.lists(st.tuples(st.text(max_size=9), st.binary(max_size=9)), max_size=3).map(tuple)
names = st.text(min_size=1)
records = st.builds(
    Record, names, st.integers(0, 9), st.integers(0), st.integers(-1, 2**62), st.binary(), st.binary(), headers
)


@given(records)
def test_the_original_is_what_came(record: Record) -> None:
    box = box_of(lying(letters_of((record, "not_json"))))
    (letter,) = box.to_replay(None)
    assert original(letter) == Outgoing(
        record.key, record.value, tuple((name, told or b"") for name, told in record.headers)
    )
    assert letter.timestamp == (None if record.timestamp < 0 else record.timestamp)


def test_a_letter_of_a_letter_gives_the_letter_back() -> None:
    first = letters_of((BAD, "not_json"))[0]
    again = Record("dead", 0, 3, 9, first.key, first.value, first.headers)
    (letter,) = box_of(lying(letters_of((again, "not_json")))).to_replay(None)
    assert original(letter) == first
    assert letter.source == ("dead", 0, 3)


def test_a_record_with_several_letters_is_sent_once_and_by_whichever_reason() -> None:
    letters = letters_of((BAD, "bad_value"), (BAD, "missing_value"))
    box = box_of(lying(letters))
    assert len(box.to_replay(None)) == 1
    (chosen,) = box.to_replay("missing_value")
    after = box_of(lying([*letters, receipt([chosen])]))
    assert after.to_replay("bad_value") == after.to_replay(None) == []
    assert [pile.replayed for pile in after.piles(None, 1)] == [1, 1]


def test_a_letter_that_was_cut_is_counted_and_not_sent() -> None:
    letter = cut(dead_letter(structs.replace(BAD, value=b"x" * 5000), Reject("not_json", "")), 2000)
    box = box_of(lying([letter]))
    assert (box.to_replay(None), box.cut(None), box.cut("empty")) == ([], 1, 0)


@pytest.mark.parametrize(
    "stranger",
    [
        Record("dead", 0, 0, 1, b"k", b"v", ()),
        Record("dead", 0, 0, 1, b"k", b"v", (("lstm_stream.reason", b"not_json"),)),
        Record("dead", 0, 0, 1, b"k", b"v", (("lstm_stream.reason", b"x"), ("lstm_stream.offset", b"y"))),
        Record("dead", 0, 0, 1, None, None, ((RECEIPT, None),)),
        Record("dead", 0, 0, 1, None, b"[1]", ((RECEIPT, b"1"),)),
    ],
)
def test_what_is_no_letter_of_ours_hurts_nobody(stranger: Record) -> None:
    box = box_of([stranger])
    assert (box.letters, box.replayed, box.piles(None, 3)) == ((), frozenset(), [])


def settings_at(servers: str, name: str) -> Settings:
    kafka = Kafka(
        bootstrap_servers=servers,
        group=name,
        input=f"{name}-in",
        forecasts=f"{name}-out",
        dead_letters=f"{name}-dead",
        partitions=3,
    )
    settings = Settings(kafka=kafka)
    create_topics(settings)
    return settings


def invoke(settings: Settings, *options: str) -> Result:
    kafka = settings.kafka
    chosen = [f"{key}={getattr(kafka, key)}" for key in ("bootstrap_servers", "group", "input", "dead_letters")]
    sets = [part for one in chosen for part in ("--set", f"kafka.{one}")]
    return CliRunner().invoke(main, ["dead-letters", *sets, *options])


def fill(settings: Settings) -> None:
    """Seven letters of six records."""
    topic = settings.kafka.inputs[0]
    bad = [structs.replace(BAD, topic=topic, partition=n % 3, offset=n) for n in range(6)]
    reasons = [(one, "bad_timestamp" if n < 4 else "not_json") for n, one in enumerate(bad)]
    with Writer(settings, settings.kafka.dead_letters) as writer:
        for letter in letters_of(*reasons, (bad[0], "bad_value")):
            writer.write(letter)


def test_a_replay_sends_each_record_once_as_it_came(tansu: EmbeddedBroker) -> None:
    settings = settings_at(tansu.bootstrap_servers, "box")
    fill(settings)
    listed = invoke(settings, "--json")
    assert listed.exit_code == 0, listed.output
    told = json.loads(listed.stdout)
    assert (told["letters"], told["replayable"], told["sent_again"]) == (7, 6, None)
    assert [(pile["reason"], pile["letters"]) for pile in told["reasons"]] == [
        ("bad_timestamp", 4),
        ("not_json", 2),
        ("bad_value", 1),
    ]
    shown = invoke(settings, "--examples", "1").stdout
    assert "box-dead: 7 dead letters" in shown
    assert "      4  bad_timestamp: the timestamp is neither a date" in shown
    assert "box-in/0 offset 3: found bad_timestamp" in shown
    assert "6 records can be sent again with --replay" in shown
    unasked = invoke(settings, "--replay")
    assert unasked.exit_code == 1
    assert "--yes" in unasked.stderr
    first = invoke(settings, "--replay", "--yes", "--reason", "bad_timestamp")
    assert "4 records were sent to their input topics again" in first.stdout
    rest = invoke(settings, "--replay", "--yes", "--json")
    assert json.loads(rest.stdout)["sent_again"] == 2
    again = invoke(settings, "--replay", "--yes")
    assert "0 records were sent" in again.stdout
    sent = list(read_topic(settings, settings.kafka.inputs[0]))
    assert sorted(one.partition for one in sent) == [0, 0, 1, 1, 2, 2]
    assert {(one.key, one.value, one.headers, one.timestamp) for one in sent} == {
        (BAD.key, BAD.value, BAD.headers, BAD.timestamp)
    }


def test_two_replays_at_once_send_each_record_once(tansu: EmbeddedBroker) -> None:
    settings = settings_at(tansu.bootstrap_servers, "box-two")
    fill(settings)
    with TransactionalWriter(settings, f"{settings.kafka.group}-dead-letters") as slow:
        letters: list[Letter] = read_box(settings).to_replay(None)
        assert resend(settings, None, lambda _: None) == len(letters) == 6
        with pytest.raises(Exception, match=r"(?i)fenced|epoch|transaction"), slow.transaction():
            slow.write(settings.kafka.inputs[0], original(letters[0]))
    assert len(list(read_topic(settings, settings.kafka.inputs[0]))) == 6


def test_without_its_topic_the_command_says_what_to_do(tansu: EmbeddedBroker) -> None:
    kafka = Kafka(bootstrap_servers=tansu.bootstrap_servers, dead_letters="no-such-box")
    with pytest.raises(ClusterError, match=r"`no-such-box` is missing; correct kafka.dead_letters"):
        read_box(Settings(kafka=kafka))


def test_a_reason_that_is_none_is_bad_usage() -> None:
    result = CliRunner().invoke(main, ["dead-letters", "--reason", "bad_luck"])
    assert result.exit_code == 2
    assert "known are empty, not_utf8" in result.output
