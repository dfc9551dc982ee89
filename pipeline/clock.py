"""Time, as an argument: what depends on it can be tested without waiting."""

import threading
import time


class Clock:
    """The time, as an argument; seconds."""

    def now(self) -> float:
        """From any start, never backwards."""
        return time.monotonic()

    def wall(self) -> float:
        """Since the epoch."""
        return time.time()

    def wait(self, event: threading.Event, seconds: float) -> None:
        """Until `event`, `seconds` at most."""
        event.wait(seconds)

    def pause(self, seconds: float) -> None:
        """Let so much time pass."""
        time.sleep(seconds)
