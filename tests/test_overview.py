"""Laws of what the parent tells: the sum of its workers, and which of them is in trouble."""

from collections.abc import Mapping
from urllib.parse import unquote

import msgspec
import pytest
from msgspec import structs

from pipeline.metrics import Metrics
from pipeline.settings import Settings
from pipeline.web.series_list import BusyError, Found, Listed, Listing, Row
from pipeline.web.series_status import SeriesStatus
from pipeline.web.status import ExpertWeight, Gates, PartitionStatus, State, Status
from pipeline.workers.overview import MANY_FAILURES, Overview
from pipeline.workers.pipes import Ended
from pipeline.workers.process import Seen, UnansweredError
from pipeline.workers.supervisor import Place, Roster
from pipeline.workers.totals import Sample, added, counted, read
from tests.fakes import ManualClock
from tests.shown import silent

NOBODY = Status(state="connecting", group="g", instance="base", version="1", started=5.0)
DEADLINE = 60.0


def partition(number: int, series: int = 1, topic: str = "events") -> PartitionStatus:
    return PartitionStatus(
        topic=topic,
        partition=number,
        next_offset=0,
        end_offset=0,
        lag=0,
        series=series,
        learning_steps=0,
        drifts=0,
    )


def status(state: State = "ready", *partitions: PartitionStatus) -> Status:
    return Status(state=state, group="g", instance="base-0", version="1", started=9.0, partitions=partitions)


def one(name: str, number: int, topic: str = "events") -> SeriesStatus:
    return silent(name, topic, number)


class Told:
    """A worker that tells what the test says.

    Parameters
    ----------
    answers
        By path: the body, or the code of an answer without one.
    """

    def __init__(self, seen: Seen | None = None, answers: Mapping[str, object] | None = None, pid: int = 7) -> None:
        self.pid, self.seen, self._answers = pid, seen, answers or {}
        self.up_at: float | None = None
        self.ended: Ended | None = None
        self.code: int | None = None

    def ask(self, path: str) -> tuple[int, bytes]:
        if self.seen is None or not self._answers:
            raise UnansweredError("it does not")
        body = next((body for start, body in self._answers.items() if unquote(path).startswith(start)), 404)
        return (body, b"{}") if isinstance(body, int) else (200, msgspec.json.encode(body))

    def stop(self) -> None:
        raise AssertionError("nobody is stopped here")

    def change(self, settings: Settings) -> None:
        raise AssertionError(f"nobody is told of {settings} here")


class Parent:
    """An overview of some workers."""

    def __init__(self, *workers: Told | None, kept: Mapping[Sample, float] | None = None) -> None:
        self.clock = ManualClock()
        self.places = [Place(number, worker) for number, worker in enumerate(workers)]
        self.kept, self.is_stopping = kept or {}, False
        self.overview = Overview(self._roster, NOBODY, DEADLINE, self.clock)

    def _roster(self) -> Roster:
        return Roster(tuple(self.places), added([self.kept]), self.is_stopping)


def seen(told: Status | None, at: float = 1000.0, trouble: str = "") -> Seen:
    metrics = Metrics()
    if told is not None:
        metrics.forecasts.inc(told.forecasts)
        metrics.observations.inc(told.observations)
    return Seen(at, metrics.render()[0].decode(), told, trouble)


def test_counts_are_summed_with_what_the_dead_had_counted() -> None:
    first = structs.replace(status("ready", partition(1)), observations=5, forecasts=4, late=1, events_per_second=2.0)
    second = structs.replace(status("ready", partition(0)), observations=7, forecasts=7, events_per_second=3.0)
    dead = Metrics()
    dead.observations.inc(10)
    dead.dead_letters.labels("not_json").inc(3)
    dead.dead_letters.labels("no_value").inc(4)
    dead.skipped.labels("where").inc(2)
    dead.forecasts.inc(3)
    parent = Parent(Told(seen(first)), Told(seen(second)), kept=counted(read(dead.render()[0].decode())))
    told = parent.overview.status()
    assert (told.observations, told.forecasts, told.dead_letters, told.late, told.skipped) == (22, 14, 7, 1, 2)
    assert told.observations == told.forecasts + told.dead_letters + told.late
    assert told.events_per_second == 5.0
    assert [held.partition for held in told.partitions] == [0, 1]
    assert (told.instance, told.started) == ("base", 5.0)


def scored(series: int, ours: float, last_value: float, share: float) -> Status:
    return structs.replace(
        status("ready", partition(series, series)),
        mae_model=ours,
        mae_last_value=last_value,
        skill=1 - ours / last_value,
        gates=Gates(forget=share, input=share, output=share),
        experts=(ExpertWeight(expert="lstm", needs_lstm=True, weight=share),),
        lstm_share=share,
    )


