"""The laws of a shard: it is a fold of its partition's log."""

import json
import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from lstm_stream import OF_THE_LSTM, Bank, Expert, ExpertForecasts, Forecasts, Hyperparameters
from pipeline.counts import Counts
from pipeline.events import Decoder
from pipeline.fingerprints import FingerprintError
from pipeline.fold import Publish
from pipeline.hyperparameters import hyperparameters
from pipeline.messages import Outgoing, Record, decode_forecast
from pipeline.portrait import steps_before
from pipeline.settings import Events, Kafka, Model, Settings
from pipeline.shard import Shard

HOUR = 3_600_000_000  # microseconds
SETTINGS = Settings(
    events=Events(timestamp_format="s"),
    model=Model(horizon=3, hidden_size=8, window=8, windows=4, replay=16, memory=128),
)


def event(offset: int, series: str, time: float, value: object) -> Record:
    body = json.dumps({"series": series, "timestamp": time, "value": value}).encode()
    return Record("events", 0, offset, -1, series.encode(), body)


def log(seed: int, length: int = 200) -> list[Record]:
    """A log with good events, bad records, late and repeated observations, nulls and holes in its offsets."""
    generator = np.random.default_rng(seed)
    offsets = np.cumsum(generator.integers(1, 3, length)).tolist()
    clock = np.cumsum(generator.integers(0, 3, length)).tolist()
    kinds = generator.choice(6, length, p=[0.8, 0.04, 0.04, 0.04, 0.04, 0.04]).tolist()
    return [
        _record(kind, offset, f"s{generator.integers(5)}", 3600 * (100 + time), float(generator.normal()))
        for kind, offset, time in zip(kinds, offsets, clock, strict=True)
    ]


def _record(kind: int, offset: int, series: str, time: int, value: float) -> Record:
    good = event(offset, series, time, value)
    bad = Record("events", 0, offset, -1, b"k", b"not json")
    late, null, word = (event(offset, series, *other) for other in ((3600 * 50, 1.0), (time, None), (time, "x")))
    return [good, bad, late, null, word, event(offset, "new" + str(offset), time, None)][kind]


def folded(shard: Shard, records: list[Record], cuts: list[int], publish: Publish = "every") -> list[Outgoing]:
    edges = [0, *sorted(min(cut, len(records)) for cut in cuts), len(records)]
    folds = [shard.fold(records[a:b], publish) for a, b in pairwise(edges)]
    return [out for fold in folds for out in (*fold.forecasts, *fold.dead_letters)]


def fresh() -> Shard:
    return Shard.fresh("events", 0, 0, SETTINGS)


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
    assert _up_to(edge, whole) == _up_to(edge, other)


def _up_to(edge: int, forecasts: list[Outgoing]) -> list[bytes]:
    values = [out.value for out in forecasts if out.value is not None]
    return [value for value in values if decode_forecast(value).source.offset <= edge]


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


GROUPS = Settings(
    model=SETTINGS.model,
    events=Events(timestamp_format="s", values=("temp", "rpm", "load"), covariates=("holiday", "weather.wind")),
)
COVARIATES = (0, 1, -3.5, "2.5", True, False)
GARBAGE = (None, "windy", math.nan, math.inf, 1e31, 10**400, [1], {"a": 1})


def machine(offset: int, name: str, time: float, holiday: object, **values: object) -> Record:
    """An event of several values; a covariate that is ... is left out."""
    fields = {"series": name, "timestamp": time, "holiday": holiday, "weather": {"wind": time % 7}} | values
    body = json.dumps({key: value for key, value in fields.items() if value is not ...}).encode()
    return Record("events", 0, offset, -1, None, body)


