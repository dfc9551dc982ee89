"""What a shard's checkpoint says it was made with, and the refusal of one that was made with something else."""

from collections.abc import Mapping

import msgspec

from lstm_stream import packaged


class FingerprintError(ValueError):
    """A checkpoint was made with other settings than it is loaded with. The message names the difference."""


class Kept(msgspec.Struct, frozen=True):
    """The header of a shard's checkpoint."""

    next_offset: int
    fingerprint: dict[str, object]
    bank: dict[str, object]


def compare(kept: Mapping[str, object], given: Mapping[str, object]) -> None:
    """Compare the fingerprint of a checkpoint with that of now; raises `FingerprintError` where they differ."""
    other = sorted(name for name in kept.keys() | given.keys() if kept.get(name) != given.get(name))
    if other:
        told = ", ".join(f"{name} was {_told(kept.get(name))} and is now {_told(given.get(name))}" for name in other)
        raise FingerprintError(
            f"the checkpoint was made with other settings: {told}; set them back, or start with --rebuild to learn anew"
        )


def _told(value: object) -> str:
    return f"{value!r} (of the package)" if value == packaged().digest else repr(value)
