"""Makes the weights that networks begin with: generates series, lets the compiled step read them, trains on that.

The examples and the state of the training are kept in a folder, so that a run that was cut off goes on, and ends with
the same weights. The same seed gives the same examples; the same weights only on the same kind of processor.
"""

from collections.abc import Callable
from pathlib import Path

from msgspec import structs
from safetensors.numpy import load_file

from lstm_stream import Card, HeldBackLosses, PretrainedWeights, Training, held_back_losses
from pipeline.clock import Clock
from pipeline.pretraining.example_files import generated, made, read_examples, write_arrays
from pipeline.pretraining.plans import Plan
from pipeline.pretraining.remaining import remaining

KEEP_EVERY = 500
"""Training steps from one kept state to the next."""
BYTES = 274_432
"""Of an example in its file, and in memory while files are read."""


def pretrain(
    plan: Plan, start: PretrainedWeights | None, out: Path, work: Path, tell: Callable[[str], None], clock: Clock
) -> Card:
    """Make weights from generated series and write them to `out`; what is done so far is kept in the folder `work`.

    Parameters
    ----------
    start
        Weights to go on from; None: random ones.
    """
    plan = structs.replace(plan, units=start.units) if start else plan
    work.mkdir(parents=True, exist_ok=True)
    tell(f"{plan.series:,} generated series take {plan.series * BYTES / 1e9:.1f} GB of memory, and as much of {work}")
    files = made(generated(0, plan.series, plan.seed, plan.part), work, plan.jobs, tell, clock)
    training = Training(plan.units, plan.steps, plan.rate, plan.seed, plan.device, plan.batch, start)
    state = work / f"training-{plan.key(*([start.digest] if start else []))}.safetensors"
    if state.exists():
        training.load(load_file(state))
        tell(f"goes on behind step {training.taken:,}")
    begin, begun = clock.now(), training.taken
    for progress in training.run(read_examples(files[:-1]), KEEP_EVERY):
        left = remaining(clock.now() - begin, progress.step - begun, plan.steps - begun)
        tell(f"step {progress.step:,} of {plan.steps:,}: loss {progress.loss:.4f}{left}")
        write_arrays(training.dump(), state)
    weights = PretrainedWeights.of_arrays(training.network.dump())
    card = card_of(plan, (f"{trained_on(plan):,} generated series of 1,024 values",), start)
    card = structs.replace(card, scores=rounded(held_back_losses(training.network, read_examples(files[-1:]))))
    write_weights(weights, card, out)
    return card


def work_folder(out: Path) -> Path:
    """Where what is done is kept until weights are made."""
    return out.with_suffix(".work")


def trained_on(plan: Plan) -> int:
    """Generated series that are trained on: all but those of the last file."""
    return (plan.series - 1) // plan.part * plan.part


def card_of(plan: Plan, data: tuple[str, ...], start: PretrainedWeights | None) -> Card:
    """A card without scores."""
    return Card(
        data=data,
        steps=plan.steps,
        batch=plan.batch,
        rate=plan.rate,
        device=plan.device,
        seed=plan.seed,
        began_with=start.digest if start else "",
    )


def rounded(found: HeldBackLosses) -> dict[str, list[float]]:
    """Losses by what they are of, as a card tells them."""
    return {name: [round(loss, 4) for loss in told] for name, told in found._asdict().items()}


def write_weights(weights: PretrainedWeights, card: Card, out: Path) -> None:
    """Write a file of weights at once: a daemon that starts meanwhile reads the old one or the new one."""
    out.parent.mkdir(parents=True, exist_ok=True)
    partly = out.with_name(f".{out.name}.partly")
    partly.write_bytes(weights.to_bytes(card))
    partly.replace(out)
