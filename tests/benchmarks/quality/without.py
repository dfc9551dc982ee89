"""What the network, and its memory, are worth: the same bank without."""

from collections.abc import Sequence

import msgspec

from tests.benchmarks.quality.case import Case, Kind, run
from tests.benchmarks.quality.markdown import by_set
from tests.benchmarks.quality.reference import over_all, ratios
from tests.benchmarks.quality.workers import Start


class Without(msgspec.Struct, frozen=True):
    """Errors without over errors with: above 1 where it is worth something."""

    network: Kind
    mse: float
    mae: float
    mse_by_set: dict[str, dict[int, float]]

    def markdown(self) -> str:
        """The means and each ratio of MSE."""
        head = f"MSE {self.mse:.4f} and MAE {self.mae:.4f} times those of the default (geometric mean)."
        return f"{head}\n\n{by_set(self.mse_by_set)}"


def without(paths: Sequence[str], network: Kind, effort: float, start: Start) -> Without:
    """Run every set with another network, and with the default one."""
    lacking = [start(run, Case(path, network, effort)) for path in paths]
    default = [start(run, Case(path, effort=effort)) for path in paths]
    ours, theirs = [future.result() for future in lacking], [future.result() for future in default]
    mse = ratios(ours, theirs, "mse")
    return Without(network, over_all(mse), over_all(ratios(ours, theirs, "mae")), mse)