def log_of_groups(seed: int, garbage: tuple[object, ...] = GARBAGE, length: int = 150) -> list[Record]:
    """Events of machines, some with bad, null or missing values, some late; a third of their covariates are garbage."""
    generator = np.random.default_rng(seed)
    clock = np.cumsum(generator.integers(0, 3, length)) - 40 * (generator.random(length) < 0.05)
    masked = generator.random(length) < 1 / 3
    return [
        machine(
            offset,
            f"m{generator.integers(3)}",
            3600.0 * (100 + int(clock[offset])),
            _one_of(generator, garbage if masked[offset] else COVARIATES),
            temp=float(generator.normal()),
            rpm=_one_of(generator, (5.0, 6, None, "x", math.nan)),
            load=_one_of(generator, (1, 2.5, 3, 4)),
        )
        for offset in range(length)
    ]


def _one_of(generator: np.random.Generator, choices: tuple[object, ...]) -> object:
    return choices[int(generator.random() * len(choices))]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**16), cuts=st.lists(st.integers(0, 150), max_size=8))
def test_any_split_of_a_log_of_groups_gives_the_same_bytes(seed: int, cuts: list[int]) -> None:
    records = log_of_groups(seed)
    whole, parts = (folded(Shard.fresh("events", 0, 0, GROUPS), records, where) for where in ([], cuts))
    assert sorted(map(str, parts)) == sorted(map(str, whole))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**16), stop=st.integers(0, 150))
def test_a_shard_of_groups_at_rest_goes_on_as_if_nothing_had_been(seed: int, stop: int) -> None:
    records = log_of_groups(seed)
    first, uninterrupted = (Shard.fresh("events", 0, 0, GROUPS) for _ in range(2))
    assert folded(first, records[:stop], []) == folded(uninterrupted, records[:stop], [])
    second = Shard.load("events", 0, *first.dump(), GROUPS)
    assert folded(second, records[stop:], []) == folded(uninterrupted, records[stop:], [])


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_a_covariate_that_is_garbage_is_as_one_that_is_absent(seed: int) -> None:
    rubbish, absent = (
        Shard.fresh("events", 0, 0, GROUPS).fold(log_of_groups(seed, kind), "every") for kind in (GARBAGE, (...,))
    )
    assert (rubbish.forecasts, rubbish.counts) == (absent.forecasts, absent.counts)
    assert rubbish.counts.masked_covariates > 0


class Spy(Bank):
    """Notes what it is told beside the values."""

    def __init__(self, rules: Hyperparameters) -> None:
        super().__init__(rules)
        self.told: list[tuple[Any, Any]] = []

    def observe(self, *args: Any, **kwargs: Any) -> Forecasts:
        self.told.append((kwargs["events"], kwargs["covariates"]))
        return super().observe(*args, **kwargs)


def told_to_the_bank(records: list[Record], chosen: Settings) -> tuple[Any, Any]:
    bank = Spy(hyperparameters(chosen))
    Shard("events", 0, 0, chosen, bank).fold(records, "every")
    (told,) = bank.told
    return told


def test_the_bank_is_told_which_values_came_together_and_what_was_known_with_them() -> None:
    records = [
        machine(3, "a", 0.0, True, temp=1, rpm=2, load=3),
        Record("events", 0, 4, -1, None, b"not json"),
        machine(5, "a", 3600.0, 1, temp="x", rpm="x", load="x"),
        machine(7, "b", 8.0, "?", temp=1, rpm="x", load=3),
    ]
    events, covariates = told_to_the_bank(records, GROUPS)
    assert events.tolist() == [0, 0, 0, 1, 1]
    assert str(covariates.tolist()) == str([[1.0, 0.0]] * 3 + [[math.nan, 1.0]] * 2)
    fold = Shard.fresh("events", 0, 0, GROUPS).fold(records, "every")
    assert fold.counts.masked_covariates == 1


def test_nothing_is_told_to_the_bank_where_events_hold_one_value_and_no_covariates() -> None:
    assert told_to_the_bank(log(3), SETTINGS) == (None, None)


def test_one_value_in_an_event_may_have_covariates() -> None:
    chosen = Settings(model=SETTINGS.model, events=Events(timestamp_format="s", covariates=("holiday",)))
    records = [machine(offset, "a", 3600.0 * offset, offset, value=1) for offset in range(3)]
    events, covariates = told_to_the_bank(records, chosen)
    assert (events, covariates.tolist()) == (None, [[0.0], [1.0], [2.0]])


