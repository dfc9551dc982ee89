"""Checkpoints written beside the loop: it only hands over copies, and never waits for the store.

1. *Begin* at a moment when the shard stands at the committed offset. What a checkpoint holds is the state of then.
2. *Hand over* some blocks of it each time the loop comes by, as many as the writer takes. Before series are changed
   that are still to be handed over, the dump keeps copies of them, see `lstm_stream.dumping`.
3. A thread writes the blocks, seals the file and removes old ones. The loop learns that when it next comes by.
"""

import math
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import NamedTuple

from lstm_stream import Block, Dump
from pipeline.checkpoints import Address, Checkpoints
from pipeline.checkpoints.stores import CheckpointError

AHEAD = 8
"""Blocks that may wait for the writer."""
MOST_KEPT = 8 * 512
"""Series of which the dump may keep copies before the loop waits for the writer, for `SHARE` seconds at a time."""
SHARE = 0.1
"""Seconds that the loop spends on handing over when it comes by."""


class _GivenUpError(Exception):
    """The rest of a checkpoint will not come."""


class Saved(NamedTuple):
    """A checkpoint that is written, or could not be.

    Attributes
    ----------
    address, offset
        Whose state of when.
    begun_at
        When it was begun, seconds.
    size
        Bytes of its arrays.
    error
        Why it could not be written.
    """

    address: Address
    offset: int
    begun_at: float
    size: int
    error: CheckpointError | None


class _Blocks:
    """On their way to the writer."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[Block | _GivenUpError | None] = SimpleQueue()
        self._room = threading.Semaphore(AHEAD)

    def has_room(self, seconds: float) -> bool:
        """Whether there is room for one more, which is put then; waits so long for it."""
        return self._room.acquire(timeout=seconds)

    def put(self, block: Block | _GivenUpError | None) -> None:
        """One more; None is the end."""
        self._waiting.put(block)

    def __iter__(self) -> Iterator[Block]:
        while (block := self._waiting.get()) is not None:
            if isinstance(block, _GivenUpError):
                raise block
            yield block
            self._room.release()


class _Saving(NamedTuple):
    """One that is under way."""

    address: Address
    offset: int
    begun_at: float
    dump: Dump
    blocks: "_Blocks"
    size: int
    written: "Future[str]"


class Saver:
    """Writes one checkpoint after another; all calls come from the loop's thread.

    Parameters
    ----------
    checkpoints
        Where they rest.
    now
        The time in seconds, from any start.
    """

    def __init__(self, checkpoints: Checkpoints, now: Callable[[], float]) -> None:
        self._checkpoints, self._now = checkpoints, now
        self._thread = ThreadPoolExecutor(1, "checkpoints")
        self._saving: list[_Saving] = []

    @property
    def is_free(self) -> bool:
        """Whether another one may begin: no dump is still to be handed over."""
        return all(saving.dump.is_taken for saving in self._saving)

    def is_saving(self, address: Address) -> bool:
        """Whether one of these is under way."""
        return any(saving.address == address for saving in self._saving)

    def overdue(self, seconds: float) -> bool:
        """Whether the oldest one has been under way for longer than so many seconds."""
        return bool(self._saving) and self._now() - self._saving[0].begun_at > seconds

    def begin(self, address: Address, offset: int, dump: Dump) -> None:
        """Take a state at rest that stands at this offset."""
        blocks = _Blocks()
        written = self._thread.submit(
            self._checkpoints.save_in_parts, address, offset, dump.header, dump.shapes, blocks
        )
        size = sum(shape.dtype.itemsize * math.prod(shape.sizes) for shape in dump.shapes.values())
        self._saving.append(_Saving(address, offset, self._now(), dump, blocks, size, written))
        self.hand_over()

    def hand_over(self) -> None:
        """Hand blocks over for a moment."""
        until = self._now() + SHARE
        for saving in self._saving:
            while not saving.dump.is_taken and self._now() < until:
                wait = SHARE if saving.dump.kept > MOST_KEPT else 0.0
                if not _hand_over(saving, wait):
                    break

    def finished(self) -> list[Saved]:
        """Those that have been written since the last call, or have failed."""
        done = [saving for saving in self._saving if saving.written.done()]
        self._saving = [saving for saving in self._saving if not saving.written.done()]
        return [saved for saving in done if (saved := _outcome(saving)) is not None]

    def finish(self) -> None:
        """Wait until all that are under way are written."""
        for saving in self._saving:
            while not saving.dump.is_taken:
                _hand_over(saving, SHARE)
            saving.written.exception()

    def give_up(self, address: Address) -> None:
        """Drop what is still to be handed over of a shard that goes away."""
        for saving in self._saving:
            if saving.address == address and not saving.dump.is_taken:
                saving.dump.give_up()
                saving.blocks.put(_GivenUpError())

    def close(self) -> None:
        """End the thread; what was not handed over is dropped."""
        for saving in self._saving:
            self.give_up(saving.address)
        self._thread.shutdown()


def _hand_over(saving: _Saving, seconds: float) -> bool:
    """Hand one block over, if there is room for it within so many seconds."""
    if saving.written.done():  # it has failed
        saving.dump.give_up()
        return False
    if not saving.blocks.has_room(seconds):
        return False
    saving.blocks.put(saving.dump.take())
    if saving.dump.is_taken:
        saving.blocks.put(None)
    return True


def _outcome(saving: _Saving) -> Saved | None:
    """None: it was given up."""
    error = saving.written.exception()
    if isinstance(error, _GivenUpError):
        return None
    if error is not None and not isinstance(error, CheckpointError):
        raise error
    if error is not None:
        saving.dump.give_up()
    return Saved(saving.address, saving.offset, saving.begun_at, saving.size, error)
