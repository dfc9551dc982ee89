"""The section `model`: what is forecast, the network, and how hard it learns."""

from typing import Annotated

from msgspec import Meta, Struct

from pipeline.bounds import bounds
from pipeline.settings.values import Count, SettingsError, written


class Model(Struct, frozen=True, kw_only=True):
    """What is forecast, the network, and how hard it learns. A change makes older checkpoints unusable."""

    horizon: Annotated[Count, Meta(le=1000, description="Steps ahead that each forecast tells.")] = 24
    quantiles: Annotated[
        tuple[Annotated[float, Meta(gt=0, lt=1)], ...],
        Meta(min_length=1, description="Quantiles that each forecast tells, rising."),
    ] = (0.05, 0.5, 0.95)
    hidden_size: Annotated[
        Count, Meta(le=4096, description="Width of the LSTM: how much a series' state can remember.")
    ] = 64
    pretrained: Annotated[
        bool,
        Meta(
            description="Whether a second LSTM has a say, which was trained beforehand: it forecasts well from the"
            " first values on, and does not learn."
        ),
    ] = True
    weights: Annotated[
        str,
        Meta(
            description="File or URL of the weights of this second LSTM, made by `lstm-stream pretrain` from one's own"
            " past. Empty: those of the package, which were trained on generated series."
        ),
    ] = ""
    window: Annotated[Count, Meta(le=10_000, description="Steps that a learning step reaches back through time.")] = 48
    windows: Annotated[
        Count, Meta(le=1000, description="Windows of a learning step: the newest, the others replayed.")
    ] = 16
    effort: Annotated[
        float,
        Meta(ge=0, le=1000, description="How much to learn from each observation: 2 is twice the usual, 0 nothing."),
    ] = 1.0
    learning_rate: Annotated[float, Meta(gt=0, le=1, description="Size of a learning step (Adam).")] = 5e-3
    replay: Annotated[
        Count, Meta(le=10_000_000, description="Past windows that a partition keeps to learn from again.")
    ] = 1024
    memory: Annotated[Count, Meta(le=1_000_000, description="Recent values kept of each series.")] = 2048
    bounds: Annotated[
        tuple[str, ...],
        Meta(
            description="Floors and caps that no mean and no quantile leaves, by patterns of series' names:"
            ' `["*.percent = 0..100", "*.stock = 0..", "* = recognise"]`; the first that matches holds. `recognise`: 0'
            " for counts, and for what often is 0 and never below; 0 and 100 for what often is 100 and never above."
        ),
    ] = ()
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1, description="Seed of the first weights and of the replay.")] = 0

    def __post_init__(self) -> None:
        _check_quantiles(self)
        _check_weights(self)
        _check_memory(self)
        _check_bounds(self)


def _check_quantiles(model: Model) -> None:
    ordered = sorted({quantile for quantile in model.quantiles if 0 < quantile < 1})
    if list(model.quantiles) != ordered:
        raise SettingsError(
            f"model.quantiles is {written(model.quantiles)}; each must lie between 0 and 1 and above the one before"
            + (f", such as {written(ordered)}" if ordered else ""),
            ("quantiles",),
        )


def _check_weights(model: Model) -> None:
    if model.weights and not model.pretrained:
        raise SettingsError(
            f"model.weights is {written(model.weights)}, and model.pretrained = false leaves out the network that they"
            " are for; set one of them back",
            ("weights", "pretrained"),
        )


def _check_memory(model: Model) -> None:
    needed = model.window + model.horizon
    if model.memory < needed:
        raise SettingsError(
            f"model.memory is {model.memory}; a window of {model.window} steps and a horizon of {model.horizon} need"
            f" {needed} values at least",
            ("memory", "window", "horizon"),
        )


def _check_bounds(model: Model) -> None:
    try:
        bounds(model.bounds)
    except ValueError as error:
        raise SettingsError(f"model.bounds: {error}", ("bounds",)) from None