def test_covariates_shape_the_state_in_number_and_by_name() -> None:
    assert hyperparameters(GROUPS).covariates == 2
    other = Settings(model=SETTINGS.model, events=Events(values=GROUPS.events.values, covariates=("holiday",)))
    with pytest.raises(FingerprintError, match=r"events\.covariates was \['holiday', 'weather.wind'\] and is now"):
        Shard.load("events", 0, *Shard.fresh("events", 0, 0, GROUPS).dump(), other)


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


def test_a_shard_tells_how_its_model_and_each_series_stand() -> None:
    shard = fresh()
    fold = shard.fold([event(i, "a", 3600 * i, float(i % 24)) for i in range(100)], "every")
    status = shard.status()
    assert (status.series, shard.series(), status.skipped_learning_steps) == (1, ("a",), 0)
    assert status.learning_steps > 0
    assert status.mae_model > 0
    assert status.drifts == shard.bank.diagnostics.drifts
    assert sum(one.weight for one in status.experts) == pytest.approx(1)
    series = shard.series_status("a")
    assert series is not None
    message = decode_forecast(fold.forecasts[-1].value or b"")
    assert list(series.mean) == message.mean
    share = sum(one.weight for one in status.experts if one.needs_lstm)
    assert share == pytest.approx(message.model.lstm_share, abs=1e-3)
    assert series.recent_values == tuple(float(i % 24) for i in range(100))[-len(series.recent_values) :]
    assert (series.last_value, series.observations, series.step_seconds) == (3.0, 100, 3600.0)
    assert shard.series_status("b") is None


def test_a_value_that_is_missing_is_not_told_as_one_that_came() -> None:
    shard = fresh()
    shard.fold([event(i, "a", 3600 * i, None if i == 9 else float(i)) for i in range(10)], "every")
    series = shard.series_status("a")
    assert series is not None
    assert (series.last_value, series.recent_values) == (None, (*map(float, range(9)), None))


@pytest.mark.parametrize("spoil", [{"format": 0}, {"counts": "many"}, {}])
def test_a_checkpoint_of_another_version_is_refused_with_the_way_out(spoil: dict[str, object]) -> None:
    header, arrays = fresh().dump()
    bank = header["bank"]
    assert isinstance(bank, dict)
    if not spoil:
        del arrays["history.age"]
    with pytest.raises(FingerprintError, match=r"of another version.*--rebuild"):
        Shard.load("events", 0, header | {"bank": bank | spoil}, arrays, SETTINGS)


def test_a_forecast_tells_what_share_of_it_rests_on_the_lstm() -> None:
    values = np.arange(100, dtype=np.float64) % 5
    told = fresh().fold([event(i, "a", 3600 * i, value) for i, value in enumerate(values.tolist())], "every").forecasts
    shares = [decode_forecast(out.value or b"").model.lstm_share for out in told]
    by_expert = ExpertForecasts.zeros(100, len(Expert), SETTINGS.model.horizon)
    Bank(hyperparameters(SETTINGS)).observe(["a"] * 100, HOUR * np.arange(100), values, by_expert=by_expert)
    assert shares == pytest.approx(by_expert.weights[:, OF_THE_LSTM].sum(1).mean(1).tolist(), abs=1e-3)


EVERYTHING = Settings(
    model=SETTINGS.model,
    events=Events(
        series="{site}/{id}",
        timestamp="t",
        timezone="Europe/Berlin",
        values=("temp", "rpm"),
        absent="skip",
        missing=("unavailable", "-999"),
        booleans=True,
        covariates=("holiday",),
        points=("p[]",),
        where=("kind != test", "{header:for} != others"),
    ),
)
VALUES = (1.5, "2.5", True, "off", "unavailable", -999, None, "x", ...)


