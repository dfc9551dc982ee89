"""Laws of the metrics: declared once, well-formed for Prometheus, each with the name that the table says."""

import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families

from pipeline.metric import PREFIX, Metric
from pipeline.metric_table import TABLE, markdown
from pipeline.metrics import Distribution, Metrics

KINDS = {Counter: "counter", Gauge: "gauge", Distribution: "histogram"}


def attributes(metrics: Metrics) -> dict[str, MetricWrapperBase]:
    return {name: value for name, value in vars(metrics).items() if isinstance(value, MetricWrapperBase)}


def used() -> Metrics:
    """Make metrics of which each has a value, so that each is on the page."""
    metrics = Metrics()
    for metric in TABLE:
        found = attributes(metrics)[metric.name.removesuffix("_total")]
        one = found.labels(*["x"] * len(metric.labels)) if metric.labels else found
        if isinstance(one, Counter):
            one.inc(3)
        elif isinstance(one, Gauge):
            one.set(3)
        elif isinstance(one, Histogram):
            one.observe(3)
    return metrics


def page(metrics: Metrics) -> str:
    content, content_type = metrics.render()
    assert content_type.startswith("text/plain")
    return content.decode()


def test_every_metric_of_the_table_is_an_attribute_and_no_other_is() -> None:
    declared = {metric.name.removesuffix("_total"): metric.kind for metric in TABLE}
    assert {name: KINDS[type(value)] for name, value in attributes(Metrics()).items()} == declared


def test_no_name_is_declared_twice() -> None:
    assert len({metric.name for metric in TABLE}) == len(TABLE)


def test_the_page_holds_what_the_table_declares() -> None:
    families = {family.name: family for family in text_string_to_metric_families(page(used()))}
    for metric in TABLE:
        family = families[PREFIX + metric.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (metric.kind, metric.help)
        sample = next(one for one in family.samples if not one.name.endswith(("_created", "_bucket")))
        assert set(sample.labels) == set(metric.labels)
    assert {name for name in families if not name.endswith("_created")} == {
        PREFIX + metric.name.removesuffix("_total") for metric in TABLE
    }


@pytest.mark.parametrize("metric", TABLE, ids=lambda metric: metric.name)
def test_a_metric_is_named_as_prometheus_asks(metric: Metric) -> None:
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert metric.help.endswith(".")
    assert bool(metric.buckets) == (metric.kind == "histogram")
    # One time series per time series would sink Prometheus: those that have one are few (`pipeline.exported`).
    assert ("series" in metric.labels) == metric.name.startswith("series_")
    assert not metric.known or (metric.kind == "counter" and len(metric.known) == len(metric.labels))
    assert ("partition" in metric.labels) == ("topic" in metric.labels)  # there may be several input topics


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian: prometheus) is not on the PATH")
def test_promtool_has_nothing_to_say() -> None:
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=page(used()), capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_two_daemons_in_one_process_do_not_share_numbers() -> None:
    first, second = Metrics(), Metrics()
    first.forecasts.inc(5)
    assert f"{PREFIX}forecasts_total 5.0" in page(first)
    assert f"{PREFIX}forecasts_total 0.0" in page(second)


def test_the_table_for_people_has_a_row_a_metric() -> None:
    lines = markdown().splitlines()
    assert len(lines) == 2 + len(TABLE)
    assert all(line.count("|") == 4 for line in lines)
    assert f"| `{PREFIX}dead_letters_total{{reason}}` | counter | Records or values refused, by reason. |" in lines


def test_what_is_known_of_labels_stands_at_0_from_the_start() -> None:
    told = page(Metrics())
    for metric in TABLE:
        for value in metric.known[0] if metric.known else ():
            assert f'{PREFIX}{metric.name}{{{metric.labels[0]}="{value}"}} 0.0' in told


@given(st.lists(st.floats(0, 1e6), max_size=30))
def test_amounts_that_are_observed_at_once_count_like_one_after_the_other(amounts: list[float]) -> None:
    one, together = Metrics(), Metrics()
    for amount in amounts:
        one.event_to_commit_seconds.observe(amount)
    together.event_to_commit_seconds.observe_all(np.array(amounts))
    for line, other in zip(page(one).splitlines(), page(together).splitlines(), strict=True):
        assert line == other or "_sum" in line  # a sum depends on its order


def test_amounts_at_and_beyond_the_bounds_are_counted() -> None:
    metrics = Metrics()
    metrics.surprise.observe_all(np.array([0.99, 1.0, 2.0]))
    told = page(metrics)
    for bound, count in (("0.95", 0), ("0.99", 1), ("1.0", 2), ("+Inf", 3)):
        assert f'{PREFIX}surprise_bucket{{le="{bound}"}} {count}.0' in told
