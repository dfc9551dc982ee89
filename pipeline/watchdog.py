"""Notices a call to Kafka that never comes back: several of the client's have no time limit of their own."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import NamedTuple, Self


class _Call(NamedTuple):
    name: str
    started: float


class Watchdog:
    """Looks on from a thread of its own, from `with` to the end of its block.

    Parameters
    ----------
    deadline
        Seconds that one call may take.
    now
        The time in seconds, from any start.
    expired
        Told the name of the call that took longer, once; it is to end the process, for nothing else helps.
    interval
        Seconds between two looks.
    """

    def __init__(
        self, deadline: float, now: Callable[[], float], expired: Callable[[str], None], interval: float = 0.5
    ) -> None:
        self._deadline, self._now, self._expired, self._interval = deadline, now, expired, interval
        self._call: _Call | None = None
        self._over = threading.Event()

    @contextmanager
    def watching(self, name: str) -> Iterator[None]:
        """The call made in this block is not to take longer than the deadline."""
        self._call = _Call(name, self._now())
        try:
            yield
        finally:
            self._call = None

    def overdue(self) -> str | None:
        """The name of the call that takes too long, if one does."""
        call = self._call
        return call.name if call is not None and self._now() - call.started > self._deadline else None

    def __enter__(self) -> Self:
        self._over.clear()
        self._thread = threading.Thread(target=self._look_on, name="watchdog", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _look_on(self) -> None:
        while not self._over.wait(self._interval):
            name = self.overdue()
            if name is not None:
                self._expired(name)
                return