def log_of_everything(seed: int, length: int = 60) -> list[Record]:
    """Records of several points over the night that autumn repeats an hour of, in local time; some are no good."""
    generator = np.random.default_rng(seed)
    start = datetime(2026, 10, 24, 20, 0, tzinfo=UTC)
    log = []
    for offset in range(length):
        local = (start + timedelta(minutes=10 * offset)).astimezone(ZoneInfo("Europe/Berlin"))
        points = [_point(generator, local) for _ in range(generator.integers(0, 5))]
        record: dict[str, object] = {"site": "s", "t": local.strftime("%Y-%m-%d %H:%M"), "holiday": 1, "p": points}
        body = json.dumps(record).encode()
        lines = {0: b"broken", 1: b'{"site": "s"}', 2: body + b"\nbroken\n" + body, 3: b'{"kind": "test"}', 4: b""}
        others = (("for", b"others"),) if generator.random() < 0.05 else ()
        log.append(Record("events", 0, offset, -1, None, lines.get(int(generator.integers(30)), body), others))
    return log


def _point(generator: np.random.Generator, local: datetime) -> object:
    """An element; now and then of a test, without its name, with a time of its own, or none at all."""
    point = {"id": int(generator.integers(3)), "temp": float(generator.normal()), "rpm": _one_of(generator, VALUES)}
    kind = generator.integers(20)
    others: dict[int, object] = {
        0: point | {"kind": "test"},
        1: {"temp": 1},
        2: point | {"t": local.strftime("%d/%m/%Y")},
        3: point | {"t": local.isoformat(), "id": "zoned"},
        4: 7,
        5: {"id": 1},
    }
    chosen = others.get(int(kind), point)
    return {key: value for key, value in chosen.items() if value is not ...} if isinstance(chosen, dict) else chosen


def everything() -> Shard:
    return Shard.fresh("events", 0, 0, EVERYTHING)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**16), cuts=st.lists(st.integers(0, 60), max_size=8))
def test_any_split_gives_the_same_bytes_with_every_setting_of_events(seed: int, cuts: list[int]) -> None:
    records = log_of_everything(seed)
    whole, parts = (folded(everything(), records, where) for where in ([], cuts))
    assert sorted(map(str, parts)) == sorted(map(str, whole))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**16), stop=st.integers(0, 60))
def test_a_crash_changes_nothing_with_every_setting_of_events(seed: int, stop: int) -> None:
    records = log_of_everything(seed)
    first, uninterrupted = everything(), everything()
    assert folded(first, records[:stop], []) == folded(uninterrupted, records[:stop], [])
    header, arrays = first.dump()
    second = Shard.load("events", 0, json.loads(json.dumps(header)), arrays, EVERYTHING)
    assert folded(second, records[stop:], []) == folded(uninterrupted, records[stop:], [])
    assert second.dump().header == uninterrupted.dump().header


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**16), k=st.integers(1, 59))
def test_no_forecast_depends_on_what_comes_with_every_setting_of_events(seed: int, k: int) -> None:
    records, others = log_of_everything(seed), log_of_everything(seed + 1)
    whole, other = (everything().fold(these, "every").forecasts for these in (records, records[:k] + others[k:]))
    assert _up_to(k - 1, whole) == _up_to(k - 1, other)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**16), publish=st.sampled_from(["every", "latest"]))
def test_points_and_skipped_ones_are_accounted_for(seed: int, publish: Publish) -> None:
    records = log_of_everything(seed)
    fold = everything().fold(records, publish)
    counts = fold.counts
    dead = sum(counts.dead_letters.values())
    decoded = [Decoder(EVERYTHING.events).decode(record) for record in records]
    assert counts.observations == sum(len(one.observations) + len(one.rejects) for one in decoded)
    assert counts.observations == counts.forecasts + counts.superseded + counts.late + counts.repeated + dead
    assert counts.skipped == Counter(reason for one in decoded for reason in one.skipped)
    assert (len(fold.forecasts), len(fold.dead_letters)) == (counts.forecasts, dead)
    assert (counts + counts).skipped == {reason: 2 * number for reason, number in counts.skipped.items()}


