"""Server-sent events for the live page: how the daemon stands, a list of series, and one of them, each second."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import msgspec

from pipeline.web.series_list import Asked, BusyError, Found, Listed, Listing
from pipeline.web.series_status import SeriesStatus
from pipeline.web.status import Status

MOST = 32
"""Streams at a time: each asks for a list and a series once a second."""
EVERY = 1.0
"""Seconds from one telling to the next."""
SOON = 0.4
"""Seconds from the first to the second, which has the sparklines that the first asked for."""
SLICE = 0.1
"""Seconds after which a stream notices that the daemon ends."""


class Questions(Protocol):
    """What answers for series, from any thread."""

    def find(self, search: str, after: str, limit: int) -> Found: ...
    def listed(self, asked: Listing) -> Listed: ...
    def series(self, name: str, at: str | None, horizon: int) -> SeriesStatus | None: ...


class Streams:
    """The streams of one port.

    Parameters
    ----------
    status
        The worker at this moment; quick.
    questions
        Asked in threads of their own, as they may take a moment.
    """

    def __init__(self, status: Callable[[], Status], questions: Questions) -> None:
        self._status, self._questions = status, questions
        self._pool = ThreadPoolExecutor(8, "stream")
        self._stopped = threading.Event()
        self._open = 0

    def have_room(self) -> bool:
        """Whether one more may be opened."""
        return self._open < MOST

    def stop(self) -> None:
        """End all streams."""
        self._stopped.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def events(self, listing: Listing, asked: Asked) -> AsyncIterator[bytes]:
        """Tell what is asked for again and again; the events are `status`, `list`, `series`, `busy` and `missing`."""
        self._open += 1
        try:
            pause = SOON
            while not self._stopped.is_set():
                loop = asyncio.get_running_loop()
                yield await loop.run_in_executor(self._pool, self._told, listing, asked)
                await self._wait(pause)
                pause = EVERY
        finally:
            self._open -= 1

    async def _wait(self, seconds: float) -> None:
        for _ in range(round(seconds / SLICE)):
            if not self._stopped.is_set():
                await asyncio.sleep(SLICE)

    def _told(self, listing: Listing, asked: Asked) -> bytes:
        return b"".join(self._each(listing, asked))

    def _each(self, listing: Listing, asked: Asked) -> Iterator[bytes]:
        yield _event("status", self._status())
        if listing.limit:
            yield _event("list", self._questions.listed(listing))
        if asked.series is not None:
            yield self._of_series(asked.series, asked)

    def _of_series(self, name: str, asked: Asked) -> bytes:
        try:
            found = self._questions.series(name, asked.at, asked.horizon)
        except BusyError:
            return _event("busy", name)
        return _event("missing", name) if found is None else _event("series", found)


def _event(kind: str, content: object) -> bytes:
    """One event; JSON has no line break."""
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), msgspec.json.encode(content))
