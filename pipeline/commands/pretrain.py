"""`lstm-stream pretrain`: weights of the pretrained network, from one's own past or from generated series."""

from collections.abc import Callable, Sequence
from pathlib import Path

import click
from msgspec import structs
from rich.console import Console

from pipeline.commands.console import have_compiled, told_on
from pipeline.commands.file_options import file_options_of, with_file_form
from pipeline.commands.options import EPILOG, FAILURE, FILE, refusing, settings_of, with_settings
from pipeline.pretraining.plans import RATE, RATE_ON, OwnPlan, Plan
from pipeline.settings import Settings


class Device(click.ParamType[str]):
    """Where torch trains, if it is there."""

    name = "DEVICE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from lstm_stream import is_device

        if not is_device(str(value)):
            self.fail(f"torch has no device `{value}` here; expected cpu, or cuda where there is a GPU", param, ctx)
        return str(value)


@click.command(epilog=f"{EPILOG} 1 also where nothing was gained: then no file is written.")
@click.argument("files", type=FILE, nargs=-1)
@click.option("--topic", help="Train on what this topic holds in place of files; no group is joined.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("pretrained.safetensors"),
    show_default=True,
    help="Where to write the weights.",
)
@click.option("--steps", type=click.IntRange(1), help="Training steps at most.  [default: 1,000; generated: 30,000]")
@click.option("--batch", type=click.IntRange(1), help="Stretches of a step.  [default: 64; generated: 256]")
@click.option(
    "--rate",
    type=click.FloatRange(0, 1, min_open=True),
    help="Largest learning rate.  [default: 0.001; from random weights: 0.003]",
)
@click.option("--units", type=click.IntRange(8, 256), help="Of the network, from random weights.  [default: 128]")
@click.option("--from-scratch", is_flag=True, help="Start from random weights, not from those in use.")
@click.option("--go-on", is_flag=True, help="On generated series alone: start from the weights in use.")
@click.option(
    "--generated-share",
    type=click.FloatRange(0, 0.9),
    default=0.5,
    show_default=True,
    help="Share of generated series beside one's own, so that the network forgets nothing.",
)
@click.option(
    "--held-back",
    type=click.FloatRange(0.05, 0.5),
    default=0.2,
    show_default=True,
    help="Share at the end of each series that is not trained on: half tells when to stop, half judges.",
)
@click.option(
    "--records",
    type=click.IntRange(1),
    default=2_000_000,
    show_default=True,
    help="Newest records of a topic that are read.",
)
@click.option("--anyway", is_flag=True, help="Write the weights even where nothing was gained.")
@click.option(
    "--generate", type=click.IntRange(2), default=40_000, show_default=True, help="Series to generate, without a past."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of series and training.")
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="Processes that make examples.")
@click.option("--device", type=Device(), default="cpu", show_default=True, help="Where torch trains: cpu or cuda.")
@with_file_form
@with_settings
def pretrain(
    files: tuple[Path, ...],
    topic: str | None,
    output: Path,
    steps: int | None,
    batch: int | None,
    rate: float | None,
    units: int | None,
    from_scratch: bool,
    go_on: bool,
    generated_share: float,
    held_back: float,
    records: int,
    anyway: bool,
    generate: int,
    seed: int,
    jobs: int,
    device: str,
    config: str | None,
    overrides: Sequence[str],
) -> None:
    """Make weights of the pretrained network, from one's own past or from generated series.

    With FILES or --topic training goes on from the weights in use (model.weights, or the package's). Files are read as
    by `evaluate`. The end of each series is held back; on it the network alone and the whole forecast are scored,
    before and after, as of series that are known and of series that begin. Weights that gain nothing are not written.
    It takes some thousand values at least, and five to ten minutes. model.weights names the file to the daemon;
    checkpoints made with other weights need --rebuild.

    Without either it makes weights as the package's began: four hours on two processors, twenty minutes on sixteen
    with a GPU; with --generate 4000 --steps 4000 half an hour, and nearly as good. With --go-on it starts from the
    weights in use.

    What is done is kept in a folder beside the output, so that a run that was cut off goes on.
    """
    if files and topic:
        raise click.UsageError("give FILES or --topic, one of them")
    if units and not from_scratch and (files or topic or go_on):
        raise click.UsageError("--units needs --from-scratch: the weights in use have their number of units")
    if go_on and (files or topic or from_scratch):
        raise click.UsageError("--go-on is for generated series alone; on your own, training always goes on")
    settings, tell = settings_of(config, overrides), told_on(Console(stderr=True))
    have_compiled(settings, tell)
    chosen = {"steps": steps, "batch": batch, "rate": rate, "units": units}
    given = {name: value for name, value in chosen.items() if value is not None}
    if files or topic:
        rates = {"rate": RATE} if from_scratch else {}
        own = OwnPlan(share=generated_share, held_back=held_back, from_scratch=from_scratch, seed=seed, jobs=jobs)
        plan = structs.replace(own, device=device, **(rates | given))
        is_worth_it = _from_the_past(plan, files, topic or "", records, settings, output, anyway, tell)
        click.get_current_context().exit(0 if is_worth_it else FAILURE)
    generated = Plan(series=generate, seed=seed, jobs=jobs, device=device, rate=RATE_ON if go_on else RATE)
    _from_generated(structs.replace(generated, **given), settings if go_on else None, output, tell)


