"""Makes weights of the pretrained network from one's own past: files or a topic, as they were read.

1. Cut each series into stretches; its last part is held back, half to tell when to stop, half to judge.
2. Let the compiled step read them, and generated series beside them, so that what these taught is not forgotten.
3. Train from the weights in use on, until the loss on the first half of what is held back no longer falls.
4. Judge by the second half: the network alone and the whole forecast, before and after.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from msgspec import structs
from safetensors.numpy import load_file

from lstm_stream import Card, PretrainedWeights, Stretch, Training, held_back_losses, loss_on
from pipeline.clock import Clock
from pipeline.evaluation.log import Past
from pipeline.pretraining.example_files import Own, Task, generated, made, read_examples, write_arrays
from pipeline.pretraining.gain import Gain, Judging, change, judge, told
from pipeline.pretraining.material import Material, has_long_series, material_of
from pipeline.pretraining.on_generated import card_of, rounded
from pipeline.pretraining.plans import OwnPlan
from pipeline.pretraining.remaining import remaining
from pipeline.settings import Settings

FEWEST_GENERATED, FORGOTTEN = 64, 32
"""Generated series that are trained on, where any are; and those that tell what was forgotten."""
LOOK_EVERY, PATIENCE = 100, 8
"""Training steps from one look at the loss to the next; looks without a lower one that end the training."""


class Found(NamedTuple):
    """What came of it."""

    weights: PretrainedWeights
    card: Card
    gain: Gain
    judged: int  # values

    def told(self) -> Iterator[str]:
        """What was gained, and what was forgotten, in lines."""
        yield from told(self.gain, self.judged)
        before, after = (sum(self.card.scores[f"generated_{when}"]) for when in ("before", "after"))
        yield (
            f"On generated series of all kinds the network's loss is {change(after / before)}: so much was forgotten of"
            " what is unlike one's own past."
        )


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
    ScoringError
        No series varies, so that nothing can judge.
    """
    work.mkdir(parents=True, exist_ok=True)
    plan = plan if plan.from_scratch else structs.replace(plan, units=in_use.units)
    material = material_of(plan, pasts)
    judging = [Judging.of(past.log, plan.held_back, plan.seed) for past in pasts if has_long_series(past.log)]
    count = round(len(material.trained) * plan.share / (1 - plan.share))
    beside = max(count, FEWEST_GENERATED) if count else 0
    tell(f"{material.told}; beside them {beside:,} generated series")
    files = _files(plan, material, beside, work, tell, clock)
    start = None if plan.from_scratch else in_use
    kept = work / f"training-{plan.key(material.digest(), in_use.digest)}.safetensors"
    best = _trained(plan, start, files, kept, tell, clock)
    weights = PretrainedWeights.of_arrays(best.weights)
    progress = _telling(2 * sum(one.shown for one in judging), tell, clock)
    before = judge(judging, settings, in_use, progress)
    gain = Gain(before, judge(judging, settings, weights, progress) if weights != in_use else before)
    card = card_of(plan, (*map(_source, pasts), f"{beside:,} generated series of 1,024 values"), start)
    scores = _scores(gain) | {"loss_held_back": [best.first_loss, best.loss]} | _on_generated(in_use, weights, files)
    return Found(weights, structs.replace(card, scores=scores), gain, sum(one.judged for one in judging))


def _telling(total: int, tell: Callable[[str], None], clock: Clock) -> Callable[[int], None]:
    """Tells at each tenth of so many values how many have judged."""
    begin, done = clock.now(), 0

    def progress(count: int) -> None:
        nonlocal done
        before, done = done, done + count
        if 10 * before // total != 10 * done // total:
            tell(f"judging, before and after: {done / total:.0%}{remaining(clock.now() - begin, done, total)}")

    return progress


class _Files(NamedTuple):
    """Of examples."""

    trained: list[Path]
    stopping: list[Path]
    forgotten: list[Path]


def _files(
    plan: OwnPlan, material: Material, beside: int, work: Path, tell: Callable[[str], None], clock: Clock
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
    examples, stopping = read_examples(files.trained), read_examples(files.stopping)
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
        "young_network_before": gain.before.young_network,
        "young_network_after": gain.after.young_network,
        "young_forecast_before": gain.before.young_forecast,
        "young_forecast_after": gain.after.young_forecast,
    }
    scores = {"horizons": [float(horizon) for horizon in gain.after.forecast.mse]}
    for name, errors in of.items():
        scores |= {f"{name}_mse": _in_order(errors.mse), f"{name}_mae": _in_order(errors.mae)}
    return scores


def _in_order(by_horizon: dict[int, float]) -> list[float]:
    return [round(error, 4) for error in by_horizon.values()]
