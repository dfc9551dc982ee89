"""How much time the stages of the cycle take."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pipeline.clock import Clock
from pipeline.metrics import Metrics


class Stages:
    """Counts the seconds of each stage of `metric_table.STAGES`.

    Parameters
    ----------
    metrics
        Where they are counted.
    clock
        The time.
    """

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._seconds, self._now = metrics.stage_seconds, clock.now

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """What is done in this block belongs to the stage."""
        started = self._now()
        try:
            yield
        finally:
            self._seconds.labels(stage).inc(self._now() - started)

    def add(self, seconds: Mapping[str, float]) -> None:
        """Count what was measured elsewhere, by stage."""
        for stage, each in seconds.items():
            self._seconds.labels(stage).inc(each)
