"""Laws of a shard with every setting of events: arrays of points, conditions, missing values, a repeated hour."""

import json
import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.counts import Counts
from pipeline.events.decoder import Decoder
from pipeline.fold import Publish
from pipeline.messages import Record, decode_forecast
from pipeline.settings import Events, Settings
from pipeline.shard import Shard
from tests.shard_logs import SETTINGS, folded, fresh, one_of, up_to

EVERYTHING = Settings(
    model=SETTINGS.model,
    events=Events(
        series="{site}/{id}/{unit?}",
        timestamp="t",
        timezone="Europe/Berlin",
        values=("temp", "rpm"),
        absent="skip",
        missing=("unavailable", "-999", "NaN", "Infinity"),
        booleans=True,
        covariates=("holiday",),
        points=("p[]",),
        where=("kind != test", "{header:for} != others"),
    ),
)

VALUES = (1.5, "2.5", True, "off", "unavailable", -999, None, math.inf, math.nan, "x", ...)


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
    point = {"id": int(generator.integers(3)), "temp": float(generator.normal()), "rpm": one_of(generator, VALUES)}
    kind = generator.integers(20)
    others: dict[int, object] = {
        0: point | {"kind": "test"},
        1: {"temp": 1},
        2: point | {"t": local.strftime("%d/%m/%Y")},
        3: point | {"t": local.isoformat(), "id": "zoned"},
        4: 7,
        5: {"id": 1},
        6: point | {"unit": "C"},
        7: point | {"t": {"seconds": int(local.timestamp()), "nanos": 5}},
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
    assert up_to(k - 1, whole) == up_to(k - 1, other)


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
