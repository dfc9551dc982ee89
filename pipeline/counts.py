"""How many observations came to what.

observations = forecasts + superseded + late + repeated + dead letters, of any number of records.
"""

from collections import Counter

import msgspec


class Counts(msgspec.Struct, frozen=True):
    """What became of observations: each is counted once, and once more under what it came to."""

    observations: int = 0
    forecasts: int = 0
    superseded: int = 0
    """Forecasts that `publish = "latest"` left out, since a newer one of their series goes out with them."""
    late: int = 0
    repeated: int = 0
    dead_letters: dict[str, int] = {}
    """By reason."""
    masked_covariates: int = 0
    """Of events with observations; no part of the sum."""
    out_of_bounds: int = 0
    """Of those with a forecast; no part of the sum."""
    skipped: dict[str, int] = {}
    """Records, elements and values that are not for us, by reason; no part of the sum."""

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.observations + other.observations,
            self.forecasts + other.forecasts,
            self.superseded + other.superseded,
            self.late + other.late,
            self.repeated + other.repeated,
            dict(Counter(self.dead_letters) + Counter(other.dead_letters)),
            self.masked_covariates + other.masked_covariates,
            self.out_of_bounds + other.out_of_bounds,
            dict(Counter(self.skipped) + Counter(other.skipped)),
        )
