"""The laws of a shard: it is a fold of its partition's log."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from pipeline.counts import Counts
from pipeline.fingerprints import FingerprintError
from pipeline.fold import Publish
from pipeline.messages import Record, decode_forecast
from pipeline.settings import Events, Kafka, Model, Settings
from pipeline.shard import Shard
from tests.shard_logs import SETTINGS, event, folded, fresh, log, up_to


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**16), cuts=st.lists(st.integers(0, 200), max_size=8))
def test_any_split_of_a_log_gives_the_same_bytes(seed: int, cuts: list[int]) -> None:
    records = log(seed)
    whole, parts = folded(fresh(), records, []), folded(fresh(), records, cuts)
    assert sorted(map(str, parts)) == sorted(map(str, whole))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**16), stop=st.integers(0, 200))
def test_a_shard_at_rest_in_mid_stream_goes_on_as_if_nothing_had_been(seed: int, stop: int) -> None:
    records = log(seed)
    first = fresh()
    before = folded(first, records[:stop], [])
    second = Shard.load("events", 0, *first.dump(), SETTINGS)
    assert second.next_offset == first.next_offset
    uninterrupted = fresh()
    assert before == folded(uninterrupted, records[:stop], [])
    assert folded(second, records[stop:], []) == folded(uninterrupted, records[stop:], [])


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**16), k=st.integers(1, 199))
def test_no_forecast_depends_on_a_record_behind_its_own(seed: int, k: int) -> None:
    records, others = log(seed), log(seed + 1)
    changed = (
        records[:k]
        + [Record("events", 0, r.offset, -1, o.key, o.value) for r, o in zip(records, others, strict=True)][k:]
    )
    whole, other = (fresh().fold(these, "every").forecasts for these in (records, changed))
    edge = records[k - 1].offset
    assert up_to(edge, whole) == up_to(edge, other)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**16), publish=st.sampled_from(["every", "latest"]))
def test_every_observation_is_counted_once(seed: int, publish: Publish) -> None:
    fold = fresh().fold(log(seed), publish)
    counts = fold.counts
    parts = (counts.forecasts, counts.superseded, counts.late, counts.repeated, sum(counts.dead_letters.values()))
    assert counts.observations == sum(parts) == 200
    assert (len(fold.forecasts), len(fold.dead_letters)) == (counts.forecasts, sum(counts.dead_letters.values()))


def test_a_silent_fold_changes_the_state_alike_and_says_nothing() -> None:
    records = log(7)
    silent, loud = fresh(), fresh()
    assert folded(silent, records[:100], [], "none") == []
    folded(loud, records[:100], [])
    assert folded(silent, records[100:], []) == folded(loud, records[100:], [])


def test_latest_tells_the_newest_forecast_of_each_series() -> None:
    records = [event(i, "ab"[i % 2], 3600 * i, float(i)) for i in range(10)]
    every, latest = fresh().fold(records, "every").forecasts, fresh().fold(records, "latest").forecasts
    assert latest == every[-2:]


@pytest.mark.parametrize("given_as", [("loads", "prices"), "/loads|prices/"])
def test_series_of_one_name_in_several_topics_have_forecasts_of_different_ids(given_as: str | tuple[str, ...]) -> None:
    several = structs.replace(SETTINGS, kafka=Kafka(input=given_as))
    ids = []
    for topic in ("loads", "prices"):
        (forecast,) = Shard.fresh(topic, 0, 0, several).fold([event(0, "a", 3600, 1.0)], "every").forecasts
        ids.append(decode_forecast(forecast.value or b"").id)
    assert ids == ["loads/a@1970-01-01T01:00:00Z", "prices/a@1970-01-01T01:00:00Z"]


def test_a_forecast_names_its_source_and_keeps_its_promises() -> None:
    records = [event(5 + i, "a", 3600 * i, float(i % 24)) for i in range(100)]
    fold = fresh().fold(records, "every")
    assert fold.forecasts[-1].key == b"a"
    message = decode_forecast(fold.forecasts[-1].value or b"")
    assert (message.series, message.origin, message.id) == ("a", "1970-01-05T03:00:00Z", "a@1970-01-05T03:00:00Z")
    assert (message.source.topic, message.source.partition, message.source.offset) == ("events", 0, 104)
    assert (message.step_seconds, message.horizon, message.status) == (3600.0, 3, "ok")
    assert list(message.quantiles) == ["0.05", "0.5", "0.95"]
    low, high = message.quantiles["0.05"], message.quantiles["0.95"]
    assert all(a < b for a, b in zip(low, high, strict=True))
    assert message.surprise is not None


def test_several_values_of_an_event_are_series_of_their_own_and_the_bad_ones_alone_are_dead() -> None:
    several = Settings(model=SETTINGS.model, events=Events(timestamp_format="s", values=("temp", "rpm")))
    body = json.dumps({"series": "m", "timestamp": 0, "temp": 20.5, "rpm": True}).encode()
    fold = Shard.fresh("events", 0, 0, several).fold([Record("events", 0, 0, -1, None, body)], "every")
    assert [out.key for out in fold.forecasts] == [b"m/temp"]
    assert fold.counts == Counts(observations=2, forecasts=1, dead_letters={"bad_value": 1})


def test_an_offset_that_came_before_is_never_folded_again() -> None:
    shard = fresh()
    records = log(1)
    shard.fold(records, "every")
    with pytest.raises(AssertionError, match="came again"):
        shard.fold(records[-1:], "every")


def test_a_checkpoint_of_other_settings_is_refused_with_the_difference_named() -> None:
    other = Settings(model=Model(horizon=3, hidden_size=16, window=8, windows=4, replay=16, memory=128))
    with pytest.raises(FingerprintError, match=r"model\.hidden_size was 8 and is now 16.*--rebuild"):
        Shard.load("events", 0, *fresh().dump(), other)


@pytest.mark.parametrize("spoil", [{"format": 0}, {"counts": "many"}, {}])
def test_a_checkpoint_of_another_version_is_refused_with_the_way_out(spoil: dict[str, object]) -> None:
    header, arrays = fresh().dump()
    bank = header["bank"]
    assert isinstance(bank, dict)
    if not spoil:
        del arrays["history.age"]
    with pytest.raises(FingerprintError, match=r"of another version.*--rebuild"):
        Shard.load("events", 0, header | {"bank": bank | spoil}, arrays, SETTINGS)
