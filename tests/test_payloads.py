"""What topics look like in public: each kind of payload, with the settings that read it, and what comes of it.

A file of `payloads/` is one kind: `[events]` the settings, and for each record what it holds and what must come of it:
observations (series, time, value), dead letters (a reason, and `at` which event of the record), what is skipped.
"""

import math
import threading
import tomllib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from kafka import KafkaProducer
from msgspec import structs
from prometheus_client.parser import text_string_to_metric_families

from pipeline.checkpoints import Checkpoints
from pipeline.cluster import KafkaClients, create_topics, read_topic
from pipeline.dead_letters import REASONS, Reject
from pipeline.embedded import EmbeddedBroker
from pipeline.events.decoder import Decoder
from pipeline.messages import Record, decode_forecast, iso8601
from pipeline.metrics import Metrics
from pipeline.settings import Events, Settings
from pipeline.stamps.repeated_hour import RepeatedHour
from pipeline.worker import Worker

FOLDER = Path(__file__).parent / "payloads"
AT_ONCE = 12  # workers
NOW = 1_769_860_805_000  # milliseconds since the epoch: 2026-01-31T12:00:05Z


class Payload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record, and what must come of it."""

    value: str | None = None
    hex: str | None = None
    key: str | None = None
    key_hex: str | None = None
    headers: dict[str, str] = {}
    time: int = NOW
    observations: tuple[tuple[str, str, float], ...] = ()
    count: int = 0
    """Of observations that are not told one by one."""
    dead_letters: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()

    def record(self, topic: str, offset: int) -> Record:
        value = self.value.encode() if self.value is not None else _bytes(self.hex)
        key = self.key.encode() if self.key is not None else _bytes(self.key_hex)
        headers = tuple((name, text.encode()) for name, text in self.headers.items())
        return Record(topic, 0, offset, self.time, key, value, headers)


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of payload."""

    about: str
    records: tuple[Payload, ...]
    events: Events = Events()


def _bytes(digits: str | None) -> bytes | None:
    return None if digits is None else bytes.fromhex(digits)


KINDS = {
    file.stem: msgspec.convert(tomllib.loads(file.read_text()), Kind, strict=False)
    for file in sorted(FOLDER.glob("*.toml"))
}


def letter(reject: Reject) -> str:
    return reject.reason if reject.index is None else f"{reject.reason} at {reject.index}"


def test_there_are_many_kinds() -> None:
    assert len(KINDS) >= 60


@pytest.mark.parametrize("name", KINDS)
def test_each_is_read_with_its_settings(name: str) -> None:
    kind, hour = KINDS[name], RepeatedHour()
    decoder = Decoder(kind.events)
    for offset, payload in enumerate(kind.records):
        found = decoder.decode(payload.record(name, offset))
        told = [
            (one.series, iso8601(one.time if event.later is None else time), one.value)
            for event in found.events
            for time in [_chosen(hour, event.series, event.observations, event.later)]
            for one in event.observations
        ]
        assert repr(tuple(told)) == repr(payload.observations) or 0 < len(told) == payload.count  # a NaN equals no NaN
        assert tuple(map(letter, found.rejects)) == payload.dead_letters
        assert tuple(sorted(found.skipped)) == payload.skipped
        assert told or found.rejects or found.skipped, "nothing is silent"


def _chosen(hour: RepeatedHour, series: str, observations: Iterable[object], later: int | None) -> int:
    times = [int(getattr(one, "time", 0)) for one in observations]
    return hour.choose(series, times[0], later) if times and later is not None else 0


class Outcome(msgspec.Struct, frozen=True):
    """What a daemon made of a topic."""

    forecasts: list[tuple[int, str, str]]
    """Offset, series and origin of each."""
    dead_letters: list[tuple[int, str]]
    """Offset and reason of each."""
    values: dict[int, bytes | None]
    """What the dead letters hold, by offset."""
    counts: dict[str, float]


