"""The metrics of several workers as one page: counters summed, gauges merged as `pipeline.metric_table.TABLE` says.

A page is a mapping of samples to numbers. What a worker that has ended had counted is kept (`counted`, `added`), so
that no counter goes back when another worker takes its place. Sums are exact (`Fraction`) and rounded where they are
told: with sums of floats the last digit depends on the order, and a counter that goes back by it is a counter that
began anew to Prometheus.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from statistics import fmean
from typing import NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from pipeline.metric import PREFIX, Metric
from pipeline.metric_table import TABLE


class Sample(NamedTuple):
    """One line of the page: its name, such as `lstm_stream_records_total`, and its labels in order."""

    name: str
    labels: tuple[tuple[str, str], ...] = ()


Page = Mapping[Sample, float]
Sums = Mapping[Sample, Fraction]

RESTARTS = Sample(f"{PREFIX}worker_restarts_total")
SKILL = Sample(f"{PREFIX}skill")
SERIES = f"{PREFIX}series"
ERROR = f"{PREFIX}mean_absolute_error"
OURS, LAST_VALUE = (Sample(ERROR, (("model", model),)) for model in ("forecast", "last_value"))


def read(text: str) -> dict[Sample, float]:
    """Read the page of one worker; what `TABLE` does not have, as after an update in between, is left out."""
    return {
        Sample(sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name in _METRICS
    }


def counted(page: Page) -> dict[Sample, float]:
    """What of a page only ever grows: counters and histograms."""
    return {sample: value for sample, value in page.items() if _METRICS[sample.name].kind != "gauge"}


def added(pages: Iterable[Page | Sums]) -> dict[Sample, Fraction]:
    """The sum of each sample over the pages, exactly."""
    total: dict[Sample, Fraction] = {}
    for page in pages:
        for sample, value in page.items():
            total[sample] = total.get(sample, Fraction()) + Fraction(value)
    return total


def merged(pages: Sequence[Page], kept: Sums) -> dict[Sample, float]:
    """One page of several workers.

    Parameters
    ----------
    pages
        Of each worker that is up.
    kept
        What those had counted that have ended.
    """
    weights = [_weight(page) for page in pages]
    samples = dict.fromkeys(sample for page in pages for sample in page if _METRICS[sample.name].kind == "gauge")
    gauges = {sample: _gauge(sample, pages, weights) for sample in samples}
    if gauges.get(LAST_VALUE, 0.0) > 0:
        gauges[SKILL] = 1 - gauges[OURS] / gauges[LAST_VALUE]
    counts = {sample: float(value) for sample, value in added([*map(counted, pages), kept]).items()}
    return {**counts, **gauges}


def _weight(page: Page) -> float:
    """The series of a worker; nothing before it has scored any."""
    return sum(value for sample, value in page.items() if sample.name == SERIES) if LAST_VALUE in page else 0.0


def _gauge(sample: Sample, pages: Sequence[Page], weights: Sequence[float]) -> float:
    told = [(page[sample], weight) for page, weight in zip(pages, weights, strict=True) if sample in page]
    values, weights = zip(*told, strict=True)
    how = _METRICS[sample.name].merge
    if how != "mean":
        return _MERGES[how](values)
    return fmean(values, weights) if sum(weights) > 0 else fmean(values)


def write(page: Page) -> tuple[bytes, str]:
    """Write a page as Prometheus reads it, and its content type."""
    registry = CollectorRegistry()
    registry.register(_Families(page))
    return generate_latest(registry), CONTENT_TYPE_LATEST


class _Families(Collector):
    """The samples of a page by metric, in the order of the table."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def collect(self) -> Iterator[Family]:
        samples: dict[str, list[Sample]] = {}
        for sample in self._page:
            samples.setdefault(_METRICS[sample.name].name, []).append(sample)
        for metric in TABLE:
            family = Family(PREFIX + metric.name.removesuffix("_total"), metric.help, metric.kind)
            for sample in samples.get(metric.name, ()):
                family.add_sample(sample.name, dict(sample.labels), self._page[sample])
            yield family


def _names(metric: Metric) -> tuple[str, ...]:
    """The names of a metric's samples."""
    endings = ("_bucket", "_count", "_sum") if metric.kind == "histogram" else ("",)
    return tuple(f"{PREFIX}{metric.name}{ending}" for ending in endings)


_METRICS = {name: metric for metric in TABLE for name in _names(metric)}
_MERGES: Mapping[str, Callable[[Iterable[float]], float]] = {"sum": sum, "max": max, "min": min}
