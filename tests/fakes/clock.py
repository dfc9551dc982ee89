"""A clock whose time passes only when somebody waits."""

import threading

from pipeline.clock import Clock


class ManualClock(Clock):
    """Time passes only when somebody waits, and nobody really waits."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> float:
        return self.seconds

    def wall(self) -> float:
        return self.seconds

    def started(self) -> float:
        return 990.0

    def wait(self, event: threading.Event, seconds: float) -> None:
        self.seconds += 0.0 if event.is_set() else seconds

    def pause(self, seconds: float) -> None:
        self.seconds += seconds