def test_the_repeated_hour_is_told_apart_in_any_batch_and_after_a_crash() -> None:
    chosen = Settings(model=SETTINGS.model, events=Events(timezone="Europe/Berlin"))
    local = ["01:30", "02:00", "02:30", "02:00", "02:30", "03:00"]
    bodies = [{"series": "a", "timestamp": f"2026-10-25 {clock}", "value": 1} for clock in local]
    records = [Record("events", 0, n, -1, None, json.dumps(body).encode()) for n, body in enumerate(bodies)]
    for stop in range(len(records)):
        shard = Shard.fresh("events", 0, 0, chosen)
        before = folded(shard, records[:stop], [1, 2, 4])
        after = folded(Shard.load("events", 0, *shard.dump(), chosen), records[stop:], [3])
        origins = [decode_forecast(out.value or b"").origin[11:16] for out in before + after]
        assert origins == ["23:30", "00:00", "00:30", "01:00", "01:30", "02:00"]


def test_a_dump_of_before_knows_nothing_of_a_repeated_hour() -> None:
    header, arrays = fresh().dump()
    before = {name: array for name, array in arrays.items() if not name.startswith("repeated_hour")}
    after = Shard.load("events", 0, header, before, SETTINGS).dump().arrays
    assert after.keys() == arrays.keys() > before.keys()
    assert len(after["repeated_hour.times"]) == 0


def test_the_header_of_a_dump_does_not_grow_with_the_series_of_a_repeated_hour() -> None:
    """A checkpoint refuses a header that is too large, and that would end the daemon."""
    chosen = Settings(model=SETTINGS.model, events=Events(timezone="Europe/Berlin"))
    bodies = [{"series": f"{n:0100d}", "timestamp": "2026-10-25 02:00", "value": 1} for n in range(100)]
    shard = Shard.fresh("events", 0, 0, chosen)
    shard.fold([Record("events", 0, n, -1, None, json.dumps(body).encode()) for n, body in enumerate(bodies)], "none")
    assert len(json.dumps(shard.dump().header)) < 100 * 100


def test_points_of_one_record_share_their_source_and_a_null_first_tells_which_it_is() -> None:
    chosen = Settings(model=SETTINGS.model, events=Events(points=("[]",)))
    body = [
        {"series": name, "timestamp": "2026-01-31", "value": value} for name, value in (("a", 1), ("b", None), ("c", 2))
    ]
    fold = Shard.fresh("events", 0, 0, chosen).fold(
        [Record("events", 0, 7, -1, None, json.dumps(body).encode())], "every"
    )
    assert [(out.key, decode_forecast(out.value or b"").source.offset) for out in fold.forecasts] == [
        (b"a", 7),
        (b"c", 7),
    ]
    (letter,) = fold.dead_letters
    assert dict(letter.headers)["lstm_stream.index"] == b"1"
    assert fold.counts == Counts(observations=3, forecasts=2, dead_letters={"null_before_first_value": 1})


def test_how_often_a_large_record_is_copied_depends_on_no_batch() -> None:
    chosen = Settings(model=SETTINGS.model, events=Events(points=("[]",)))
    points = [{"series": f"s{n}", "value": value, "pad": "x" * 200_000} for n, value in enumerate((None, "x", None, 1))]
    body = json.dumps(points).encode()
    records = [Record("events", 0, n, 1769860800000 + n, None, body) for n in range(2)]
    whole, parts = (folded(Shard.fresh("events", 0, 0, chosen), records, cuts) for cuts in ([], [1]))
    assert sorted(map(str, parts)) == sorted(map(str, whole))
    assert sorted(len(out.value or b"") for out in whole if dict(out.headers))[:4] == [0] * 4


