"""A replay is what the daemon reads with the same settings, and nothing comes before it is due."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_stream import Observation
from pipeline.events.decoder import Decoded, Decoder
from pipeline.files.events import Event
from pipeline.fleet import BLOCK, HOUR, START, Fleet
from pipeline.messages import Outgoing, Record
from pipeline.replay import Form, FormError, Pace, paced
from pipeline.settings import Events

SECOND = 1_000_000

numbers = st.one_of(st.floats(-1e30, 1e30), st.just(math.nan))
observations = st.builds(
    Observation,
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50),
    st.integers(-(10**15), 10**15),
    numbers,
)


def read_back(sent: Outgoing, events: Events) -> Decoded:
    return Decoder(events).decode(Record("events", 0, 0, -1, sent.key, sent.value))


@given(
    observations,
    st.sampled_from(
        [
            Events(),
            Events(series="meta.id", timestamp="at", values=("data.value",)),
            Events(series='labels."app.io/name"', values=("points[0].v",), timezone="Europe/Berlin"),
            Events(timestamp_format="us"),
            Events(timestamp_format="ns", values=("v",)),
            Events(timestamp_format="%d/%m/%Y %H:%M:%S.%f %z", timezone="Asia/Kolkata"),
        ]
    ),
)
def test_an_event_is_read_back_as_the_same_observation(observation: Observation, events: Events) -> None:
    decoded = read_back(Form(events).record(Event.of(observation)), events)
    assert repr(decoded.observations) == repr((observation,))  # as text, where a NaN equals a NaN


@given(st.tuples(*4 * [numbers]), st.integers(-(10**15), 10**15))
def test_an_event_of_several_values_and_covariates_is_read_back_as_it_was(drawn: tuple[float, ...], time: int) -> None:
    events = Events(values=("temp", "data.rpm"), covariates=("holiday", "weather.wind"))
    decoded = read_back(Form(events).record(Event("pump", time, drawn[:2], drawn[2:])), events)
    written = tuple(Observation(f"pump/{path}", time, value) for path, value in zip(events.values, drawn, strict=False))
    (event,) = decoded.events
    assert repr((event.observations, event.rejects, event.covariates)) == repr((written, (), drawn[2:]))


@pytest.mark.parametrize(
    ("events", "key"),
    [
        (Events(series="{name}/{tags.host}"), "series"),
        (Events(series="'boiler'"), "series"),
        (Events(timestamp="{header:ce_time}"), "timestamp"),
        (Events(points=("metrics[]",)), "points"),
        (Events(where=("type = reading",)), "where"),
    ],
)
def test_what_cannot_be_inverted_is_refused_with_its_setting(events: Events, key: str) -> None:
    with pytest.raises(FormError, match=f"events.{key} cannot be inverted"):
        Form(events).check()
    Form(Events()).check()


def test_an_event_is_keyed_by_its_series() -> None:
    assert Form(Events()).record(Event("pump", 0, (1.0,))).key == b"pump"


class Clock:
    """Goes on only when slept."""

    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def moments(pace: Pace, times: list[int]) -> list[float]:
    """When events of these times, in seconds, are handed out."""
    clock, items = Clock(), [Event("a", time * SECOND, (0.0,)) for time in times]
    return [clock.time - 100 for _ in paced(items, pace.due, now=clock.now, sleep=clock.sleep)]


def test_a_rate_spaces_events_evenly() -> None:
    assert moments(Pace(rate=10), [0, 0, 7, 7]) == pytest.approx([0, 0.1, 0.2, 0.3])


def test_a_speed_follows_the_time_stamps() -> None:
    assert moments(Pace(speed=3600), [50, 50, 3650, 10850]) == pytest.approx([0, 0, 1, 3])


def test_without_either_all_comes_at_once() -> None:
    assert moments(Pace(), [0, 5000, 9000]) == [0, 0, 0]


@given(st.floats(0.1, 1e5), st.integers(1, 200))
def test_nothing_comes_before_it_is_due_nor_much_later(rate: float, count: int) -> None:
    for index, moment in enumerate(moments(Pace(rate=rate), [0] * count)):
        assert -1e-9 <= moment - index / rate <= 0.0051


def test_the_fleet_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    one, same, other = (Fleet(3, seed).values(0, 50).tolist() for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_the_fleet_goes_on_step_by_step_across_its_blocks() -> None:
    fleet = Fleet(2)
    stream = fleet.observations()
    seen = [next(stream) for _ in range(2 * (BLOCK + 3))]
    assert [one.series for one in seen] == ["fleet/00", "fleet/01"] * (BLOCK + 3)
    assert [one.time for one in seen[::2]] == [START + step * HOUR for step in range(BLOCK + 3)]
    assert [one.value for one in seen[-6::2]] == fleet.values(BLOCK, BLOCK)[:3, 0].tolist()


def test_a_working_day_of_the_fleet_resembles_the_day_before_more_than_its_last_hour() -> None:
    values = Fleet().values(0, BLOCK)[:120]
    a_day_before, an_hour_before = (abs(values[24:] - values[24 - lag : -lag]).mean(0) for lag in (24, 1))
    assert (a_day_before < an_hour_before).mean() > 0.9
