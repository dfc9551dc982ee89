"""`lstm-stream pretrain`: the weights that the pretrained network has."""

from pathlib import Path

import click

from pipeline.commands.options import EPILOG


@click.command(epilog=EPILOG)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("pretrained.safetensors"),
    show_default=True,
    help="Where to write the weights.",
)
@click.option("--series", type=click.IntRange(2), default=40_000, show_default=True, help="Series to generate.")
@click.option("--steps", type=click.IntRange(1), default=30_000, show_default=True, help="Training steps.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of series and training.")
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="Processes that make examples.")
@click.option("--device", default="cpu", show_default=True, help="Where torch trains: cpu or cuda.")
def pretrain(output: Path, series: int, steps: int, seed: int, jobs: int, device: str) -> None:
    """Train the network that does not learn, on generated series alone.

    Four hours on two processors, twenty minutes on sixteen with a GPU; with 4,000 series and steps half an hour, and
    nearly as good. What is done is kept in a folder beside the file, so that a run that was
    cut off goes on. The weights of the package are `lstm_stream/pretrained.safetensors`; others of the same size may
    take their place.
    """
    from pipeline.pretrain import Plan
    from pipeline.pretrain import pretrain as make

    plan = Plan(series=series, steps=steps, seed=seed, jobs=jobs, device=device)
    card = make(plan, output, output.with_suffix(".work"), lambda line: click.echo(line, err=True))
    click.echo(f"{output}: mean Huber losses on held-back series, by steps 3-24, 10-100, 100-500, 500-1000")
    for name, losses in card.held_back.items():
        click.echo(f"  {name.replace('_', ' ')}: {'  '.join(f'{loss:.3f}' for loss in losses)}")
