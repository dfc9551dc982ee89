"""A stateful LSTM that forecasts many time series and learns from each observation as it arrives."""

from lstm_stream.bank import Bank, DumpError
from lstm_stream.experts import OF_THE_LSTM, Expert
from lstm_stream.faults import Fault
from lstm_stream.forecaster import LSTMForecaster
from lstm_stream.forecasts import Forecasts, Opinions
from lstm_stream.grid import Outcome
from lstm_stream.hyperparameters import ANY_GAP, Hyperparameters
from lstm_stream.observations import Observation
from lstm_stream.timelines import Timeline, timeline

__all__ = [
    "ANY_GAP",
    "OF_THE_LSTM",
    "Bank",
    "DumpError",
    "Expert",
    "Fault",
    "Forecasts",
    "Hyperparameters",
    "LSTMForecaster",
    "Observation",
    "Opinions",
    "Outcome",
    "Timeline",
    "timeline",
]
