"""Makes the weights that networks begin with: generates series, lets the compiled step read them, trains on that.

The examples and the state of the training are kept in a folder, so that a run that was cut off goes on. The same seed
gives the same examples; the same weights only on the same kind of processor.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file

from lstm_stream import Examples, HeldBackLosses, Training, held_back_losses, make_examples

KEEP_EVERY = 500
"""Training steps from one kept state to the next."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to do.

    Attributes
    ----------
    series
        How many are generated.
    steps
        Training steps.
    seed
        Of the series, the first weights and the order.
    units
        Of the network.
    jobs
        Processes that make examples.
    device
        Where torch trains: `cpu` or `cuda`.
    part
        Series of a file of examples; those of the last are not trained on.
    """

    series: int = 40_000
    steps: int = 30_000
    seed: int = 0
    units: int = 128
    jobs: int = 2
    device: str = "cpu"
    part: int = 250


class Card(msgspec.Struct, frozen=True):
    """What is told of the weights, in their file.

    Attributes
    ----------
    plan
        How they were made.
    held_back
        Losses on generated series that were not trained on, by the last value, the experts that need no network, and
        the network alone.
    """

    plan: Plan
    held_back: dict[str, list[float]]


def pretrain(plan: Plan, out: Path, work: Path, tell: Callable[[str], None]) -> Card:
    """Make weights and write them to `out`; what is done so far is kept in the folder `work`."""
    work.mkdir(parents=True, exist_ok=True)
    files = _example_files(plan, work, tell)
    training = Training(plan.units, plan.steps, seed=plan.seed, device=plan.device)
    state = work / f"training-{plan.units}-{plan.steps}.safetensors"
    if state.exists():
        training.load(load_file(state))
        tell(f"goes on behind step {training.taken}")
    for progress in training.run(_read(files[:-1])):
        tell(f"step {progress.step} of {plan.steps}: loss {progress.loss:.4f}")
        if progress.step % KEEP_EVERY == 0:
            _write(training.dump(), state, {})
    found = held_back_losses(training.network, _read(files[-1:]))
    card = Card(plan, _rounded(found))
    _write(_halved(training.network.dump()), out, {"card": msgspec.json.encode(card).decode()})
    return card


def _example_files(plan: Plan, work: Path, tell: Callable[[str], None]) -> list[Path]:
    """The files of examples, those that are missing made."""
    made = {first: work / f"examples-{plan.seed}-{first:06d}.npz" for first in range(0, plan.series, plan.part)}
    missing = [first for first, path in made.items() if not path.exists()]
    with ProcessPoolExecutor(plan.jobs, mp_context=get_context("spawn")) as pool:
        for first, found in zip(missing, pool.map(partial(_part, plan), missing), strict=True):
            _save(found, made[first])
            tell(f"examples of {min(first + plan.part, plan.series)} of {plan.series} series")
    return list(made.values())


def _part(plan: Plan, first: int) -> Examples:
    return make_examples(first, min(plan.part, plan.series - first), plan.seed)


def _save(found: Examples, path: Path) -> None:
    """At once: a file that is there is whole."""
    partly = path.with_suffix(".partly.npz")
    np.savez(partly, features=found.features, moves=found.moves, plain=found.plain)
    partly.replace(path)


def _read(files: Iterable[Path]) -> Examples:
    parts = [np.load(path) for path in files]
    return Examples(*(np.concatenate([part[name] for part in parts]) for name in Examples._fields))


def _halved(weights: Mapping[str, npt.NDArray[np.float32]]) -> dict[str, npt.NDArray[np.float16]]:
    return {name: array.astype(np.float16) for name, array in weights.items()}


def _write(arrays: Mapping[str, npt.NDArray[np.floating]], path: Path, metadata: dict[str, str]) -> None:
    partly = path.with_suffix(".partly")
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, partly, metadata)
    partly.replace(path)


def _rounded(found: HeldBackLosses) -> dict[str, list[float]]:
    return {name: [round(loss, 4) for loss in told] for name, told in found._asdict().items()}
