"""Whatever a producer sends ends as a forecast or as one dead letter with its reason, and the daemon lives."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from kafka import KafkaAdminClient, KafkaProducer
from msgspec import structs
from prometheus_client.parser import text_string_to_metric_families

from pipeline import settings
from pipeline.cluster import create_topics, read_topic
from pipeline.embedded import EmbeddedBroker, free_port
from pipeline.messages import Record, decode_forecast
from pipeline.settings import Settings
from tests.fakes import NotUtf8
from tests.servers import wait_until

MOST = "4000000"  # bytes
NOON = 1_769_860_800  # seconds since the epoch, 2026-01-31


class Case(NamedTuple):
    """A record, and the reasons of its dead letters; None: it is a good one."""

    name: str
    value: bytes | None
    reason: str | None
    key: bytes | None = b"fallback"
    header: str = "trace"


def event(**fields: object) -> bytes:
    """An event; a field set to ... is left out."""
    whole = {"series": "s", "timestamp": NOON, "value": 1.5} | fields
    return json.dumps({name: value for name, value in whole.items() if value is not ...}).encode()


def number(text: str) -> bytes:
    """An event whose value is spelt so."""
    return b'{"series": "n", "timestamp": 1769860800, "value": ' + text.encode() + b"}"


CASES = (
    Case("not UTF-8", b'{"series": "\xff\xfe", "value": 1}', "not_utf8"),
    Case("not JSON", b"temperature=20", "not_json"),
    Case("an array", b"[]", "not_an_object"),
    Case("null", b"null", "not_an_object"),
    Case("NaN", number("NaN"), "value_out_of_range"),
    Case("Infinity", number("-Infinity"), "value_out_of_range"),
    Case("1e400", number("1e400"), "value_out_of_range"),
    Case("a bool", event(value=True), "bad_value"),
    Case("a string number", event(series="text", value="1.5"), None),
    Case("a null value first", event(series="null", value=None), "null_before_first_value"),
    Case("no value", event(value=...), "missing_value"),
    Case("no series, but a key", event(series=...), None),
    Case("no series and no key", event(series=...), "missing_series", None),
    Case("an object for a value", event(value={"v": 1}), "bad_value"),
    Case("a list for a series", event(series=["s"]), "bad_series"),
    Case("no timestamp", event(series="now", timestamp=...), None),
    Case("a negative timestamp", event(timestamp=-5), "negative_timestamp"),
    Case("a timestamp in words", event(timestamp="noon"), "bad_timestamp"),
    Case("milliseconds", event(series="ms", timestamp=NOON * 1000), None),
    Case("microseconds", event(series="us", timestamp=NOON * 10**6), None),
    Case("nanoseconds", event(series="ns", timestamp=NOON * 10**9), None),
    Case("the year 2300", event(timestamp="2300-01-01T00:00:00Z"), "timestamp_ahead"),
    Case("2 MB", event(series="big", padding="x" * 2_000_000), None),
    Case("2 MB of rubbish", b"x" * 2_000_000, "not_json"),
    Case("a key of 64 KB", event(series=...), "series_too_long", b"k" * 65_536),
    Case("a key of an emoji", event(series=...), None, "🌡".encode()),
    Case("a header's name that is not UTF-8", event(series="header"), None, header=NotUtf8()),
    Case("not JSON, and a header's name that is not UTF-8", b"header", "not_json", header=NotUtf8()),
    Case("a covariate in words", event(series="words", holiday="yes"), None),
    Case("covariates in a list", event(series="list", holiday=[1], price=None), None),
    Case("NaN for a covariate", b'{"series": "nan", "timestamp": 1769860800, "value": 1, "price": NaN}', None),
    Case("1e400 for a covariate", b'{"series": "huge", "timestamp": 1769860800, "value": 1, "price": 1e400}', None),
    Case("empty", b"", "empty"),
    Case("a tombstone", None, "empty", b"gone"),
)


class Outcome(NamedTuple):
    """What one run of the daemon over all of the cases came to."""

    forecasts: list[Record]
    dead_letters: list[Record]
    metrics: str
    told: str
    code: int


@pytest.fixture(scope="module")
def outcome(tansu: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The cases go through the real daemon on a real broker; it is ended by SIGTERM."""
    folder = tmp_path_factory.mktemp("bad_records")
    chosen = settings_for(tansu, folder)
    send(chosen)
    file = folder / "settings.toml"
    file.write_text(settings.to_toml(chosen, mask=False))
    command = [sys.executable, "-m", "pipeline", "run", "-c", str(file)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent) as daemon:
        try:
            wait_until(lambda: f"lstm_stream_observations_total {len(CASES)}.0" in scraped(chosen), "all observations")
            metrics = scraped(chosen)
        finally:
            daemon.terminate()
        _, told = daemon.communicate(timeout=60)
    forecasts, letters = (
        list(read_topic(chosen, topic)) for topic in (chosen.kafka.forecasts, chosen.kafka.dead_letters)
    )
    return Outcome(forecasts, letters, metrics, told, daemon.returncode)


