"""Several input topics on real brokers: members come, go and are killed, topics come later, and no forecast changes."""

import json
import math
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from msgspec import structs

from pipeline.cluster import Writer, create_topics, read_topic
from pipeline.embedded import EmbeddedBroker
from pipeline.messages import Outgoing, decode_forecast
from pipeline.settings import Checkpoints as Keeping
from pipeline.settings import Settings
from tests.members import MINUTE, START, Member, count, settings_for, shares
from tests.servers import ApacheKafka, wait_until

PARTITIONS = 2
Told = dict[tuple[str, str, int, bytes | None], list[bytes | None]]


def reading(settings: Settings, given_as: str | Sequence[str], start: str = "earliest") -> Settings:
    """The same settings with these input topics."""
    kafka = structs.replace(
        settings.kafka, input=given_as if isinstance(given_as, str) else tuple(given_as), partitions=PARTITIONS
    )
    return structs.replace(settings, kafka=kafka, delivery=structs.replace(settings.delivery, start=start))


def named(settings: Settings, *names: str) -> list[str]:
    return [f"{settings.kafka.group}.{name}" for name in names]


def write(settings: Settings, topic: str, steps: range) -> None:
    """One event of each of four series at each step, one of which is in every topic, and a bad record."""
    with Writer(settings, topic) as writer:
        for step in steps:
            for number, series in enumerate(["shared", *(f"{topic}-{n}" for n in range(3))]):
                value = math.sin(step / (3 + number)) + number + len(topic)
                event = {"timestamp": START + step * MINUTE, "value": round(value, 6)}
                writer.write(Outgoing(series.encode(), json.dumps(event).encode()))
            writer.write(Outgoing(b"bad", b"not json %d" % step))


def told(settings: Settings) -> Told:
    """The committed forecasts and dead letters, by the topic and partition that they say they come from, and by key."""
    found: Told = {}
    for record in read_topic(settings, settings.kafka.forecasts):
        source = decode_forecast(record.value or b"").source
        found.setdefault(("forecast", source.topic, source.partition, record.key), []).append(record.value)
    for record in read_topic(settings, settings.kafka.dead_letters):
        headers = {name: (content or b"").decode() for name, content in record.headers}
        place = headers["lstm_stream.topic"], int(headers["lstm_stream.partition"])
        found.setdefault(("dead", *place, record.key), []).append(record.value)
    return found


def undisturbed(settings: Settings, topics: Sequence[str] | str, folder: Path) -> Told:
    """What one process says that is left alone; it reads topics or a pattern."""
    name = f"{settings.kafka.group}-undisturbed"
    kafka = structs.replace(settings.kafka, group=name, forecasts=f"{name}-forecasts", dead_letters=f"{name}-dead")
    alone = structs.replace(settings, kafka=kafka, checkpoints=Keeping(url=str(folder / "undisturbed")))
    alone = reading(alone, topics)
    create_topics(alone)
    with Member(alone, folder, "undisturbed", "--drain") as member:
        assert member.wait() == 0
    return told(alone)


@pytest.fixture(params=[("tansu", "range"), ("apache_kafka", "range"), ("apache_kafka", "cooperative-sticky")])
def shared_out(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[EmbeddedBroker | ApacheKafka, Settings]:
    """A broker, and settings with an assignor that it can do."""
    kind, assignor = request.param
    broker: EmbeddedBroker | ApacheKafka = request.getfixturevalue(kind)
    settings = settings_for(broker, f"several-{kind.replace('_', '-')}-{assignor}", tmp_path)
    return broker, structs.replace(settings, kafka=structs.replace(settings.kafka, assignor=assignor))


def test_members_that_share_several_topics_come_go_and_die_and_change_no_forecast(
    shared_out: tuple[EmbeddedBroker | ApacheKafka, Settings], tmp_path: Path
) -> None:
    """On Tansu none is killed: it never aborts what a killed worker left open."""
    broker, settings = shared_out
    topics = named(settings, "loads", "prices")
    settings = reading(settings, topics)
    create_topics(settings)

    def write_all(steps: range) -> None:
        for topic in topics:
            write(settings, topic, steps)

    write_all(range(12))
    with ExitStack() as stack:
        one = stack.enter_context(Member(settings, tmp_path, "one"))
        wait_until(one.holds(4), "one to hold all")
        two = stack.enter_context(Member(settings, tmp_path, "two"))
        wait_until(shares(one, two, number=4), "two to take its share")
        write_all(range(12, 24))
        if isinstance(broker, ApacheKafka):
            two.kill()
        else:
            assert two.end() == 0
        write_all(range(24, 32))
        wait_until(one.holds(4), "one to hold all again")
        assert one.end() == 0
        write_all(range(32, 36))
        with Member(settings, tmp_path, "one-again", "--drain") as again:
            assert again.wait() == 0
    assert count(settings) == 36 * 5 * 2
    assert told(settings) == undisturbed(settings, topics, tmp_path)
    log = (tmp_path / "one-again.log").read_text()
    assert all(f"{topic}/{n}: checkpoint at" in log for topic in topics for n in range(PARTITIONS))


@pytest.fixture(params=["tansu", "apache_kafka"])
def broker(request: pytest.FixtureRequest) -> EmbeddedBroker | ApacheKafka:
    found: EmbeddedBroker | ApacheKafka = request.getfixturevalue(request.param)
    return found


def test_topics_that_come_later_under_a_pattern_are_read_from_their_first_record(
    broker: EmbeddedBroker | ApacheKafka, tmp_path: Path
) -> None:
    """Nothing matches at first: that is waited for. The group starts at the end of what is there then, nothing.

    Two members see it on Apache Kafka; on Tansu a join takes half a session, and one is enough.
    """
    settings = settings_for(broker, f"later-{type(broker).__name__.lower()}", tmp_path)
    settings = structs.replace(settings, kafka=structs.replace(settings.kafka, session_timeout=10.0))
    first, second = named(settings, "s1", "s2")
    pattern = rf"^{settings.kafka.group}\.s\d|{settings.kafka.forecasts}"
    by_pattern = reading(settings, pattern, start="latest")
    with ExitStack() as stack:
        one = stack.enter_context(Member(by_pattern, tmp_path, "one"))
        log = tmp_path / "one.log"
        wait_until(lambda: "waiting for one, or correct the pattern" in log.read_text(), "the wait to be said")
        create_topics(reading(settings, first))
        wait_until(one.holds(PARTITIONS), "the first topic to be held")
        write(settings, first, range(10))
        members = [one]
        if isinstance(broker, ApacheKafka):
            members.append(stack.enter_context(Member(by_pattern, tmp_path, "two")))
            wait_until(shares(*members, number=PARTITIONS), "two to take its share")
        create_topics(reading(settings, second))
        write(settings, second, range(10))
        write(settings, first, range(10, 20))
        wait_until(shares(*members, number=2 * PARTITIONS), "the second topic to be noticed")
        wait_until(lambda: count(settings) >= 3 * 10 * 5, "all to be told")
        assert [member.end() for member in members] == [0] * len(members)
        assert log.read_text().count("waiting for one") == 1
        assert f"left out, as the daemon writes there: {settings.kafka.forecasts}" in log.read_text()
    found = told(settings)
    assert {topic for _, topic, _, _ in found} == {first, second}
    assert count(settings) == 3 * 10 * 5
    from_the_start = undisturbed(settings, f"^{second}", tmp_path)  # a pattern, too, as an id then tells the topic
    assert {key: values for key, values in found.items() if key[1] == second} == from_the_start
