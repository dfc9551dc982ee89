"""A benchmark measures on the user's broker and leaves nothing there; what it says follows from what it measured."""

import pytest
from msgspec import structs

from pipeline.bench import Load, bench, form_of
from pipeline.capacity import STAGES, Capacity, Pass, Trials, capacity
from pipeline.cluster import KafkaClients, TopicPartition, create_topics, describe, read_topic
from pipeline.cluster.admin import Limits
from pipeline.embedded import EmbeddedBroker
from pipeline.messages import Outgoing
from pipeline.settings import Delivery, Events, Kafka, Model, Settings
from tests.servers import ApacheKafka

SMALL = Model(horizon=2, hidden_size=4, window=4, windows=1, effort=0.1, memory=64)


def settings_at(servers: str, name: str) -> Settings:
    kafka = Kafka(
        bootstrap_servers=servers,
        input=f"{name}-in",
        forecasts=f"{name}-out",
        dead_letters=f"{name}-dead",
        group=name,
        partitions=2,
        session_timeout=6.0,
    )
    return Settings(kafka=kafka, model=SMALL, delivery=Delivery(commit_interval=0.05))


def quiet(_: str, __: int, ___: int) -> None:
    """Shows no progress."""


def embedded(broker: EmbeddedBroker, name: str) -> Settings:
    return broker.settings_for(settings_at(broker.bootstrap_servers, name))


def measured_and_left_alone(settings: Settings) -> Capacity:
    """Measure beside topics and a group in use; neither they nor anything else on the broker is other than before."""
    create_topics(settings)
    mine = settings.kafka.inputs[0]
    producer = KafkaClients(settings).producer(Limits({}))
    producer.init_transactions()
    producer.begin_transaction()
    producer.send_all(mine, [Outgoing(b"k", b"v")])
    producer.commit_transaction()
    producer.close(5)
    before = describe(settings).topics
    found = bench(settings, Load(50, 6000, 20.0), quiet)
    after = describe(settings).topics
    assert {name: topic for name, topic in after.items() if name[:2] != "__"} == {
        name: topic for name, topic in before.items() if name[:2] != "__"
    }
    assert [one.value for one in read_topic(settings, mine)] == [b"v"]
    consumer = KafkaClients(settings).consumer()
    mine_partitions = [TopicPartition(mine, number) for number in range(2)]
    assert not any(consumer.committed_offsets(mine_partitions, timeout_ms=5000).values())
    consumer.close(timeout_ms=1000)
    return found


def check(found: Capacity) -> None:
    """What it tells adds up."""
    assert found.series == 50
    assert found.events_per_second > 0
    assert found.events_per_second_without_model > 0
    assert list(found.microseconds) == list(STAGES)
    assert sum(found.shares.values()) == pytest.approx(1.0, abs=0.25)
    assert sum(found.microseconds.values()) == pytest.approx(1e6 / found.events_per_second, rel=0.25)
    assert found.microseconds["observe"] > 0
    assert found.remarks


def test_it_measures_on_the_embedded_broker_and_leaves_nothing_there(tansu: EmbeddedBroker) -> None:
    check(measured_and_left_alone(embedded(tansu, "bench-here")))


def test_it_measures_on_apache_kafka_and_leaves_nothing_there(apache_kafka: ApacheKafka) -> None:
    check(measured_and_left_alone(settings_at(apache_kafka.bootstrap_servers, "bench-there")))


class InterruptionError(Exception):
    """As by Ctrl-C."""


@pytest.mark.parametrize("when", ["writing events", "without a model", "with the model"])
def test_nothing_is_left_when_it_is_interrupted(tansu: EmbeddedBroker, when: str) -> None:
    settings = embedded(tansu, "bench-interrupted")
    before = describe(settings).topics

    def interrupt(name: str, _: int, __: int) -> None:
        if name == when:
            raise InterruptionError

    with pytest.raises(InterruptionError):
        bench(settings, Load(50, 6000, 20.0), interrupt)
    assert describe(settings).topics == before


def test_events_are_written_as_the_settings_read_them(tansu: EmbeddedBroker) -> None:
    events = Events(series="tags.sensor", timestamp="time", values=("rpm", "temp"), covariates=("load",))
    settings = structs.replace(embedded(tansu, "bench-form"), events=events)
    assert form_of(settings) == (settings, "")
    assert bench(settings, Load(20, 5000, 20.0), quiet).events_per_second > 0


def test_where_an_event_cannot_be_written_so_that_is_said() -> None:
    settings, remark = form_of(Settings(events=Events(series="{site}/{sensor}", where=("kind = reading",))))
    assert settings.events == Events()
    assert "events.series" in remark


# What it says


def told(
    whole: Pass, bare: float = 10_000.0, partitions: int = 4, cores: int = 1, delivery: Delivery | None = None
) -> str:
    settings = Settings(kafka=Kafka(partitions=partitions), delivery=delivery or Delivery())
    slow = Pass(10_000, 10_000 / bare, 0.5, {})
    return "\n".join(capacity(settings, 100, whole, slow, Trials(20.0, 19.0), 1100.0, cores).remarks)


def spent(rate: float, cpu: float = 1.0, **shares: float) -> Pass:
    """One second; the share of each stage."""
    return Pass(int(rate), 1.0, cpu, dict(shares))


def test_the_broker_is_named_where_it_is_the_limit() -> None:
    assert "limit is the broker" in told(spent(9000, commit=0.6, poll=0.2, observe=0.1))
    assert "limit is the broker" not in told(spent(3000, observe=0.8))
    assert "limit is this process: the model takes 80%" in told(spent(3000, observe=0.8))


def test_other_programs_are_named_where_they_take_the_cpu() -> None:
    assert "Other programs take the CPU" in told(spent(3000, cpu=0.4, observe=0.8))
    assert "Other programs" not in told(spent(3000, cpu=0.4, observe=0.2, poll=0.5))


def test_more_processes_need_more_cores_and_partitions() -> None:
    assert "run up to 3 processes" in told(spent(3000, observe=0.8), partitions=3, cores=8)
    assert "kafka.partitions = 1" in told(spent(3000, observe=0.8), partitions=1, cores=8)
    assert "processes" not in told(spent(3000, observe=0.8), partitions=4, cores=1)


def test_larger_transactions_and_fewer_forecasts_are_advised_where_sending_takes_the_time() -> None:
    busy, calm = told(spent(3000, commit=0.5, observe=0.3)), told(spent(3000, commit=0.1, observe=0.8))
    assert "kafka.max_poll_records = 8000" in busy
    assert 'delivery.publish = "latest"' in busy
    assert "model.horizon" in busy
    assert not any(name in calm for name in ("max_poll_records", "publish", "horizon"))
    latest = told(spent(3000, commit=0.5, observe=0.3), delivery=Delivery(publish="latest"))
    assert "delivery.publish" not in latest


def test_less_effort_is_advised_where_it_was_measured_to_save_much() -> None:
    whole = spent(3000, observe=0.8)
    bare = Pass(10_000, 1.0, 1.0, {})
    for trials, is_advised in ((Trials(100.0, 40.0), True), (Trials(100.0, 90.0), False)):
        found = capacity(Settings(), 100, whole, bare, trials, 1100.0, 1)
        assert any("model.effort = 0.1" in remark for remark in found.remarks) == is_advised
