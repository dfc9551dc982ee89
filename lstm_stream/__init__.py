"""A stateful LSTM that forecasts many time series and learns from each observation as it arrives."""

from lstm_stream.observations import Observation

__all__ = ["Observation"]
