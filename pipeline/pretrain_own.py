"""Makes weights of the pretrained network from one's own past: files or a topic, as they were read.

1. Cut each series into stretches; its last part is held back, half to tell when to stop, half to judge.
2. Let the compiled step read them, and generated series beside them, so that what these taught is not forgotten.
3. Train from the weights in use on, until the loss on the first half of what is held back no longer falls.
4. Judge by the second half: the network alone and the whole forecast, before and after.
"""

from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from msgspec import structs
from safetensors.numpy import load_file

from lstm_stream import (
    FEWEST_ROWS,
    Card,
    Course,
    PretrainedWeights,
    Split,
    Stretch,
    Training,
    held_back,
    held_back_losses,
    loss_on,
    trained,
)
from pipeline.clock import Clock
from pipeline.evaluation.log import Log, Past
from pipeline.example_files import Own, Task, generated, made, read_examples, read_to_train, write_arrays
from pipeline.gain import Gain, Judging, judge
from pipeline.plans import OwnPlan
from pipeline.pretrain import card_of, rounded
from pipeline.remaining import remaining
from pipeline.settings import Settings

FEWEST_VALUES = 2_000
"""Before what is held back, of all series together."""
CLOSEST = 256
"""Rows from the beginning of a stretch to that of the next one of a series, at least."""
MOST_STRETCHES, MOST_HELD_BACK = 1500, 128
"""That are trained on, and that tell when to stop; of more, some are drawn."""
FEWEST_GENERATED, FORGOTTEN = 64, 32
"""Generated series that are trained on, where any are; and those that tell what was forgotten."""
LOOK_EVERY, PATIENCE = 100, 8
"""Training steps from one look at the loss to the next; looks without a lower one that end the training."""


class TooLittleError(Exception):
    """There is too little to train on; the message says how much there is, and how much is needed."""


class Found(NamedTuple):
    """What came of it."""

    weights: PretrainedWeights
    card: Card
    gain: Gain
    judged: int  # values


def pretrain_own(
    plan: OwnPlan,
    pasts: Sequence[Past],
    in_use: PretrainedWeights,
    settings: Settings,
    work: Path,
    tell: Callable[[str], None],
    clock: Clock,
) -> Found:
    """Make weights from these pasts, and judge them; what is done so far is kept in the folder `work`.

    Parameters
    ----------
    in_use
        The weights that were in use until now.
    settings
        Of the daemon that is to use the new ones.

    Raises
    ------
    TooLittleError
        There is too little to train on.
    """
    work.mkdir(parents=True, exist_ok=True)
    material = _material(plan, pasts)
    count = round(len(material.trained) * plan.share / (1 - plan.share))
    beside = max(count, FEWEST_GENERATED) if count else 0
    tell(f"{material.told}; beside them {beside:,} generated series")
    files = _files(plan, material, beside, work, tell, clock)
    start = None if plan.from_scratch else in_use
    kept = work / f"training-{plan.key(material.digest(), in_use.digest)}.safetensors"
    best = _trained(plan, start, files, kept, tell, clock)
    weights = PretrainedWeights.of_arrays(best.weights)
    judging = [Judging.of(past.log, plan.held_back, plan.seed) for past in pasts]
    tell(f"judging by {sum(len(one.log.values) for one in judging):,} values, before and after")
    before = judge(judging, settings, in_use)
    gain = Gain(before, judge(judging, settings, weights) if weights != in_use else before)
    card = card_of(plan, (*map(_source, pasts), f"{beside:,} generated series of 1,024 values"), start)
    scores = _scores(gain) | {"loss_held_back": [best.first_loss, best.loss]} | _on_generated(in_use, weights, files)
    judged = sum(int((one.log.rows >= one.score_from[one.log.series]).sum()) for one in judging)
    return Found(weights, structs.replace(card, scores=scores), gain, judged)


class _Material(NamedTuple):
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


def _material(plan: OwnPlan, pasts: Sequence[Past]) -> _Material:
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
    return _Material(_drawn(to_train, MOST_STRETCHES, draw), _drawn(stopping, MOST_HELD_BACK, draw), told)


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


class _Files(NamedTuple):
    """Of examples."""

    trained: list[Path]
    stopping: list[Path]
    forgotten: list[Path]


