"""What there is to train on in one's own past: series cut into stretches, their ends held back."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from lstm_stream import FEWEST_ROWS, Course, Split, Stretch, held_back, trained
from pipeline.evaluation.log import Log, Past
from pipeline.pretraining.plans import OwnPlan

FEWEST_VALUES = 2_000
"""Before what is held back, of all series together."""
CLOSEST = 256
"""Rows from the beginning of a stretch to that of the next one of a series, at least."""
MOST_STRETCHES, MOST_HELD_BACK = 1500, 128
"""That are trained on, and that tell when to stop; of more, some are drawn."""


class TooLittleError(Exception):
    """There is too little to train on; the message says how much there is, and how much is needed."""


class Material(NamedTuple):
    """Stretches of one's own, and what there is of them."""

    trained: tuple[Stretch, ...]
    stopping: tuple[Stretch, ...]
    told: str

    def digest(self) -> str:
        """Names these stretches."""
        content = blake2b(digest_size=6)
        for one in (*self.trained, *self.stopping):
            content.update(one.times.tobytes() + one.values.tobytes() + bytes(str(one.judged_from), "ascii"))
        return content.hexdigest()


def material_of(plan: OwnPlan, pasts: Sequence[Past]) -> Material:
    """Cut these pasts.

    Raises
    ------
    TooLittleError
        There is too little to train on.
    """
    courses = [course.from_its_first_value() for past in pasts for course in _courses(past.log)]
    used = [(course, Split.of(len(course.values), plan.held_back)) for course in courses]
    used = [(course, split) for course, split in used if split.rows >= FEWEST_ROWS]
    rows = sum(split.stop for _, split in used)
    if rows < FEWEST_VALUES:
        raise TooLittleError(_too_little(courses, rows))
    stride = max(CLOSEST, -(-rows // MOST_STRETCHES))
    draw = np.random.default_rng([plan.seed, 3])
    to_train = [stretch for course, split in used for stretch in trained(course, split, stride)]
    stopping = [stretch for course, split in used for stretch in held_back(course, split.stop, split.judge)]
    told = (
        f"{len(used):,} series with {rows:,} values to train on, in {min(len(to_train), MOST_STRETCHES):,} stretches;"
        f" the last {plan.held_back:.0%} of each series are held back"
    )
    if left := len(courses) - len(used):
        told += f"; {left:,} series with fewer than {FEWEST_ROWS} values are left out"
    return Material(_drawn(to_train, MOST_STRETCHES, draw), _drawn(stopping, MOST_HELD_BACK, draw), told)


def _courses(log: Log) -> Iterator[Course]:
    order = np.argsort(log.series, kind="stable")
    ends = np.cumsum(np.bincount(log.series, minlength=len(log.names)))[:-1]
    for times, values in zip(np.split(log.times[order], ends), np.split(log.values[order], ends), strict=True):
        yield Course(times, values)


def _drawn(stretches: Sequence[Stretch], most: int, draw: np.random.Generator) -> tuple[Stretch, ...]:
    """At most so many of them, in an order of chance: those that are together in a bank are of any series and time."""
    return tuple(stretches[place] for place in draw.permutation(len(stretches))[:most])


def _too_little(courses: Sequence[Course], rows: int) -> str:
    lengths = sorted(len(course.values) for course in courses)
    told = f"{lengths[0]:,} to {lengths[-1]:,}" if lengths[0] < lengths[-1] else f"{lengths[0]:,}"
    return (
        f"found {len(courses):,} series of {told} values, {rows:,} values to train on; expected series of {FEWEST_ROWS}"
        f" or more values, and {FEWEST_VALUES:,} to train on; give more of the past, or stay with the weights in use"
    )


def has_long_series(log: Log) -> bool:
    """Whether any of it is long enough to be used."""
    return int(np.bincount(log.series).max()) >= FEWEST_ROWS
