"""What the settings say about the model, in the library's terms."""

from lstm_stream import Hyperparameters
from pipeline.bounds import bounds
from pipeline.settings import Settings


def hyperparameters(settings: Settings) -> Hyperparameters:
    """What the settings say about the model."""
    model, events = settings.model, settings.events
    return Hyperparameters(
        horizon=model.horizon,
        quantiles=model.quantiles,
        hidden_size=model.hidden_size,
        pretrained=model.pretrained,
        window=model.window,
        windows=model.windows,
        effort=model.effort,
        learning_rate=model.learning_rate,
        replay=model.replay,
        memory=model.memory,
        covariates=len(events.covariates),
        groups=len(events.values) > 1,
        step=events.step,
        max_gap=events.max_gap,
        restart_after=events.restart_after,
        bounds=bounds(model.bounds),
        seed=model.seed,
    )
