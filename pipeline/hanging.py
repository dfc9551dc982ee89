"""A transaction that a partition takes to be open: whether it is over, how it ended, who can end it."""

from collections.abc import Mapping

from pipeline.cluster import place
from pipeline.cluster.admin import Coordinated, Open

STRANGER = 1200.0
"""Seconds until what no coordinator knows is taken to hang: the longest that a broker lets a transaction be open
(`transaction.max.timeout.ms`, 900 by default) and 300 more, as `kafka-transactions.sh find-hanging` has it."""


def is_over(known: Coordinated | None) -> bool:
    """Whether its coordinator has ended it, or knows of none."""
    return known is None or not known.is_open


def longest_open(known: Coordinated | None) -> float:
    """How long it must have been open before our eyes: a living producer ends its own within this time."""
    return STRANGER if known is None else known.timeout


def was_committed(hanging: Open, known: Coordinated | None) -> bool:
    """A commit that the coordinator decided is that of the last transaction; one of an older epoch was aborted."""
    return known is not None and known.is_committed and hanging.epoch >= known.epoch - 1


def name_of(known: Coordinated | None) -> str:
    """Its name, as far as one is known."""
    return known.name if known is not None else "not known to its coordinator"


def how_to_end(servers: str, hanging: Mapping[Open, Coordinated | None]) -> str:
    """What to do where we may not; a missing commit cannot be written by the tool."""
    first, known = next(iter(hanging.items()))
    said = (
        f"{place(first.partition)} holds a transaction of producer {first.producer_id} ({name_of(known)}) open from"
        f" offset {first.start} on, which its coordinator has ended; give us the right to ALTER the cluster"
    )
    commands = [
        f"kafka-transactions.sh --bootstrap-server {servers} abort --topic {one.partition.topic}"
        f" --partition {one.partition.partition} --start-offset {one.start}"
        for one, known in hanging.items()
        if not was_committed(one, known)
    ]
    return f"{said}, or run: {'; '.join(commands)}" if commands else f"{said}: it was committed"


def how_to_see(servers: str, topic: str) -> str:
    """What to do where we may not ask."""
    return (
        f"topic `{topic}` may not be read by us, so nobody sees whether a broker's death left a transaction open there,"
        f" whose records would come twice: kafka-acls.sh --bootstrap-server {servers} --add --allow-principal <ours>"
        f" --operation Read --topic {topic}"
    )