def _from_the_past(
    plan: OwnPlan,
    files: Sequence[Path],
    topic: str,
    records: int,
    settings: Settings,
    output: Path,
    anyway: bool,
    tell: Callable[[str], None],
) -> bool:
    """Train on files or a topic; tell whether weights were written."""
    from lstm_stream import WeightsError, packaged
    from pipeline.clock import Clock
    from pipeline.cluster import ClusterError
    from pipeline.evaluation.actuals import ScoringError
    from pipeline.evaluation.log import read_file
    from pipeline.evaluation.topic_log import TopicError, read_past
    from pipeline.files.packing import TableError
    from pipeline.pretraining.material import TooLittleError
    from pipeline.pretraining.on_generated import work_folder, write_weights
    from pipeline.pretraining.on_own import pretrain_own
    from pipeline.replay import Form
    from pipeline.weights import read_weights

    with refusing(TableError, ClusterError, TopicError, TooLittleError, ScoringError, WeightsError, OSError):
        in_use = read_weights(settings.model) or packaged()
        if not settings.model.pretrained:
            tell("model.pretrained is false in these settings; the whole forecast is judged with true")
            settings = structs.replace(settings, model=structs.replace(settings.model, pretrained=True))
        if topic:
            pasts = [read_past(settings, topic, most=records)]
        else:
            fields, form = Form(settings.events).fields, file_options_of(settings.events)
            pasts = [read_file(file, fields, form) for file in files]
        for line in (line for past in pasts for line in past.told):
            tell(line)
        found = pretrain_own(plan, pasts, in_use, settings, work_folder(output), tell, Clock())
        for line in found.told():
            click.echo(line)
        if not (found.gain.is_worth_it or anyway):
            click.echo(f"Not worth using: {output} is not written (--anyway does), go on with the weights in use.")
            return False
        write_weights(found.weights, found.card, output)
    click.echo(
        f"{output} ({found.weights.digest}) is written; use it by model.weights, with --rebuild where there are"
        " checkpoints."
    )
    return True


def _from_generated(plan: Plan, goes_on: Settings | None, output: Path, tell: Callable[[str], None]) -> None:
    """Train on generated series alone, from random weights or from those that these settings use."""
    from lstm_stream import WeightsError, packaged
    from pipeline.clock import Clock
    from pipeline.pretraining.on_generated import pretrain as make
    from pipeline.pretraining.on_generated import work_folder
    from pipeline.weights import read_weights

    with refusing(WeightsError, OSError):
        start = (read_weights(goes_on.model) or packaged()) if goes_on else None
        card = make(plan, start, output, work_folder(output), tell, Clock())
    click.echo(f"{output}: mean Huber losses on held-back series, by steps 3-24, 10-100, 100-500, 500-1000")
    for name, losses in card.scores.items():
        click.echo(f"  {name.replace('_', ' ')}: {'  '.join(f'{loss:.3f}' for loss in losses)}")
