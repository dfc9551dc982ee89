"""The daemon's numbers for Prometheus, as `pipeline.metric_table` declares them."""

from itertools import product

import numpy as np
import numpy.typing as npt
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from pipeline.metric import PREFIX
from pipeline.metric_table import declared


class Distribution(Histogram):
    """A histogram that takes many amounts at once."""

    def observe_all(self, amounts: npt.NDArray[np.float64]) -> None:
        """Count each of these amounts (N,); none is NaN."""
        if not len(amounts):
            return
        places = np.searchsorted(self._upper_bounds, amounts)  # the first bound that is not below
        for bucket, count in zip(self._buckets, np.bincount(places).tolist(), strict=False):
            bucket.inc(count)
        self._sum.inc(float(amounts.sum()))


class Metrics:
    """The metrics of one process, on a registry of their own; a name here is its name in `metric_table.TABLE`."""

    def __init__(self) -> None:
        disable_created_metrics()  # when a counter began is of no use here, and would double what is exported
        self._registry = CollectorRegistry()
        self.records = self._counter("records_total")
        self.observations = self._counter("observations_total")
        self.forecasts = self._counter("forecasts_total")
        self.superseded = self._counter("superseded_total")
        self.dead_letters = self._counter("dead_letters_total")
        self.late = self._counter("late_total")
        self.repeated = self._counter("repeated_total")
        self.losing = self._gauge("losing")
        self.skipped = self._counter("skipped_total")
        self.masked_covariates = self._counter("masked_covariates_total")
        self.out_of_bounds = self._counter("out_of_bounds_total")
        self.commits = self._counter("commits_total")
        self.aborts = self._counter("aborts_total")
        self.rebalances = self._counter("rebalances_total")
        self.partitions_assigned = self._gauge("partitions_assigned")
        self.input_partitions = self._gauge("input_partitions")
        self.event_to_commit_seconds = self._histogram("event_to_commit_seconds")
        self.record_to_commit_seconds = self._histogram("record_to_commit_seconds")
        self.last_commit_timestamp_seconds = self._gauge("last_commit_timestamp_seconds")
        self.next_offset = self._gauge("next_offset")
        self.lag_records = self._gauge("lag_records")
        self.lag_seconds = self._gauge("lag_seconds")
        self.series = self._gauge("series")
        self.up_to_date = self._gauge("up_to_date")
        self.learning_steps = self._counter("learning_steps_total")
        self.skipped_learning_steps = self._counter("skipped_learning_steps_total")
        self.loss = self._gauge("loss")
        self.gradient_norm = self._gauge("gradient_norm")
        self.drifts = self._counter("drifts_total")
        self.faults = self._counter("faults_total")
        self.breaks = self._counter("breaks_total")
        self.gate = self._gauge("gate")
        self.expert_weight = self._gauge("expert_weight")
        self.lstm_share = self._gauge("lstm_share")
        self.mean_absolute_error = self._gauge("mean_absolute_error")
        self.skill = self._gauge("skill")
        self.nominal_coverage = self._gauge("nominal_coverage")
        self.scored = self._counter("scored_total")
        self.covered = self._counter("covered_total")
        self.interval_width = self._counter("interval_width_total")
        self.absolute_error = self._counter("absolute_error_total")
        self.surprise = self._histogram("surprise")
        self.stage_seconds = self._counter("stage_seconds_total")
        self.checkpoint_seconds = self._histogram("checkpoint_seconds")
        self.checkpoint_bytes = self._gauge("checkpoint_bytes")
        self.checkpoint_age_seconds = self._gauge("checkpoint_age_seconds")
        self.checkpoint_failures = self._counter("checkpoint_failures_total")
        self.restores = self._counter("restores_total")
        self.broker_errors = self._counter("broker_errors_total")
        self.state_bytes = self._gauge("state_bytes")
        self.resident_memory_bytes = self._gauge("resident_memory_bytes")
        self.start_timestamp_seconds = self._gauge("start_timestamp_seconds")
        self.compile_seconds = self._gauge("compile_seconds")
        self.startup_seconds = self._gauge("startup_seconds")
        self.workers = self._gauge("workers")
        self.worker_restarts = self._counter("worker_restarts_total")
        self.info = self._gauge("info")
        self.series_value = self._gauge("series_value")
        self.series_timestamp_seconds = self._gauge("series_timestamp_seconds")
        self.series_forecast = self._gauge("series_forecast")
        self.series_forecast_lower = self._gauge("series_forecast_lower")
        self.series_forecast_upper = self._gauge("series_forecast_upper")
        self.series_surprise = self._gauge("series_surprise")
        self.series_error_ratio = self._gauge("series_error_ratio")

    def render(self) -> tuple[bytes, str]:
        """Write all of them down as Prometheus reads them.

        Returns
        -------
        bytes, str
            The page and its content type.
        """
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def seconds_by_stage(self) -> dict[str, float]:
        """What each stage of the loop has taken so far."""
        samples = (sample for metric in self.stage_seconds.collect() for sample in metric.samples)
        return {sample.labels["stage"]: sample.value for sample in samples}

    def _counter(self, name: str) -> Counter:
        metric = declared(name, "counter")
        counter = Counter(PREFIX + metric.name, metric.help, metric.labels, registry=self._registry)
        for values in product(*metric.known) if metric.known else ():
            counter.labels(*values)
        return counter

    def _gauge(self, name: str) -> Gauge:
        metric = declared(name, "gauge")
        return Gauge(PREFIX + metric.name, metric.help, metric.labels, registry=self._registry)

    def _histogram(self, name: str) -> Distribution:
        metric = declared(name, "histogram")
        return Distribution(
            PREFIX + metric.name, metric.help, metric.labels, buckets=metric.buckets, registry=self._registry
        )


def set_if_known(gauge: Gauge, labels: tuple[str, ...], value: float | None) -> None:
    """Set the gauge of these labels; what is not known is not told."""
    if value is None:
        gauge.remove(*labels)
    else:
        gauge.labels(*labels).set(value)