def test_errors_gates_and_weights_are_means_over_series() -> None:
    workers = (scored(1, 0.2, 0.4, 0.1), status("ready", partition(0, 1000)), scored(3, 0.6, 0.8, 0.5))
    told = Parent(*(Told(seen(each)) for each in workers)).overview.status()
    assert told.gates is not None
    assert told.mae_model == pytest.approx(0.5)
    assert told.skill == pytest.approx(1 - 0.5 / 0.7)
    assert (told.lstm_share, told.gates.forget, told.experts[0].weight) == pytest.approx((0.4, 0.4, 0.4))


def test_before_anything_was_scored_no_error_is_told() -> None:
    told = Parent(Told(seen(status()))).overview.status()
    assert (told.skill, told.mae_model, told.gates, told.experts, told.lstm_share) == (None, None, None, (), None)


@pytest.mark.parametrize(
    ("states", "together"),
    [
        (("ready", "ready"), "ready"),
        (("ready", "catching_up"), "catching_up"),
        (("assigning", "catching_up"), "assigning"),
        (("ready", None), "connecting"),
        (("stopping", "ready"), "stopping"),
    ],
)
def test_all_together_are_where_the_last_one_is(states: tuple[State | None, State | None], together: State) -> None:
    parent = Parent(*(Told(None if state is None else seen(status(state))) for state in states))
    assert parent.overview.status().state == together
    assert parent.overview.ready() == (together == "ready")


def test_one_that_is_dead_is_not_waited_for_but_nobody_alive_is_not_ready() -> None:
    parent = Parent(Told(seen(status("ready", partition(0)))), None)
    parent.places[1] = parent.places[1]._replace(why="was killed by SIGKILL", failures=1)
    assert parent.overview.ready()
    assert parent.overview.status().message == "worker 1: was killed by SIGKILL, and is to be started again"
    parent.places[0] = parent.places[0]._replace(process=None)
    assert not parent.overview.ready()


def test_what_all_say_is_told_once() -> None:
    same = structs.replace(status("connecting"), message="no broker")
    assert Parent(Told(seen(same)), Told(seen(same))).overview.status().message == "no broker"
    told = Parent(Told(seen(same)), Told(seen(same)), Told()).overview.status().message
    assert told == "workers 0, 1: no broker · worker 2: starting"


def test_the_age_is_that_of_the_oldest() -> None:
    old = structs.replace(status(), age=2.0, doing="fold")
    parent = Parent(Told(seen(old)), Told(seen(structs.replace(status(), age=1.0, doing="poll"), at=998.5)))
    parent.clock.pause(10.0)
    told = parent.overview.status()
    assert (told.age, told.doing) == (12.5, "poll")


def test_each_worker_is_told() -> None:
    parent = Parent(Told(seen(status("ready", partition(0), partition(1)))), Told(pid=8), None)
    parent.places[2] = parent.places[2]._replace(why="ended with code 1", restarts=3)
    assert [
        (one.number, one.pid, one.state, one.partitions, one.restarts) for one in parent.overview.status().workers
    ] == [
        (0, 7, "ready", 2, 0),
        (1, 8, "starting", 0, 0),
        (2, 0, "restarting", 0, 3),
    ]


def test_one_that_starts_is_no_trouble_however_long_it_takes() -> None:
    parent = Parent(Told(), Told(seen(status())))
    parent.clock.pause(DEADLINE - 1)
    assert parent.overview.trouble() == ""


def test_trouble_is_told_with_the_worker() -> None:
    parent = Parent(Told(seen(status(), trouble="the loop has not turned")), Told(seen(status(), at=900.0)), None)
    parent.places[2] = parent.places[2]._replace(why="ended with code 1", failures=MANY_FAILURES)
    assert parent.overview.trouble() == (
        "worker 0: the loop has not turned; worker 1 has not answered for 100 s;"
        " worker 2 ended with code 1, 3 times in a row; the log may say why"
    )


def test_metrics_are_there_before_any_worker_is() -> None:
    content, content_type = Parent(Told()).overview.metrics()
    page = read(content.decode())
    assert (page[Sample("lstm_stream_workers")], page[Sample("lstm_stream_forecasts_total")]) == (0, 0)
    assert content_type.startswith("text/plain")


