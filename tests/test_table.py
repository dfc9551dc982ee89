"""Laws of the list of series: what is found, and in which order it stands."""

import numpy as np

from lstm_stream import Summaries
from pipeline.table import Table


def table_of(*names: str, surprise: tuple[float, ...] | None = None, skill: tuple[float, ...] | None = None) -> Table:
    """A shard's table: by default, later names are more surprising and have less skill."""
    count = len(names)
    scores = np.linspace(0, 0.9, count).astype(np.float32) if surprise is None else np.asarray(surprise, np.float32)
    skills = np.linspace(0.9, 0.1, count) if skill is None else np.asarray(skill, np.float64)
    whole = np.arange(1, count + 1)
    return Table(names, Summaries(whole, whole, whole.astype(np.float64), 1 - skills, np.ones(count)), scores, scores)
