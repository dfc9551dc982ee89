"""What happens where a step raises although none should: that series starts anew, and the others never notice.

Letters: N rows of a round.
"""

import traceback
from collections.abc import Container
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream.columns import Array, Columns, Rows

RAISED = (ArithmeticError, AssertionError, LookupError, RuntimeError, TypeError, ValueError, Warning)
"""What numbers can make a step raise (`numpy.linalg.LinAlgError` is a ValueError; a program may turn warnings into
errors). A process that runs out of memory, or is told to stop, has another fault than its data."""

Stage = Literal["place", "step", "group", "learning", "pool", "drift", "kin"]


class Fault(NamedTuple):
    """A step that raised, or whose result was not finite.

    Attributes
    ----------
    series
        The series that starts anew; None where it lay in what all series of a bank share: that step of it was skipped.
    source
        Which observation of the call it was, or the last one before it.
    stage
        What was being done: `place` on the grid, `step` of a series or a `group`, `learning`, the folds of what all
        share: `pool`, `drift`, `kin`.
    trace
        The traceback.
    """

    series: str | None
    source: int
    stage: Stage
    trace: str


class NotFiniteError(ArithmeticError):
    """A step came to NaN or to infinity."""


def check_finite(**results: npt.NDArray[np.floating]) -> None:
    """Raise `NotFiniteError` where one of these is not."""
    for name, result in results.items():
        if not np.isfinite(result).all():
            raise NotFiniteError(f"{name} of a step is not finite")


def told(error: BaseException) -> str:
    """The traceback of an error."""
    return "".join(traceback.format_exception(error)).rstrip()


class Undo:
    """What a round is about to change, as it was; the room for it is kept, as most rounds have as many rows."""

    def __init__(self) -> None:
        self._rooms: dict[str, Array] = {}
        self._saved: list[tuple[Array, Any, Array]] = []

    def begin(self) -> None:
        """Forget what was saved before."""
        self._saved = []

    def save(self, part: str, columns: Columns, rows: Rows, but: Container[str] = ()) -> None:
        """Save some rows of all columns of a part of the state but some."""
        self._saved += [
            (column, rows, self._taken(f"{part}.{name}", column, rows))
            for name, column in columns.arrays().items()
            if name not in but
        ]

    def keep(self, array: Array, index: Any) -> None:
        """Save some elements of an array."""
        self._saved.append((array, index, np.copy(array[index])))

    def put_back(self) -> None:
        """Let all that was saved be as it was."""
        for array, index, saved in reversed(self._saved):
            array[index] = saved

    def _taken(self, name: str, column: Array, rows: Rows) -> Array:
        room = self._rooms.get(name)
        if room is None or len(room) < len(rows):
            room = self._rooms[name] = np.empty((len(rows), *column.shape[1:]), column.dtype)
        taken: Array = np.take(column, rows, axis=0, out=room[: len(rows)], mode="clip")
        return taken
