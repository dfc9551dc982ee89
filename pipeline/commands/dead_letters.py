"""`lstm-stream dead-letters`: what lies there, and sending it again."""

import sys
from collections.abc import Iterator, Sequence

import click
import msgspec

from pipeline.commands.options import EPILOG, Refusal, refusing, settings_of, with_settings
from pipeline.dead_letter_topic import Box, Pile
from pipeline.dead_letters import REASONS
from pipeline.settings import Settings


class _Told(msgspec.Struct, frozen=True):
    """What `--json` prints."""

    topic: str
    letters: int
    replayable: int
    cut: int
    others: int
    reasons: Sequence[Pile]
    sent_again: int | None = None


@click.command("dead-letters", epilog=EPILOG)
@with_settings
@click.option("--reason", metavar="R", help="Only those of this reason, such as bad_timestamp.")
@click.option(
    "--examples", type=click.IntRange(0, 100), default=3, show_default=True, help="Examples shown of each reason."
)
@click.option("--replay", is_flag=True, help="Send the original records to their input topic again, each once.")
@click.option("--yes", is_flag=True, help="Do not ask before a replay.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def dead_letters(
    config: str | None,
    overrides: Sequence[str],
    reason: str | None,
    examples: int,
    replay: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Tell what lies in the dead-letter topic, by reason, with examples.

    With --replay the original records go back to the partition of the input topic that they came from, unchanged and
    with their own Kafka time, once the producer or the settings were mended. Each is sent once, however often this is
    run: a receipt in the dead-letter topic says which were. The daemon reads them as new: what is older than the last
    event of its series is late, and values of a record that were forecast before are repeated.
    """
    from pipeline.cluster import ClusterError
    from pipeline.resending import read_box

    if reason is not None and reason not in REASONS:
        raise click.UsageError(f"there is no reason `{reason}`; known are {', '.join(REASONS)}")
    settings = settings_of(config, overrides)
    with refusing(ClusterError):
        told = _contents(read_box(settings), settings.kafka.dead_letters, reason, examples)
        if not as_json:
            for line in _lines(told):
                click.echo(line)
        if replay:
            told = msgspec.structs.replace(told, sent_again=_sent_again(settings, reason, told.replayable, yes))
    if as_json:
        click.echo(msgspec.json.encode(told))
    elif told.sent_again is not None:
        click.echo(f"{told.sent_again:,} records were sent to their input topics again")


def _contents(box: Box, topic: str, reason: str | None, examples: int) -> _Told:
    return _Told(
        topic=topic,
        letters=sum(pile.letters for pile in box.piles(reason, 0)),
        replayable=len(box.to_replay(reason)),
        cut=box.cut(reason),
        others=box.others,
        reasons=box.piles(reason, examples),
    )


def _sent_again(settings: Settings, reason: str | None, count: int, yes: bool) -> int:
    """How many records were sent, once somebody has agreed."""
    from pipeline.resending import resend

    if not count:
        return 0
    _confirm(count, yes)
    return resend(settings, reason, lambda _: None)


def _confirm(count: int, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refusal("nobody is there to confirm; give --yes to send the records again without a question")
    click.confirm(f"Send {count:,} records to their input topics again?", abort=True, err=True)


def _lines(told: _Told) -> Iterator[str]:
    yield f"{told.topic}: {told.letters:,} dead letters"
    for pile in told.reasons:
        yield from _pile(pile)
    if told.others:
        yield f"{told.others:,} records of this topic are no dead letters of lstm-stream"
    if told.cut:
        yield f"{told.cut:,} records can't be sent again: their letters hold a part of them only; see the input"
    if told.replayable:
        yield f"{told.replayable:,} records can be sent again with --replay, once what was wrong is mended"


def _pile(pile: Pile) -> Iterator[str]:
    again = f", {pile.replayed:,} of them sent again" if pile.replayed else ""
    yield ""
    yield f"{pile.letters:>7,}  {pile.reason}: {pile.meaning}{again}"
    for one in pile.examples:
        yield f"         {one.topic}/{one.partition} offset {one.offset}: {one.detail}"
        yield f"           {one.value}"
    yield ""
