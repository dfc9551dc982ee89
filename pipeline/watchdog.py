"""Notices what never comes back: several calls of Kafka's client have no time limit of their own, nor has a disk."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import NamedTuple, Self

LONG = 5
"""Deadlines that a step of the worker's own may take: a fold, a checkpoint, the opening of a shard."""


class _Call(NamedTuple):
    name: str
    due: float


class Watchdog:
    """Looks on from a thread of its own, from `with` to the end of its block.

    Parameters
    ----------
    deadline
        Seconds that one call to Kafka may take; a step of the worker's own takes `LONG` times that.
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
        self._calls: tuple[_Call, ...] = ()
        self._over = threading.Event()

    @contextmanager
    def watching(self, name: str, deadlines: float = 1) -> Iterator[None]:
        """What is done in this block is not to take longer than so many deadlines; blocks may lie in one another."""
        before, call = self._calls, _Call(name, self._now() + deadlines * self._deadline)
        self._calls = (*before, call)
        try:
            yield
        finally:
            self._calls = before

    def doing(self) -> str:
        """The name of the innermost call that goes on; "" between two."""
        calls = self._calls
        return calls[-1].name if calls else ""

    def overdue(self) -> str | None:
        """The name of the innermost call that takes too long, if one does."""
        late = (call.name for call in reversed(self._calls) if self._now() > call.due)
        return next(late, None)

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
