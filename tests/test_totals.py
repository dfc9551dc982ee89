"""Laws of the merged page: several workers count like one, and nothing they counted is ever lost."""

import shutil
import subprocess
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.metric import PREFIX
from pipeline.metric_table import TABLE
from pipeline.metrics import Metrics
from pipeline.workers.totals import Sample, added, counted, merged, read, write

Deed = Callable[[Metrics, float], None]

DEEDS: dict[str, Deed] = {
    "records": lambda metrics, amount: metrics.records.inc(amount),
    "dead letters": lambda metrics, amount: metrics.dead_letters.labels("not_json").inc(amount),
    "odd labels": lambda metrics, amount: metrics.drifts.labels('a"b\\c\nd', "3").inc(amount),
    "a checkpoint": lambda metrics, amount: metrics.checkpoint_seconds.observe(amount),
}


def page(metrics: Metrics) -> dict[Sample, float]:
    return read(metrics.render()[0].decode())


def sample(name: str, **labels: str) -> Sample:
    return Sample(PREFIX + name, tuple(sorted(labels.items())))


def used(partition: str, scale: float) -> Metrics:
    """What a worker with one partition tells."""
    metrics = Metrics()
    for metric in TABLE:
        found = getattr(metrics, metric.name.removesuffix("_total"))
        values = {"topic": "events", "partition": partition, "model": "forecast", "version": "1"}
        one = found.labels(*(values.get(label, "x") for label in metric.labels)) if metric.labels else found
        if metric.kind == "counter":
            one.inc(scale)
        elif metric.kind == "gauge":
            one.set(scale)
        else:
            one.observe(scale)
    metrics.mean_absolute_error.labels("last_value").set(2 * scale)
    return metrics


def test_a_page_that_is_read_and_written_is_the_same() -> None:
    metrics = used("0", 3.0)
    DEEDS["odd labels"](metrics, 1.0)
    assert write(page(metrics)) == metrics.render()


def test_a_metric_of_another_version_is_left_out() -> None:
    text = "# TYPE lstm_stream_novel_total counter\nlstm_stream_novel_total 3.0\n"
    assert read(text) == {}


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(sorted(DEEDS)), st.integers(0, 100))))
def test_several_workers_count_like_one(deeds: list[tuple[int, str, int]]) -> None:
    one, several = Metrics(), [Metrics() for _ in range(3)]
    for worker, deed, amount in deeds:
        for metrics in (one, several[worker]):
            DEEDS[deed](metrics, amount)
    together = merged([page(metrics) for metrics in several], {})
    assert counted(together) == counted(page(one))


@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from([*sorted(DEEDS), "dies"]), st.integers(0, 100))))
def test_no_counter_ever_goes_back_whoever_dies(deeds: list[tuple[int, str, int]]) -> None:
    one, several = Metrics(), [Metrics(), Metrics()]
    kept = added([])
    for worker, deed, amount in deeds:
        if deed == "dies":
            kept = added([kept, counted(page(several[worker]))])
            several[worker] = Metrics()
        else:
            DEEDS[deed](one, amount)
            DEEDS[deed](several[worker], amount)
        assert counted(merged([page(metrics) for metrics in several], kept)) == counted(page(one))


@example([(0, False, 0.1), (1, False, 0.2), (2, False, 0.3), (0, True, 0.0)])
@given(st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.floats(0, 1e9))))
def test_not_even_the_last_digit_of_a_sum_goes_back(deeds: list[tuple[int, bool, float]]) -> None:
    several, kept, before = [Metrics() for _ in range(3)], added([]), -1.0
    for worker, dies, amount in deeds:
        if dies:
            kept = added([kept, counted(page(several[worker]))])
            several[worker] = Metrics()
        else:
            several[worker].checkpoint_seconds.observe(amount)
        now = merged([page(metrics) for metrics in several], kept)[sample("checkpoint_seconds_sum")]
        assert now >= before
        before = now


def test_gauges_of_a_worker_that_has_ended_are_gone() -> None:
    kept = added([counted(page(used("0", 3.0)))])
    assert sample("lag_records", topic="events", partition="0") not in merged([page(Metrics())], kept)


def test_a_gauge_is_merged_by_its_meaning() -> None:
    small, large = Metrics(), Metrics()
    for metrics, amount, ready in ((small, 1.0, 1), (large, 3.0, 0)):
        metrics.workers.set(1)
        metrics.partitions_assigned.set(amount)
        metrics.checkpoint_age_seconds.set(amount)
        metrics.up_to_date.set(ready)
        metrics.series.labels("events", str(amount)).set(amount)
        metrics.info.labels("7", "0f").set(1)
    together = merged([page(small), page(large)], {})
    assert together[sample("workers")] == 2
    assert together[sample("partitions_assigned")] == 4
    assert together[sample("checkpoint_age_seconds")] == 3
    assert together[sample("up_to_date")] == 0
    assert together[sample("info", version="7", weights="0f")] == 1
    assert together[sample("series", topic="events", partition="3.0")] == 3


def scored(series: int, ours: float, last_value: float) -> Metrics:
    metrics = Metrics()
    metrics.series.labels("events", str(series)).set(series)
    metrics.mean_absolute_error.labels("forecast").set(ours)
    metrics.mean_absolute_error.labels("last_value").set(last_value)
    metrics.skill.set(1 - ours / last_value)
    metrics.lstm_share.set(ours)
    return metrics


def test_means_count_each_worker_by_its_series_and_one_that_has_scored_none_not_at_all() -> None:
    idle = Metrics()
    idle.series.labels("events", "9").set(1000)
    together = merged([page(scored(1, 0.2, 0.4)), page(scored(3, 0.6, 0.8)), page(idle)], {})
    assert together[sample("mean_absolute_error", model="forecast")] == pytest.approx(0.5)
    assert together[sample("lstm_share")] == pytest.approx(0.5)
    assert together[sample("skill")] == pytest.approx(1 - 0.5 / 0.7)


def test_one_worker_alone_is_told_as_it_is() -> None:
    metrics = scored(4, 0.3, 0.5)
    metrics.lag_records.labels("events", "0").set(7)
    assert merged([page(metrics)], {}) == pytest.approx(page(metrics))


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian: prometheus) is not on the PATH")
def test_promtool_has_nothing_to_say_of_the_merged_page() -> None:
    kept = added([counted(page(used("7", 2.0)))])
    content, _ = write(merged([page(used("0", 3.0)), page(used("1", 20.0))], kept))
    checked = subprocess.run(["promtool", "check", "metrics"], input=content, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