def test_a_record_of_thousands_of_points_is_folded() -> None:
    chosen = Settings(model=SETTINGS.model, events=Events(points=("[]",)))
    body = [{"series": f"s{n % 500}", "timestamp": 1769860800 + n // 500, "value": n % 7} for n in range(5000)]
    fold = Shard.fresh("events", 0, 0, chosen).fold(
        [Record("events", 0, 0, -1, None, json.dumps(body).encode())], "every"
    )
    assert fold.counts == Counts(observations=5000, forecasts=5000)


@given(st.integers(0, 20), st.lists(st.integers(0, 200), max_size=4))
@settings(max_examples=10)
def test_no_question_changes_a_forecast(seed: int, cuts: list[int]) -> None:
    records, asked, plain = log(seed), fresh(), fresh()
    edges = [0, *sorted(cuts), len(records)]
    told = []
    for a, b in pairwise(edges):
        told += asked.fold(records[a:b], "every").forecasts
        asked.watch(["s0", "s1", "nobody"])
        for name in (*asked.series(), "nobody"):
            asked.series_status(name)
            asked.sparkline(name, 9)
            asked.track(name)
        asked.table()
        asked.status()
    assert told == plain.fold(records, "every").forecasts
    header, arrays = plain.dump()
    assert asked.dump().header == header
    for name, array in asked.dump().arrays.items():
        np.testing.assert_array_equal(array, arrays[name])


def test_a_series_is_told_with_what_was_forecast_of_it_and_what_became_of_that() -> None:
    shard = fresh()
    values = [50.0 if i == 150 else float(i % 24) for i in range(160)]
    records = [event(i, "a", 3600 * i, value) for i, value in enumerate(values)]
    shard.fold(records[:100], "every")
    shard.watch(["a"])
    made = [decode_forecast(one.value or b"") for one in shard.fold(records[100:], "every").forecasts]
    told = shard.series_status("a")
    assert told is not None
    assert 150 * HOUR in [one.time for one in told.anomalies]
    assert told.surprise is not None
    assert told.earlier is not None
    assert told.gates is not None
    by_time = dict(zip(told.earlier.times, told.earlier.mean, strict=True))
    assert by_time[159 * HOUR] == pytest.approx(made[-2].mean[0], rel=1e-5)
    two = steps_before(shard.track("a"), 2, told)
    assert dict(zip(two.times, two.mean, strict=True))[159 * HOUR] == pytest.approx(made[-3].mean[1], rel=1e-5)
    assert all(0 <= gate <= 1 for gate in (*told.gates.forget, *told.gates.input, *told.gates.output))
    assert told.gates.times[-1] == 159 * HOUR
    assert sum(one.weight for one in told.experts) == pytest.approx(1)
    assert told.lstm_share == pytest.approx(made[-1].model.lstm_share, abs=0.05)


def test_where_an_event_is_a_step_values_are_told_at_the_times_at_which_they_came() -> None:
    irregular = structs.replace(SETTINGS, events=structs.replace(SETTINGS.events, step="event"))
    shard = Shard.fresh("events", 0, 0, irregular)
    times = np.cumsum([1, 5, 2, 9, 4] * 20).tolist()
    shard.fold([event(i, "a", time, float(i)) for i, time in enumerate(times)], "every")
    told = shard.series_status("a")
    assert told is not None
    assert [time / 1e6 for time in told.recent_times] == times[-len(told.recent_times) :]
    assert told.earlier is not None
    assert told.earlier.times == told.recent_times[1:]


def test_all_series_are_told_at_once_as_each_is_told_alone() -> None:
    shard = fresh()
    shard.fold(log(3), "every")
    table = shard.table()
    for row, name in enumerate(table.names):
        told = shard.series_status(name)
        assert (told is not None) == (table.summaries.steps[row] > 0)
        if told is not None:
            assert (told.observations, told.last_time) == (table.summaries.steps[row], table.summaries.last_time[row])
            expected = (told.mae_model, told.mae_last_value)
            actual = (table.summaries.model_error[row], table.summaries.last_value_error[row])
            if None not in expected:
                np.testing.assert_allclose(actual, np.asarray(expected, np.float64), rtol=1e-5)