def test_metrics_are_those_of_all() -> None:
    told = structs.replace(status(), forecasts=4)
    kept = {Sample("lstm_stream_forecasts_total"): 10.0, Sample("lstm_stream_worker_restarts_total"): 1.0}
    content, _ = Parent(Told(seen(told)), Told(seen(told)), Told(), kept=kept).overview.metrics()
    page = read(content.decode())
    assert page[Sample("lstm_stream_forecasts_total")] == 18
    assert page[Sample("lstm_stream_worker_restarts_total")] == 1


def found(*names: str, total: int | None = None, age: float | None = 0.5) -> dict[str, object]:
    return {"/api/series?": Found(series=names, total=len(names) if total is None else total, age=age)}


def test_names_of_all_are_in_order_and_each_once() -> None:
    parent = Parent(
        Told(seen(None), found("a", "c", "e")),
        Told(seen(None), found("b", "c", total=2, age=2.0)),
        Told(seen(None), found(age=None)),
        Told(),
    )
    assert parent.overview.find("", "", 3) == Found(series=("a", "b", "c"), total=4, age=2.0)


def test_who_holds_nothing_has_no_age() -> None:
    assert Parent(Told(seen(None), found(age=None))).overview.find("", "", 3).age is None


@pytest.mark.parametrize("name", ["pump", "plant/7/flow", "ä 🚰", "50%", "a?b=c#d", "a//b/"])
def test_a_series_is_told_by_the_worker_that_has_it(name: str) -> None:
    path = f"/api/series/{name}"
    parent = Parent(Told(seen(None), {path: 404}), Told(seen(None), {path: one(name, 3)}))
    assert parent.overview.series(name, None) == one(name, 3)
    assert parent.overview.series("nobody", None) is None


def test_one_name_in_several_workers_is_told_by_the_first_place_with_the_others() -> None:
    path = "/api/series/pump"
    last = structs.replace(one("pump", 12), elsewhere=("prices/1",))
    parent = Parent(Told(seen(None), {path: last}), Told(seen(None), {path: one("pump", 2)}))
    told = parent.overview.series("pump", None)
    assert told == structs.replace(one("pump", 2), elsewhere=("events/12", "prices/1"))


def test_a_worker_that_is_busy_counts_only_where_no_other_has_the_series() -> None:
    path = "/api/series/pump"
    busy = Told(seen(None), {path: 503})
    assert Parent(busy, Told(seen(None), {path: one("pump", 2)})).overview.series("pump", None) == one("pump", 2)
    with pytest.raises(BusyError, match="ask again"):
        Parent(busy, Told(seen(None), {path: 404})).overview.series("pump", None)


def test_a_place_that_is_asked_for_is_passed_on() -> None:
    parent = Parent(Told(seen(None), {"/api/series/pump?at=events/2": one("pump", 2)}))
    assert parent.overview.series("pump", "events/2") == one("pump", 2)
    assert parent.overview.series("pump", "events/3") is None


def test_while_all_end_that_is_told() -> None:
    parent = Parent(Told(seen(status())), None)
    parent.is_stopping = True
    told = parent.overview.status()
    assert (told.state, told.message) == ("stopping", "")


def rows(*scores: float) -> Listed:
    told = [
        Row(
            series=f"series-{score}",
            topic="events",
            partition=0,
            observations=1,
            last_time=0,
            last_value=1.0,
            skill=None,
            surprise=score,
            recent_surprise=score,
        )
        for score in scores
    ]
    return Listed(rows=tuple(told), total=len(told), age=scores[0])


def test_the_list_of_all_workers_is_in_one_order() -> None:
    path = "/api/list?search=s&sort=surprise&descending=True&offset=0&limit=4"
    parent = Parent(
        Told(seen(None), {path: rows(0.9, 0.5, 0.1)}),
        Told(seen(None), {path: rows(0.7, 0.6)}),
        Told(seen(None), {path: 503}),
    )
    listed = parent.overview.listed(Listing(search="s", offset=1, limit=3))
    assert [row.recent_surprise for row in listed.rows] == [0.7, 0.6, 0.5]
    assert (listed.total, listed.age) == (5, 0.9)


def test_a_horizon_that_is_asked_for_is_passed_on() -> None:
    parent = Parent(Told(seen(None), {"/api/series/pump?horizon=3": one("pump", 2)}))
    assert parent.overview.series("pump", None, 3) == one("pump", 2)


def test_the_weights_that_workers_have_are_told_once_and_each_where_they_differ() -> None:
    one = structs.replace(status(), weights="mine.safetensors", weights_digest="ab")
    other = structs.replace(one, weights_digest="cd")
    for statuses, digests in (([one, one], "ab"), ([one, other], "ab, cd")):
        told = Parent(*(Told(seen(each)) for each in statuses)).overview.status()
        assert (told.weights, told.weights_digest) == ("mine.safetensors", digests)
