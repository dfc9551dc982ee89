"""`lstm-stream check`: it names the settings that read a topic, and these do."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from kafka import KafkaAdminClient, KafkaProducer
from msgspec import structs

from lstm_stream import Bank, Hyperparameters, timeline
from pipeline.check.looking import check
from pipeline.check.proposing import proposed
from pipeline.check.report import Report
from pipeline.check.tables import written
from pipeline.check.trial import try_out
from pipeline.cli import main
from pipeline.cluster import ClusterError, Part, Sample, TopicPartition, Writer, create_topics, sample_topic
from pipeline.embedded import EmbeddedBroker, free_port
from pipeline.messages import Outgoing, Record, decode_forecast, iso8601
from pipeline.settings import Events, Kafka, Settings, load
from pipeline.shard import Shard
from tests.nested_topics import NESTED, open_meteo, thingsboard_gateway
from tests.odd_topics import ODD, UNREADABLE
from tests.sample_topics import FOREIGN, STEPS, Sent, at, clean, milliseconds, sent, value
from tests.sample_topics import TOPICS as FLAT
from tests.servers import ApacheKafka

TOPICS = FLAT | NESTED | ODD


def settings_at(servers: str, topic: str, partitions: int = 2) -> Settings:
    kafka = Kafka(
        bootstrap_servers=servers,
        input=topic,
        forecasts=f"{topic}-forecasts",
        dead_letters=f"{topic}-dead",
        group=f"{topic}-group",
        partitions=partitions,
        connect_timeout=60.0,
    )
    return Settings(kafka=kafka)


def with_records(servers: str, topic: str, records: Sequence[Sent], partitions: int = 2) -> Settings:
    """A topic that holds these."""
    settings = settings_at(servers, topic, partitions)
    create_topics(settings)
    with Writer(settings, topic) as writer:
        for one in records:
            writer.write(one.outgoing, one.timestamp)
    return settings


def sample_of(records: Sequence[Sent]) -> Sample:
    """The same without a broker, in one partition."""
    each = (one.outgoing for one in records)
    taken = tuple(
        Record("events", 0, offset, one.timestamp, outgoing.key, outgoing.value, outgoing.headers)
        for offset, (one, outgoing) in enumerate(zip(records, each, strict=True))
    )
    return Sample("events", (Part(0, 0, len(taken), (taken,)),), held_back=False)


def assert_mended(name: str, sample: Sample, settings: Settings, folder: Path) -> None:
    """What is proposed is what was expected, and as a file it reads the topic without a dead letter."""
    topic = TOPICS[name]
    report = check(sample, settings)
    changes = {one.key: one.value for one in report.proposals}
    expected = {key: changes.get(key) if value is None else value for key, value in topic.settings.items()}
    assert changes == expected
    assert report.is_well == (not topic.settings)
    file = folder / "lstm-stream.toml"
    file.write_text("\n".join(["[events]", *report.lines.values()]))
    mended = structs.replace(settings, events=load(str(file), {}, ()).events)
    assert mended == proposed(settings, report.proposals)
    trial = try_out(sample, mended)
    assert not trial.rejects
    assert trial.lost == 0
    assert len(trial.steps) == topic.series


@pytest.mark.parametrize("name", TOPICS)
def test_it_names_the_settings_that_read_a_topic(name: str, tansu: EmbeddedBroker, tmp_path: Path) -> None:
    settings = with_records(tansu.bootstrap_servers, f"check-{name}", list(TOPICS[name].records()), 1)
    sample = sample_topic(settings, settings.kafka.inputs[0], 4000)
    assert sum(len(stretch) for part in sample.parts for stretch in part.stretches) == len(list(TOPICS[name].records()))
    assert_mended(name, sample, settings, tmp_path)


def test_it_does_so_on_apache_kafka(apache_kafka: ApacheKafka, tmp_path: Path) -> None:
    for name, topic in TOPICS.items():
        settings = with_records(apache_kafka.bootstrap_servers, f"check-{name}", list(topic.records()), 1)
        assert_mended(name, sample_topic(settings, settings.kafka.inputs[0], 4000), settings, tmp_path)


@pytest.mark.parametrize("name", FOREIGN)
def test_what_no_setting_reads_is_said_to_be_so(name: str) -> None:
    records, said = FOREIGN[name]
    report = check(sample_of(list(records())), Settings())
    assert report.proposals == ()
    assert not report.is_well
    assert said in written(report, 10_000)


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_no_setting_mends_is_said_and_no_setting_is_made_up(name: str) -> None:
    records, said = UNREADABLE[name]
    report = check(sample_of(list(records())), Settings())
    (remark,) = [one for one in report.remarks if said in one]
    assert "events.values = " not in remark
    assert not any("[0]" in str(one.value) for one in report.proposals)
    assert not any("updates of an event" in one for one in report.remarks)


def test_names_that_are_ids_of_each_event_are_not_well() -> None:
    records = [sent(at(step), {"value": value(step)}, key=f"a|{step}") for step in range(STEPS)]
    report = check(sample_of(records), Settings())
    assert report.forecasts == report.observations
    assert not report.is_well


def test_numbers_with_a_decimal_comma_that_nothing_reads_are_named() -> None:
    settings = Settings(
        events=Events(timestamp_format="%d.%m.%Y %H:%M:%S", timestamp="stempel", values=("sensors.vib",))
    )
    (remark,) = [one for one in check(sample_of(list(TOPICS["plant"].records())), settings).remarks if "comma" in one]
    assert "`sensors.temp_c`" in remark
    assert 'events.decimal = "comma"' in remark


@pytest.mark.parametrize("name", ["readAt", "eventTs", "sentAt"])
def test_a_time_is_found_by_a_name_in_camel_case(name: str) -> None:
    bodies = ({name: milliseconds(at(step)), "value": value(step)} for step in range(STEPS))
    records = [sent(at(step), body, key="a") for step, body in enumerate(bodies)]
    (proposal,) = check(sample_of(records), Settings()).proposals
    assert (proposal.key, proposal.value) == ("timestamp", name)


@cache
def checked_once(name: str) -> Report:
    records = TOPICS[name].records if name in TOPICS else FOREIGN[name][0]
    return check(sample_of(list(records())), Settings())


@pytest.mark.parametrize("name", [*TOPICS, *FOREIGN])
@pytest.mark.parametrize("width", [80, 100])
def test_its_text_is_no_wider_than_the_terminal(name: str, width: int) -> None:
    text = written(checked_once(name), width)
    assert [line for line in text.splitlines() if len(line) > width and not line.startswith(("points", "values"))] == []
    assert all(line == line.rstrip() for line in text.splitlines())


def checked(settings: Settings, *options: str) -> Result:
    servers, topic = settings.kafka.bootstrap_servers, settings.kafka.input
    given_ones = [f"kafka.bootstrap_servers={servers}", f"kafka.input={topic}", "kafka.connect_timeout=10"]
    return CliRunner().invoke(main, ["check", *(word for one in given_ones for word in ("--set", one)), *options])


def test_its_exit_code_says_whether_something_would_be_lost(tansu: EmbeddedBroker) -> None:
    well = with_records(tansu.bootstrap_servers, "check-well", list(clean()), 1)
    assert checked(well).exit_code == 0
    ill = with_records(tansu.bootstrap_servers, "check-ill", list(TOPICS["collisions"].records()), 1)
    result = checked(ill)
    assert result.exit_code == 1
    assert 'series = "{series}/{line}"' in result.output
    other_topic = checked(well, "--topic", "check-ill", "--json")
    assert other_topic.exit_code == 1
    assert json.loads(other_topic.output)["proposals"][0]["value"] == "{series}/{line}"


def test_series_that_lie_on_several_partitions_are_told() -> None:
    (one,) = sample_of(list(clean())).parts
    half = tuple(structs.replace(record, partition=1) for record in one.stretches[0][1::2])
    parts = (one._replace(stretches=(one.stretches[0][::2],)), Part(1, 0, len(half), (half,)))
    report = check(Sample("events", parts, held_back=False), Settings())
    assert report.scattered == 3
    assert not report.is_well
    assert "let the producer key its records by series" in written(report, 1000)


def test_what_cannot_be_read_is_one_line(tansu: EmbeddedBroker) -> None:
    empty = with_records(tansu.bootstrap_servers, "check-empty", [])
    for settings, said in (
        (settings_at(tansu.bootstrap_servers, "check-nowhere"), "topic `check-nowhere` is missing"),
        (empty, "topic `check-empty` is empty"),
        (settings_at(f"127.0.0.1:{free_port()}", "away"), "no Kafka broker answers"),
    ):
        result = checked(settings)
        assert result.exit_code == 1
        assert said in result.output
        assert len(result.output.splitlines()) == 1
    assert checked(empty, "--records", "0").exit_code == 2


@pytest.mark.parametrize("kind", ["tansu", "apache_kafka"])
def test_it_reads_both_ends_of_each_partition(kind: str, request: pytest.FixtureRequest) -> None:
    broker: EmbeddedBroker | ApacheKafka = request.getfixturevalue(kind)
    records = [Sent(Outgoing(b"k", b"%d" % n), 1_700_000_000_000 + n) for n in range(3000)]
    settings = with_records(broker.bootstrap_servers, "check-long", records, partitions=1)
    (part,) = sample_topic(settings, "check-long", 200).parts
    assert (part.first, part.end) == (0, 3000)
    assert [[one.offset for one in stretch] for stretch in part.stretches] == [[*range(100)], [*range(2900, 3000)]]
    (whole,) = sample_topic(settings, "check-long", 6000).parts
    assert [one.offset for one in whole.stretches[0]] == list(range(3000))
    (overlapping,) = sample_topic(settings, "check-long", 5000).parts
    assert [one.offset for stretch in overlapping.stretches for one in stretch] == list(range(3000))


def test_a_topic_whose_records_are_gone_is_told_as_such(apache_kafka: ApacheKafka) -> None:
    settings = with_records(apache_kafka.bootstrap_servers, "check-gone", list(clean()), partitions=1)
    admin = KafkaAdminClient(bootstrap_servers=apache_kafka.bootstrap_servers)
    admin.delete_records({TopicPartition("check-gone", 0): len(list(clean()))})
    admin.close()
    with pytest.raises(ClusterError, match=r"the 180 records that it had are gone, by retention\.ms"):
        sample_topic(settings, "check-gone", 4000)


def test_it_joins_no_group_and_reads_nothing_that_is_not_committed(apache_kafka: ApacheKafka) -> None:
    settings = with_records(apache_kafka.bootstrap_servers, "check-open", list(clean()), partitions=1)
    admin = KafkaAdminClient(bootstrap_servers=apache_kafka.bootstrap_servers)
    before = admin.list_groups()
    producer = KafkaProducer(bootstrap_servers=apache_kafka.bootstrap_servers, transactional_id="check-open")
    try:
        producer.init_transactions()
        producer.begin_transaction()
        producer.send("check-open", b"not committed").get(10)
        sample = sample_topic(settings, "check-open", 4000)
        assert sample.held_back
        assert sum(len(stretch) for part in sample.parts for stretch in part.stretches) == len(list(clean()))
        assert admin.list_groups() == before
        create_topics(settings_at(apache_kafka.bootstrap_servers, "check-all-open", partitions=1))
        producer.send("check-all-open", b"not committed").get(10)
        with pytest.raises(ClusterError, match="an open transaction holds it back"):
            sample_topic(settings, "check-all-open", 4000)
    finally:
        producer.abort_transaction()
        producer.close()
        admin.close()


@examples(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 40), st.sampled_from([1.0, float("nan")])), max_size=60),
    st.sampled_from(["infer", 60.0]),
)
def test_a_timeline_is_what_a_bank_makes_of_it(
    observations: list[tuple[str, int, float]], step: Literal["infer"] | float
) -> None:
    rules = Hyperparameters(
        horizon=2, hidden_size=2, window=2, memory=8, effort=0.0, step=step, max_gap=9, restart_after=5
    )
    names = [name for name, _, _ in observations]
    times = np.array([60_000_000 * time for _, time, _ in observations], np.int64)
    values = np.array([value for _, _, value in observations])
    lies = timeline(names, times, values, rules)
    forecasts = Bank(rules).observe(names, times, values)
    assert lies.outcome.tolist() == forecasts.outcome.tolist()
    assert lies.restart.tolist() == forecasts.restart.tolist()


def report_of(records: Sequence[Sent]) -> Report:
    return check(sample_of(records), Settings())


def test_the_counts_of_a_report_add_up() -> None:
    for name in TOPICS:
        report = checked_once(name)
        dead = sum(one.count for one in report.dead_letters)
        assert report.observations == report.forecasts + report.late + report.repeated + dead


def test_a_jump_of_the_clock_is_counted_as_the_dead_letter_that_the_daemon_makes_of_it() -> None:
    jumped = sent(at(STEPS), {"series": "a", "timestamp": at(10**5).isoformat(), "value": 1.0}, late=1e7)
    good = [sent(at(n), {"series": "a", "timestamp": at(n).isoformat(), "value": 1.0}) for n in range(2 * STEPS)]
    sample = sample_of([*good[:STEPS], jumped, *good[STEPS:]])
    report = check(sample, Settings())
    assert [(one.reason, one.count) for one in report.dead_letters] == [("timestamp_jump", 1)]
    assert report.observations == report.forecasts + 1 == 2 * STEPS + 1
    assert "events.max_gap" in written(report, 10_000)


def test_the_repeated_hour_is_read_as_a_shard_reads_it() -> None:
    """By the event: a value of it that is refused in one pass is none the less of that pass."""
    clocks = ["02:00", "02:00", "03:00"]
    bodies = [
        {"series": "a", "timestamp": f"2026-10-25 {clock}", "p": n, "q": n or "x"} for n, clock in enumerate(clocks)
    ]
    records = [Record("events", 0, n, -1, None, json.dumps(body).encode()) for n, body in enumerate(bodies)]
    chosen = Settings(events=Events(timezone="Europe/Berlin", values=("p", "q")))
    fold = Shard.fresh("events", 0, 0, chosen).fold(records, "every")
    trial = try_out(Sample("events", (Part(0, 0, 3, (tuple(records),)),), held_back=False), chosen)
    read = {(one.observation.series, iso8601(one.observation.time)) for one in trial.taken}
    told = [decode_forecast(one.value or b"") for one in fold.forecasts]
    assert read == {(one.series, one.origin) for one in told}


def test_a_time_that_cannot_be_read_is_named() -> None:
    bodies = [{"series": "a", "Time": f"T+{1772438400 + 60 * step}", "value": step} for step in range(40)]
    report = report_of([sent(at(step), body) for step, body in enumerate(bodies)])
    assert any("`Time` is called like a time" in remark for remark in report.remarks)


def test_tombstones_are_said_how_to_skip() -> None:
    records = [sent(at(step), b"" if step % 4 == 0 else {"value": step}, key="a") for step in range(40)]
    report = report_of(records)
    assert any('events.where = ["value exists"] skips them' in remark for remark in report.remarks)
    skipping = Settings(events=Events(where=("value exists",)))
    again = check(sample_of(records), skipping)
    assert again.dead_letters == ()
    assert not any("tombstones" in remark for remark in again.remarks)


def test_late_records_of_one_partition_are_not_blamed_on_their_keys() -> None:
    steps = [step if step % 3 else step - 20 for step in range(90)]
    records = [sent(at(step), {"series": "a", "timestamp": at(step).isoformat(), "value": step}) for step in steps]
    (told,) = [remark for remark in report_of(records).remarks if "come after a later one" in remark]
    assert "in the order of their times" in told


def events_of(**fields: object) -> Settings:
    return msgspec.convert({"events": fields}, Settings)


def test_numbers_that_no_path_reaches_are_named_with_the_setting_that_would() -> None:
    body = {"temp": 0.0, "pressure": 0.0, "wind": {"speed": 0.0}, "firmware": 7, "seq": 0}
    records = [
        sent(at(step), body | {"temp": step, "pressure": 2 * step, "wind": {"speed": 3 * step}, "seq": step,
                               "timestamp": milliseconds(at(step)), "sent": {"ts": milliseconds(at(step))}})
        for step in range(STEPS)
    ]  # fmt: skip
    report = check(sample_of(records), events_of(series="{topic}", values=["temp"]))
    assert [one.path for one in report.unread] == ["pressure", "wind.speed"]
    assert any('events.values = ["temp", "pressure", "wind.speed"]' in remark for remark in report.remarks)
    assert report.is_well
    assert (
        check(sample_of(records), events_of(series="{topic}", values=["temp", "pressure", "wind.speed"])).unread == ()
    )


def test_what_lies_under_another_name_than_what_is_read_is_lost() -> None:
    chosen = events_of(points=["dev-0[]"], series="{topic}", timestamp="ts", values=["values.temp", "values.hum"])
    report = check(sample_of(list(thingsboard_gateway())), chosen)
    assert report.forecasts == report.observations
    assert not report.is_well
    assert [one.path for one in report.unread] == ["*[].values.temp", "*[].values.hum"]
    assert any('events.points = ["*[]"]' in remark for remark in report.remarks)


def test_arrays_of_which_one_place_is_read_are_told_to_hold_more() -> None:
    chosen = events_of(series="{topic}", values=["hourly.temperature_2m[0]"])
    report = check(sample_of(list(open_meteo())), chosen)
    assert any('events.points = ["hourly[zip]"]' in remark for remark in report.remarks)


def test_numbers_that_a_condition_leaves_out_are_none_that_nothing_reads() -> None:
    bodies = ({"type": "a", "value": n} if n % 2 else {"type": "b", "battery": n} for n in range(STEPS))
    records = [sent(at(step), body) for step, body in enumerate(bodies)]
    assert check(sample_of(records), events_of(series="{topic}", where=["type = a"])).unread == ()


def windows(step: int, device: int, count: int) -> Sent:
    """What ksqlDB writes of a window that is not closed."""
    body = {"DEVICE": f"d{device}", "WINDOW_START": milliseconds(at(step)), "WINDOW_END": milliseconds(at(step + 1)),
            "TOTAL": value(step, device) * count}  # fmt: skip
    return sent(at(step), body, key=f"d{device}", late=15 * count)


def test_updates_of_an_event_already_seen_are_told_as_such() -> None:
    records = [windows(step, n, count) for step in range(STEPS) for count in (1, 2, 3) for n in range(2)]
    (told,) = [remark for remark in report_of(records).remarks if "updates of an event" in remark]
    assert "240 observations" in told
    assert "EMIT FINAL" in told


def test_things_that_share_a_name_are_no_updates() -> None:
    for name in ("collisions", "telegraf"):
        assert not any("updates of an event" in remark for remark in report_of(list(TOPICS[name].records())).remarks)


def test_a_clock_that_was_ahead_for_a_while_is_told_by_check() -> None:
    days = [30 * 24 * 60 if step in (20, 21) else 0 for step in range(STEPS)]
    records = [
        sent(at(step), {"series": "a", "timestamp": at(step + ahead).isoformat(), "value": step}, late=1e7)
        for step, ahead in enumerate(days)
    ]
    (told,) = [remark for remark in report_of(records).remarks if "begins anew" in remark]
    assert "events.restart_after" in told
    assert not any("come after a later one" in remark for remark in report_of(records).remarks)
