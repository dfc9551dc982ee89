"""Which topics the events are read from: those that are named, or all that a pattern matches.

A pattern never matches the topics that the daemon itself writes to, nor internal ones (`__...`): its forecasts would be
read as events, for ever.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from pipeline.settings import Kafka

MOST = 10
"""Topics named in one line of the log."""


class Inputs(NamedTuple):
    """What `kafka.input` says.

    Attributes
    ----------
    names
        The topics; empty with a pattern.
    pattern
        A regular expression that the whole name has to match; None where topics are named.
    outputs
        Topics that the daemon writes to.
    setting
        The pattern as it was set, with its slashes; empty where topics are named.
    """

    names: tuple[str, ...]
    pattern: str | None
    outputs: tuple[str, str]
    setting: str

    @property
    def expression(self) -> str | None:
        """The pattern as it is matched at the start of each name: a match leaves nothing over."""
        if self.pattern is None:
            return None
        left_out = "|".join(map(re.escape, self.outputs))
        return rf"(?!__)(?!(?:{left_out})\Z)(?:{self.pattern})\Z"

    def among(self, topics: Iterable[str]) -> tuple[str, ...]:
        """Those of the cluster's topics that are read, in order."""
        if self.expression is None:
            return tuple(sorted(set(self.names) & set(topics)))
        return tuple(sorted(filter(re.compile(self.expression).match, topics)))

    def told(self, topics: Iterable[str]) -> str:
        """What the pattern matches, in one line; nothing where topics are named."""
        if self.pattern is None:
            return ""
        there = set(topics)
        found = self.among(there)
        left_out = [name for name in self.outputs if name in there and self._matches(name)]
        out = f"; left out, as the daemon writes there: {some(left_out)}" if left_out else ""
        return f"kafka.input = '{self.setting}' matches {some(found)}{out}"

    def _matches(self, name: str) -> bool:
        return re.match(rf"(?:{self.pattern})\Z", name) is not None


def inputs_of(kafka: Kafka) -> Inputs:
    """What the settings say."""
    setting = kafka.input if isinstance(kafka.input, str) and kafka.input_pattern is not None else ""
    return Inputs(kafka.inputs, kafka.input_pattern, (kafka.forecasts, kafka.dead_letters), setting)


def some(names: Iterable[str]) -> str:
    """A few of them, and how many more there are."""
    each = sorted(names)
    return (", ".join(each[:MOST]) or "none") + (f" and {len(each) - MOST} more" if len(each) > MOST else "")