def _files(
    plan: OwnPlan, material: _Material, beside: int, work: Path, tell: Callable[[str], None], clock: Clock
) -> _Files:
    own = _tasks(material.trained, f"own-{material.digest()}", plan.part)
    mixed = own | generated(0, beside, plan.seed, plan.part)
    stopping = _tasks(material.stopping, f"held-back-{material.digest()}", plan.part)
    judging = generated(beside, FORGOTTEN, plan.seed, plan.part)
    paths = made(mixed | stopping | judging, work, plan.jobs, tell, clock)
    first, second = len(mixed), len(mixed) + len(stopping)
    return _Files(paths[:first], paths[first:second], paths[second:])


def _tasks(stretches: Sequence[Stretch], name: str, part: int) -> dict[str, Task]:
    firsts = range(0, len(stretches), part)
    return {f"{name}-{first:06d}": Own(tuple(stretches[first : first + part])) for first in firsts}


class _Best(NamedTuple):
    """The weights whose loss on what is held back was the lowest."""

    weights: dict[str, npt.NDArray[np.float32]]
    step: int
    loss: float
    first_loss: float  # before training

    def dump(self) -> dict[str, npt.NDArray[np.floating]]:
        numbers = {"best": np.asarray([self.step, self.loss, self.first_loss], np.float64)}
        return numbers | {f"best.{name}": array for name, array in self.weights.items()}

    @classmethod
    def of(cls, arrays: dict[str, npt.NDArray[np.floating]]) -> "_Best":
        step, loss, first_loss = arrays["best"].tolist()
        weights = {name[5:]: array.astype(np.float32) for name, array in arrays.items() if name.startswith("best.")}
        return cls(weights, int(step), loss, first_loss)


def _trained(
    plan: OwnPlan,
    start: PretrainedWeights | None,
    files: _Files,
    kept: Path,
    tell: Callable[[str], None],
    clock: Clock,
) -> _Best:
    """Train until the loss on what is held back has not fallen for `PATIENCE` looks."""
    training = Training(plan.units, plan.steps, plan.rate, plan.seed, plan.device, plan.batch, start)
    examples, stopping = read_to_train(files.trained), read_examples(files.stopping)
    if kept.exists():
        arrays = load_file(kept)
        training.load(arrays)
        best = _Best.of(arrays)
        tell(f"goes on behind step {training.taken:,}")
    else:
        first = loss_on(training.network, stopping)
        best = _Best(training.network.dump(), 0, first, first)
    begin, begun = clock.now(), training.taken
    for progress in () if _is_through(best, training.taken) else training.run(examples, LOOK_EVERY):
        loss = loss_on(training.network, stopping)
        if loss < best.loss:
            best = best._replace(weights=training.network.dump(), step=progress.step, loss=loss)
        left = remaining(clock.now() - begin, progress.step - begun, plan.steps - begun)
        tell(
            f"step {progress.step:,} of at most {plan.steps:,}: loss {progress.loss:.4f}, on what is held back"
            f" {loss:.4f} (before training {best.first_loss:.4f}){left}"
        )
        write_arrays(training.dump() | best.dump(), kept)
        if _is_through(best, progress.step):
            break
    return best


def _is_through(best: _Best, step: int) -> bool:
    return step - best.step >= PATIENCE * LOOK_EVERY


def _on_generated(before: PretrainedWeights, after: PretrainedWeights, files: _Files) -> dict[str, list[float]]:
    """Losses on generated series that were not trained on, as cards tell them: what was forgotten."""
    examples = read_examples(files.forgotten)
    losses = {}
    for name, weights in {"before": before, "after": after}.items():
        network = Training(weights.units, 1, start=weights).network
        losses[f"generated_{name}"] = rounded(held_back_losses(network, examples))["network"]
    return losses


def _source(past: Past) -> str:
    return f"{past.name}: {len(past.log.names):,} series, {len(past.log.values):,} values"


def _scores(gain: Gain) -> dict[str, list[float]]:
    """Errors by horizon, last value = 1, as a card tells them."""
    of = {
        "network_before": gain.before.network,
        "network_after": gain.after.network,
        "forecast_before": gain.before.forecast,
        "forecast_after": gain.after.forecast,
    }
    scores = {"horizons": [float(horizon) for horizon in gain.after.forecast.mse]}
    for name, errors in of.items():
        scores |= {f"{name}_mse": _in_order(errors.mse), f"{name}_mae": _in_order(errors.mae)}
    return scores


def _in_order(by_horizon: dict[int, float]) -> list[float]:
    return [round(error, 4) for error in by_horizon.values()]
