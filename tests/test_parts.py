"""Laws of a fold in parts: it gives what the whole fold gives, and others get their turn in between."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.fold import Fold, Publish
from pipeline.messages import Record
from pipeline.parts import AIM, LEAST, Folding, Parts
from pipeline.settings import Model, Settings
from pipeline.shard import Shard
from tests.fakes import ChainShard

SMALL = Settings(model=Model(horizon=2, hidden_size=4, window=4, windows=2, replay=16, memory=64))
HOUR = 3600


def log(series: Sequence[int]) -> list[Record]:
    """Events of these series, a bad, a late and a repeated one among them."""
    events = [event(number, name) for number, name in enumerate(series)]
    values = ["bad" if n % 13 == 7 else events[n - 1] if n % 19 == 9 else one for n, one in enumerate(events)]
    return [Record("events", 0, offset, -1, None, value.encode()) for offset, value in enumerate(values)]


def event(number: int, name: int) -> str:
    value = "null" if number % 17 == 5 else f"{number % 24 + name}"
    return f'{{"series": "s{name}", "timestamp": {1_700_000_000 + number * HOUR}, "value": {value}}}'


class Clock:
    """A fold takes so many seconds a record."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self.now, self.sizes = seconds, 0.0, [0]

    def pass_by(self, records: int) -> None:
        self.now += records * self._seconds
        self.sizes.append(records)


class Timed:
    """A shard that takes time."""

    def __init__(self, shard: Folding, clock: Clock) -> None:
        self._shard, self._clock = shard, clock

    def fold(self, records: Sequence[Record], publish: Publish) -> Fold:
        self._clock.pass_by(len(records))
        return self._shard.fold(records, publish)


def without_seconds(fold: Fold) -> Fold:
    return fold._replace(seconds=dict.fromkeys(fold.seconds, 0.0))


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=150),
    st.sampled_from(["every", "latest", "none"]),
    st.sampled_from([0.0, 1e-4, 0.01, 1.0]),
)
def test_a_fold_in_parts_is_the_whole_fold(series: list[int], publish: Publish, seconds: float) -> None:
    records = log(series)
    whole, parted, clock = Shard.fresh("events", 0, 0, SMALL), Shard.fresh("events", 0, 0, SMALL), Clock(seconds)
    folded = Parts(lambda: clock.now, lambda: None).fold(Timed(parted, clock), records, publish)
    at_once = whole.fold(records, publish)
    assert without_seconds(folded)[:-1] == without_seconds(at_once)[:-1]
    for part, other in zip(folded.measures, at_once.measures, strict=True):
        assert np.asarray(part) == pytest.approx(np.asarray(other))
    assert sum(clock.sizes) == len(records)


@pytest.mark.parametrize("seconds", [1e-5, 1e-3, 4e-3])
def test_parts_take_about_the_time_that_a_question_may_wait(seconds: float) -> None:
    clock, turns = Clock(seconds), []
    parts = Parts(lambda: clock.now, lambda: turns.append(clock.now))
    parts.fold(Timed(ChainShard.fresh("events", 0, 0, SMALL), clock), log([0] * 1500), "none")
    longest = max(after - before for before, after in zip([0.0, *turns], turns, strict=False))
    assert longest <= 2 * AIM
    assert all(size >= LEAST for size in clock.sizes[1:-1])
    assert len(turns) < 12 + 1500 * seconds / AIM * 2
