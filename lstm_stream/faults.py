"""What is told where a step of a series comes to something that is not finite, although none should."""

import traceback
from typing import Literal, NamedTuple

RAISED = (ArithmeticError, AssertionError, LookupError, RuntimeError, TypeError, ValueError, Warning)
"""What numbers can make a lesson or a fold raise (`numpy.linalg.LinAlgError` is a ValueError; a program may turn
warnings into errors). A process that runs out of memory, or is told to stop, has another fault than its data."""

Stage = Literal["step", "learning", "pooled", "drift", "priors"]


class Fault(NamedTuple):
    """A step whose result was not finite, or something else that failed.

    Attributes
    ----------
    series
        The series that starts anew; None where it lay in what all series of a bank share: that step of it was skipped.
    source
        Which observation of the call it was, or the last one before it.
    stage
        What was being done: a `step` of a series, `learning`, the folds of what all share: `pooled` regressions,
        `drift`, `priors`.
    trace
        What is not finite, or the traceback.
    """

    series: str | None
    source: int
    stage: Stage
    trace: str


def told(error: BaseException) -> str:
    """The traceback of an error."""
    return "".join(traceback.format_exception(error)).rstrip()
