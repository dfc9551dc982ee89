"""The model is compiled once, ahead or at the first start, and whoever starts says so."""

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lstm_stream
from lstm_stream import Bank, ExpertForecasts, Hyperparameters
from pipeline import compiling
from pipeline.code_cache import CodeCache, code_cache
from pipeline.compiling import compile_model, use_all
from pipeline.settings import Events, Settings

HOUR = 3_600_000_000


def entries() -> Iterator[Any]:
    """The functions that are compiled at their first call by Python; none where the compiler is switched off."""
    for module in pkgutil.iter_modules(lstm_stream.__path__):
        for one in vars(importlib.import_module(f"lstm_stream.{module.name}")).values():
            if type(getattr(one, "_cache", None)).__module__ == "lstm_stream.compiled":
                yield one


def compiled() -> dict[str, int]:
    """For how many kinds of arguments each of them is."""
    return {repr(one): len(one.signatures) for one in entries()}


def test_after_it_nothing_is_left_to_be_compiled() -> None:
    use_all(Settings())
    before = compiled()
    rules = Hyperparameters(horizon=3, hidden_size=8, covariates=2, groups=True, quantiles=(0.1, 0.2, 0.5, 0.9))
    bank, draw = Bank(rules), np.random.default_rng(0)
    for begin in range(0, 900, 90):
        names = [f"s{index % 9}" for index in range(90)]
        times = (np.arange(begin, begin + 90) // 9 + (begin > 500) * 40) * HOUR
        values = np.where(draw.random(90) < 0.1, np.nan, draw.normal(size=90))
        by_expert = ExpertForecasts.zeros(90, len(bank.diagnostics.expert_weights()), 3)
        bank.observe(
            names, times, values, events=np.arange(90) // 9, covariates=draw.normal(size=(90, 2)), by_expert=by_expert
        )
        bank.forecast(names[:2])
    assert compiled() == before


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of code; how often something is compiled into it is noted there."""

    def note(_: Settings) -> None:
        with open(tmp_path / "compiled", "a") as file:
            file.write("once\n")

    monkeypatch.setattr(compiling, "use_all", note)
    return tmp_path


def test_the_first_start_compiles_and_says_so_and_the_second_is_quiet(folder: Path) -> None:
    said: list[str] = []
    assert not compile_model(CodeCache(folder, "key"), Settings(), said.append).was_there
    (line,) = said
    assert "compiling the model once" in line
    assert "lstm-stream compile" in line
    assert compile_model(CodeCache(folder, "key"), Settings(), said.append) == (True, 0.0)
    assert said == [line]
    assert (folder / "compiled").read_text() == "once\n"


def test_code_of_another_source_is_compiled_anew(folder: Path) -> None:
    compile_model(CodeCache(folder, "key"), Settings(), str)
    assert not compile_model(CodeCache(folder, "another"), Settings(), str).was_there


def test_without_a_folder_it_says_that_each_start_compiles(folder: Path) -> None:
    said: list[str] = []
    for _ in range(2):
        compile_model(CodeCache(None, "key", "nothing can be written"), Settings(), said.append)
    assert [line.startswith("compiling the model at each start") for line in said] == [False, True] * 2
    assert (folder / "compiled").read_text() == "once\n" * 2


def test_with_the_compiler_switched_off_nothing_is_compiled(folder: Path) -> None:
    said: list[str] = []
    cache = code_cache(folder, {"NUMBA_DISABLE_JIT": "1"})
    assert compile_model(cache, Settings(events=Events()), said.append).was_there
    assert said == []
