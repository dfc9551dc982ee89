"""Examples to train on in files of a folder: those that are there are not made again, and each is whole."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

from lstm_stream import Examples, Stretch, examples_of, make_examples
from pipeline.clock import Clock
from pipeline.pretraining.remaining import remaining


class Task(Protocol):
    """Examples that are to be made, in a process of their own."""

    @property
    def count(self) -> int: ...
    def make(self) -> Examples: ...


@dataclass(frozen=True)
class Generated:
    """Examples of generated series; their name tells all that they depend on."""

    first: int
    count: int
    seed: int

    @property
    def name(self) -> str:
        return f"generated-{self.seed}-{self.first:06d}-{self.count}"

    def make(self) -> Examples:
        return make_examples(self.first, self.count, self.seed)


@dataclass(frozen=True)
class Own:
    """Examples of one's own series."""

    stretches: tuple[Stretch, ...]

    @property
    def count(self) -> int:
        return len(self.stretches)

    def make(self) -> Examples:
        return examples_of(self.stretches)


def generated(first: int, count: int, seed: int, part: int) -> dict[str, Task]:
    """Tasks of so many generated series, so many each, by the names of their files."""
    parts = (Generated(at, min(part, first + count - at), seed) for at in range(first, first + count, part))
    return {one.name: one for one in parts}


def made(tasks: Mapping[str, Task], folder: Path, jobs: int, tell: Callable[[str], None], clock: Clock) -> list[Path]:
    """The files of these tasks in their order; those that are missing are made, by so many processes."""
    paths = {name: folder / f"{name}.npz" for name in tasks}
    missing = [name for name, path in paths.items() if not path.exists()]
    if missing:
        begin, done, total = clock.now(), 0, sum(tasks[name].count for name in missing)
        for name, found in zip(missing, _all([tasks[name] for name in missing], jobs), strict=True):
            _save(found, paths[name])
            done += tasks[name].count
            tell(f"examples: {done:,} of {total:,} stretches{remaining(clock.now() - begin, done, total)}")
    return list(paths.values())


def _all(tasks: Sequence[Task], jobs: int) -> Iterator[Examples]:
    """What these tasks make, in their order; one process alone is this one."""
    if jobs == 1:
        yield from map(_make, tasks)
        return
    with ProcessPoolExecutor(min(jobs, len(tasks)), mp_context=get_context("spawn")) as pool:
        yield from pool.map(_make, tasks)


def _make(task: Task) -> Examples:
    return task.make()


def _save(found: Examples, path: Path) -> None:
    """At once: a file that is there is whole."""
    partly = path.with_suffix(".partly.npz")
    np.savez(partly, features=found.features, moves=found.moves, plain=found.plain)
    partly.replace(path)


def read_examples(paths: Iterable[Path]) -> Examples:
    """The examples of these files in their order."""
    parts = [np.load(path) for path in paths]
    return Examples(*(np.concatenate([part[name] for part in parts]) for name in Examples._fields))


def write_arrays(arrays: Mapping[str, npt.NDArray[Any]], path: Path) -> None:
    """Write arrays at once: what was there before stays until all is written."""
    partly = path.with_suffix(".partly")
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, partly)
    partly.replace(path)
