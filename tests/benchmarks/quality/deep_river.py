"""deep-river's LSTM on one series: JSON from standard input to standard output, in an environment of its own.

It runs as a script where deep-river is installed, which wants other versions than this project, and so imports
nothing of it. What comes in is `{"values": [...], "horizon": 48, "stride": 23}`; what goes out holds the forecasts
made after each value, of all steps at every so manyth one and of one step else, and seconds of CPU.
"""

import json
import math
import sys
import time

import torch


def main() -> None:
    """Learn from each value and forecast, on values in standard deviations of those so far."""
    from deep_river.forecasting.zoo import LSTMForecaster  # type: ignore[import-not-found]

    torch.set_num_threads(1)
    asked = json.load(sys.stdin)
    model = LSTMForecaster(window_size=24, hidden_size=16, lr=3e-3, seed=0)  # of 1e-3 to 1e-2 the best
    forecasts: list[list[float]] = []
    level, squares, begin = 0.0, 0.0, time.process_time()
    for row, value in enumerate(asked["values"]):
        off = value - level
        level += off / (row + 1)
        squares += off * (value - level)
        spread = math.sqrt(squares / (row + 1)) or 1.0
        model.learn_one((value - level) / spread)
        ahead = model.forecast(asked["horizon"] if row % asked["stride"] == 0 else 1)
        forecasts.append([level + spread * one for one in ahead])
    json.dump({"forecasts": forecasts, "seconds": time.process_time() - begin}, sys.stdout)


if __name__ == "__main__":
    main()
