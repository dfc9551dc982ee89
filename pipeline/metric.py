"""One metric as it is declared."""

from typing import Literal

import msgspec

Kind = Literal["counter", "gauge", "histogram"]
Merge = Literal["sum", "max", "min", "mean"]
"""How the values of several workers become one; a mean is weighed by the series of each."""
PREFIX = "lstm_stream_"


class Metric(msgspec.Struct, frozen=True):
    """One metric.

    Attributes
    ----------
    name
        Without the prefix; counters end in ``_total``, others in their unit if they have one.
    kind
        Counter, gauge or histogram.
    help
        What it says, for the reader of a dashboard.
    labels
        Their names.
    buckets
        Upper bounds, for a histogram.
    merge
        How the values of several workers become one, label by label. Counters and histograms are always summed. Where
        a partition is a label it hardly matters: a partition is in one worker.
    known
        Of a counter: for each label the values that it has from the start, at 0, so that a rate sees the first event.
        Empty where they are not known beforehand.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    merge: Merge = "sum"
    known: tuple[tuple[str, ...], ...] = ()