@pytest.fixture(scope="module")
def outcomes(tansu: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """Each kind in a topic of its own, through a real worker on a real broker."""
    folder = tmp_path_factory.mktemp("payloads")
    lock = threading.Lock()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        played = pool.map(lambda name: _played(name, settings_for(tansu, name, folder), lock), KINDS)
        return dict(zip(KINDS, played, strict=True))


def settings_for(broker: EmbeddedBroker, name: str, folder: Path) -> Settings:
    chosen = broker.settings_for(Settings())
    kafka = structs.replace(
        chosen.kafka, input=name, forecasts=f"{name}-out", dead_letters=f"{name}-dead", group=name, partitions=1
    )
    return structs.replace(
        chosen,
        kafka=kafka,
        events=KINDS[name].events,
        model=structs.replace(chosen.model, hidden_size=8, horizon=3, effort=0.0),
        checkpoints=structs.replace(chosen.checkpoints, url=str(folder / name)),
    )


def _played(name: str, settings: Settings, lock: threading.Lock) -> Outcome:
    with lock:  # one producer at a time
        create_topics(settings)
        send(settings, KINDS[name])
    metrics = Metrics()
    checkpoints = Checkpoints(settings.checkpoints.url, settings.checkpoints.keep)
    assert Worker(settings, KafkaClients(settings), checkpoints, metrics).run(drain=True) == 0
    sent = [decode_forecast(one.value or b"") for one in read_topic(settings, settings.kafka.forecasts)]
    letters = list(read_topic(settings, settings.kafka.dead_letters))
    return Outcome(
        [(one.source.offset, one.series, one.origin) for one in sent],
        [(int(header(one, "offset")), told(one)) for one in letters],
        {int(header(one, "offset")): one.value for one in letters},
        counted(metrics),
    )


def send(settings: Settings, kind: Kind) -> None:
    producer = KafkaProducer(bootstrap_servers=settings.kafka.bootstrap_servers)
    for payload in kind.records:
        one = payload.record(settings.kafka.inputs[0], 0)
        producer.send(one.topic, one.value, one.key, list(one.headers), timestamp_ms=one.timestamp).get(30)
    producer.close()


def header(record: Record, name: str) -> str:
    return (dict(record.headers).get(f"lstm_stream.{name}") or b"").decode()


def told(record: Record) -> str:
    index = header(record, "index")
    return header(record, "reason") + (f" at {index}" if index else "")


def counted(metrics: Metrics) -> dict[str, float]:
    """Each counter, summed over its labels."""
    page = metrics.render()[0].decode()
    samples = [sample for family in text_string_to_metric_families(page) for sample in family.samples]
    sums: dict[str, float] = {}
    for sample in samples:
        if sample.name.endswith("_total"):
            name = sample.name.removeprefix("lstm_stream_").removesuffix("_total")
            sums[name] = sums.get(name, 0.0) + sample.value
    return sums


def unknown(kind: Kind) -> list[tuple[int, str]]:
    """Offset and series of the missing values that come before their series' first: dead letters."""
    known: set[str] = set()
    found = []
    for offset, payload in enumerate(kind.records):
        for series, _, value in payload.observations:
            if not math.isnan(value):
                known.add(series)
            elif series not in known:
                found.append((offset, series))
    return found


@pytest.mark.parametrize("name", KINDS)
def test_each_ends_as_it_should_on_a_broker(name: str, outcomes: dict[str, Outcome]) -> None:
    kind, outcome = KINDS[name], outcomes[name]
    nothing_known = unknown(kind)
    expected = [
        (offset, series, time)
        for offset, payload in enumerate(kind.records)
        for series, time, _ in payload.observations
        if (offset, series) not in nothing_known
    ]
    if not any(payload.count for payload in kind.records):
        assert sorted(outcome.forecasts) == sorted(expected)
    reasons = [(offset, told) for offset, payload in enumerate(kind.records) for told in payload.dead_letters]
    null_first = [told for told in outcome.dead_letters if told[1].startswith("null_before_first_value")]
    assert sorted(set(outcome.dead_letters) - set(null_first)) == sorted(reasons)
    assert [offset for offset, _ in null_first] == [offset for offset, _ in nothing_known]


@pytest.mark.parametrize("name", KINDS)
def test_the_books_balance_and_nothing_is_silent(name: str, outcomes: dict[str, Outcome]) -> None:
    kind, counts = KINDS[name], outcomes[name].counts
    held = sum(len(one.observations) + one.count + len(one.dead_letters) for one in kind.records)
    ends = ("forecasts", "dead_letters", "late", "repeated", "superseded")
    assert counts["observations"] == sum(counts.get(end, 0) for end in ends) == held
    assert counts["forecasts"] == len(outcomes[name].forecasts)
    assert counts.get("skipped", 0) == sum(len(one.skipped) for one in kind.records)
    assert counts["records"] == len(kind.records)


@pytest.mark.parametrize("name", KINDS)
def test_a_dead_letter_is_the_record_as_it_came(name: str, outcomes: dict[str, Outcome]) -> None:
    for offset, value in outcomes[name].values.items():
        assert value == KINDS[name].records[offset].record(name, offset).value


def test_each_reason_that_is_told_is_one_of_the_list() -> None:
    told = {text.split(" at ")[0] for kind in KINDS.values() for one in kind.records for text in one.dead_letters}
    assert told <= REASONS.keys()
