"""What each part of the worker measures by."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from pipeline.clock import Clock
from pipeline.metrics import Metrics
from pipeline.watchdog import Watchdog


class Instruments(NamedTuple):
    """What each part of the worker measures by.

    Attributes
    ----------
    metrics
        Count what it does.
    watchdog
        Watches each of its steps that could hang.
    clock
        The time.
    """

    metrics: Metrics
    watchdog: Watchdog
    clock: Clock

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Count the seconds of this block for a stage of the cycle (`metric_table.STAGES`)."""
        started = self.clock.now()
        try:
            yield
        finally:
            self.count_seconds({stage: self.clock.now() - started})

    def count_seconds(self, by_stage: Mapping[str, float]) -> None:
        """Count what was measured elsewhere."""
        for stage, seconds in by_stage.items():
            self.metrics.stage_seconds.labels(stage).inc(seconds)
