"""Laws of the series that are exported one by one: those that are wanted, few, and gone when they leave."""

import pytest
from msgspec import structs

from pipeline.cluster import TopicPartition
from pipeline.exported import EVERY, MOST, STAY, Exported
from pipeline.metric import PREFIX
from pipeline.metrics import Metrics
from pipeline.settings import Metrics as Wanted
from pipeline.web.series_status import SeriesStatus
from pipeline.web.status import Ranking

HERE, THERE = TopicPartition("events", 0), TopicPartition("events", 1)


class Series:
    """A shard of series, each with its key in the ranking."""

    def __init__(self, keys: dict[str, float]) -> None:
        self.keys = keys

    def ranking(self, by: Ranking, count: int) -> list[tuple[float, str]]:
        assert by == "surprise"
        return sorted(((key, name) for name, key in self.keys.items()), reverse=True)[:count]

    def series_status(self, name: str) -> SeriesStatus | None:
        if name not in self.keys:
            return None
        return SeriesStatus(
            series=name,
            topic="events",
            partition=0,
            observations=3,
            step_seconds=60.0,
            last_time=1_700_000_000_000_000,
            last_value=7.0,
            recent_times=(),
            recent_values=(),
            origin=1_700_000_000_000_000,
            mean=(8.0, 9.0),
            quantiles={"0.1": (6.0, 5.0), "0.9": (10.0, 13.0)},
            status="ok",
            skill=0.25,
            surprise=self.keys[name],
        )


def told(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    """The samples of a metric, by their labels but the topic."""
    families = metrics._registry.collect()
    samples = [sample for family in families for sample in family.samples if sample.name == PREFIX + name]
    return {tuple(sample.labels.values())[1:]: sample.value for sample in samples}


def test_a_series_that_is_named_is_exported_wherever_it_is() -> None:
    metrics = Metrics()
    exported = Exported(Wanted(series=("a", "nobody"), steps=(1, 2)), metrics)
    exported.tell({HERE: Series({"a": 0.1, "b": 0.9}), THERE: Series({"a": 0.2})}, 0.0)
    assert told(metrics, "series_value") == {("0", "a"): 7.0, ("1", "a"): 7.0}
    assert told(metrics, "series_forecast")[("0", "a", "2")] == 9.0
    assert told(metrics, "series_forecast_lower")[("0", "a", "1")] == 6.0
    assert told(metrics, "series_forecast_upper")[("1", "a", "2")] == 13.0
    assert told(metrics, "series_surprise") == {("0", "a"): 0.1, ("1", "a"): 0.2}
    assert told(metrics, "series_error_ratio")[("0", "a")] == 0.75
    assert told(metrics, "series_timestamp_seconds")[("0", "a")] == 1_700_000_000.0


def test_the_first_of_the_ranking_stay_for_a_while_and_are_never_more() -> None:
    metrics, shard = Metrics(), Series({f"s{n}": n / 10 for n in range(10)})
    exported = Exported(Wanted(top=3), metrics)
    exported.tell({HERE: shard}, 0.0)
    first = {("0", "s9"), ("0", "s8"), ("0", "s7")}
    assert told(metrics, "series_value").keys() == first
    shard.keys = {f"s{n}": -n / 10 for n in range(10)}
    exported.tell({HERE: shard}, STAY - 1)
    assert told(metrics, "series_value").keys() == first
    exported.tell({HERE: shard}, STAY + EVERY)
    assert told(metrics, "series_value").keys() == {("0", "s0"), ("0", "s1"), ("0", "s2")}


def test_what_has_left_is_told_no_more() -> None:
    metrics, shard = Metrics(), Series({"a": 0.1, "b": 0.2})
    exported = Exported(Wanted(series=("a", "b")), metrics)
    exported.tell({HERE: shard, THERE: Series({"b": 0.3})}, 0.0)
    del shard.keys["a"]  # evicted
    exported.tell({HERE: shard}, 0.1)  # and a partition moved: that does not wait
    assert told(metrics, "series_value").keys() == {("0", "b")}
    assert told(metrics, "series_forecast").keys() == {("0", "b", "1")}
    exported.clear()
    assert not told(metrics, "series_value")
    assert not told(metrics, "series_forecast_upper")


def test_steps_that_are_no_longer_wanted_are_told_no_more() -> None:
    metrics, shards = Metrics(), {HERE: Series({"a": 0.1})}
    exported = Exported(Wanted(series=("a",), steps=(1, 2)), metrics)
    exported.tell(shards, 0.0)
    exported.wanted = structs.replace(exported.wanted, steps=(2,))
    exported.tell(shards, EVERY)
    assert told(metrics, "series_forecast").keys() == {("0", "a", "2")}


@pytest.mark.parametrize("wanted", [Wanted(top=500), Wanted(series=tuple(f"s{n}" for n in range(500)), top=500)])
def test_no_more_are_exported_than_prometheus_can_bear(wanted: Wanted) -> None:
    metrics = Metrics()
    shards = {HERE: Series({f"s{n}": n / 2000 for n in range(1500)}), THERE: Series({f"s{n}": 0.1 for n in range(9)})}
    Exported(wanted, metrics).tell(shards, 0.0)
    assert len(told(metrics, "series_value")) == MOST
