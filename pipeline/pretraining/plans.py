"""What a training of the pretrained network is to do."""

from hashlib import blake2b

import msgspec
from msgspec import structs

RATE = 3e-3
"""The largest learning rate from random weights on, in torch's Adam."""
RATE_ON = 1e-3
"""The same from trained weights on: a larger one forgets more than it learns."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to do.

    Attributes
    ----------
    series
        How many are generated.
    steps, batch, rate
        Training steps, stretches of each, and the largest learning rate.
    seed
        Of the series, the first weights and the order.
    units
        Of the network.
    jobs
        Processes that make examples.
    device
        Where torch trains: `cpu` or `cuda`.
    part
        Series of a file of examples; those of the last are not trained on.
    """

    series: int = 40_000
    steps: int = 30_000
    batch: int = 256
    rate: float = RATE
    seed: int = 0
    units: int = 128
    jobs: int = 2
    device: str = "cpu"
    part: int = 250

    def key(self, *beside: str) -> str:
        """Names what this plan trains: with another number of processes it is the same."""
        told = msgspec.json.encode((structs.replace(self, jobs=1), *beside))
        return blake2b(told, digest_size=6).hexdigest()


class OwnPlan(Plan, frozen=True, kw_only=True):
    """What to do with one's own past; `steps` is the most that are taken, and `series` follows from the others.

    Attributes
    ----------
    share
        Of generated series among all that is trained on.
    held_back
        Share of each series that is not trained on.
    from_scratch
        Whether training starts from random weights, and not from those in use.
    """

    series: int = 0
    steps: int = 1_000
    batch: int = 64
    rate: float = RATE_ON
    part: int = 64
    share: float = 0.5
    held_back: float = 0.2
    from_scratch: bool = False
