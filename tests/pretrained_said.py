"""What the pretrained network says, by torch.

Shapes: N steps, I inputs, P horizons of the weights, M marked ones.
"""

import numpy as np
import numpy.typing as npt
import torch

from lstm_stream.features import MARKS, OF_THE_SERIES
from lstm_stream.network import Network
from lstm_stream.pretrained import HORIZON

Floats = npt.NDArray[np.float32]
AT = np.asarray(MARKS) - 1
"""Places of the marked horizons, of which it reads what the experts say."""


def marked_moves(network: Network, x: Floats) -> Floats:
    """How far values will move (N, M) in the marked horizons, by inputs (N, I), in move scales."""
    with torch.no_grad():
        nothing = torch.zeros(1, network.units)
        told = network.unroll(torch.from_numpy(x)[:, None], nothing, nothing).numpy()[:, 0]
    plain = x[:, OF_THE_SERIES + len(MARKS) :]
    let_through = 1.0 / (1.0 + np.exp(-told[:, 2 * HORIZON + AT]))
    moves: Floats = told[:, AT] + let_through * plain
    return moves
