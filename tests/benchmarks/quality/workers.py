"""Processes that share the work of all parts."""

import sys
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, Protocol, TypeVar

A = TypeVar("A")
B = TypeVar("B")


class Start(Protocol):
    """Begins a piece of work on something that can be sent and compared."""

    def __call__(self, work: Callable[[A], B], item: A) -> Future[B]: ...


class Workers:
    """So many processes; what two parts need alike is done once."""

    def __init__(self, processes: int) -> None:
        self._pool = ProcessPoolExecutor(processes, get_context("spawn"))
        self._begun: dict[tuple[Callable[..., Any], Any], Future[Any]] = {}

    def start(self, work: Callable[[A], B], item: A) -> Future[B]:
        """Begin, unless it has been begun before; the item must be hashable."""
        if (work, item) not in self._begun:
            future: Future[B] = self._pool.submit(work, item)
            future.add_done_callback(lambda _: print(f"done: {work.__name__} {item}", file=sys.stderr, flush=True))
            self._begun[work, item] = future
        return self._begun[work, item]

    def close(self) -> None:
        """Give up what has not begun."""
        self._pool.shutdown(cancel_futures=True)


def at_once(work: Callable[[A], B], item: A) -> Future[B]:
    """Do it here and now."""
    future: Future[B] = Future()
    future.set_result(work(item))
    return future
