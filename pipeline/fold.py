"""What a batch of records comes to."""

from typing import Literal, NamedTuple

from pipeline.counts import Counts
from pipeline.fates import Fates
from pipeline.measures import Measures
from pipeline.messages import Outgoing

Publish = Literal["every", "latest", "none"]


class Failure(NamedTuple):
    """A step of the model that raised, which none should: what it was about has started anew.

    Attributes
    ----------
    series
        None where it lay in what all series of the shard share.
    offset
        Of the record.
    stage
        See `lstm_stream.Fault`.
    trace
        The traceback.
    """

    series: str | None
    offset: int
    stage: str
    trace: str


class Fold(NamedTuple):
    """What a batch of records came to."""

    forecasts: list[Outgoing]
    dead_letters: list[Outgoing]
    counts: Counts
    seconds: dict[str, float]
    """By stage: decode, observe (learning included), encode."""
    failures: tuple[Failure, ...] = ()
    fates: Fates = Fates()
    """What became of each observation, for what watches over losses; nothing of a silent fold: that was told before."""
    measures: Measures = Measures.nothing()
    """For the metrics; nothing of a silent fold."""