def settings_for(broker: EmbeddedBroker, folder: Path) -> Settings:
    chosen = broker.settings_for(Settings())
    kafka = structs.replace(
        chosen.kafka, input="bad-in", forecasts="bad-out", dead_letters="bad-dead", group="bad", partitions=1
    )
    return structs.replace(
        chosen,
        kafka=kafka,
        events=structs.replace(chosen.events, covariates=("holiday", "price")),
        model=structs.replace(chosen.model, hidden_size=8, horizon=3),
        checkpoints=structs.replace(chosen.checkpoints, url=str(folder / "checkpoints")),
        web=structs.replace(chosen.web, port=free_port()),
    )


def scraped(chosen: Settings) -> str:
    try:
        return httpx.get(f"http://127.0.0.1:{chosen.web.port}/metrics").text
    except httpx.ConnectError:
        return ""


def send(chosen: Settings) -> None:
    """Write the cases to a topic that takes records of 4 MB."""
    servers, topic = chosen.kafka.bootstrap_servers, chosen.kafka.inputs[0]
    admin = KafkaAdminClient(bootstrap_servers=servers)
    admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1, "configs": {"max.message.bytes": MOST}}})
    admin.close()
    create_topics(chosen)
    producer = KafkaProducer(bootstrap_servers=servers, max_request_size=int(MOST))
    for case in CASES:
        producer.send(topic, case.value, case.key or None, [(case.header, b"1")]).get(30)
    producer.close()


def header(letter: Record, name: str) -> str:
    return (dict(letter.headers)[f"lstm_stream.{name}"] or b"").decode()


@pytest.mark.parametrize(("offset", "case"), list(enumerate(CASES)), ids=[case.name for case in CASES])
def test_each_kind_of_badness_ends_as_a_forecast_or_as_one_dead_letter(
    offset: int, case: Case, outcome: Outcome
) -> None:
    sources = [decode_forecast(record.value or b"").source.offset for record in outcome.forecasts]
    reasons = [header(one, "reason") for one in outcome.dead_letters if header(one, "offset") == str(offset)]
    assert (sources.count(offset), reasons) == ((1, []) if case.reason is None else (0, [case.reason]))


def test_a_dead_letter_is_what_came(outcome: Outcome) -> None:
    for letter in outcome.dead_letters:
        headers = dict(letter.headers)
        case = CASES[int(header(letter, "offset"))]
        assert letter.key == case.key
        whole = case.value or b""
        assert whole.startswith(letter.value or b"")
        assert letter.value == case.value or "lstm_stream.truncated" in headers


def test_the_daemon_lives_through_it_and_says_nothing_that_is_no_news(outcome: Outcome) -> None:
    assert outcome.code == 0
    assert "Traceback" not in outcome.told


def test_each_masked_covariate_of_a_readable_event_is_counted(outcome: Outcome) -> None:
    read = [case for case in CASES if case.reason in (None, "null_before_first_value")]
    assert f"lstm_stream_masked_covariates_total {2 * len(read)}.0" in outcome.metrics


def test_no_metric_is_nan(outcome: Outcome) -> None:
    samples = [sample for family in text_string_to_metric_families(outcome.metrics) for sample in family.samples]
    assert samples
    assert [sample.name for sample in samples if not math.isfinite(sample.value)] == []


def test_no_forecast_is_nan(outcome: Outcome) -> None:
    for record in outcome.forecasts:
        message = decode_forecast(record.value or b"")
        numbers = [*message.mean, *(number for level in message.quantiles.values() for number in level)]
        assert all(math.isfinite(number) for number in numbers)
