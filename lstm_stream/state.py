"""All that is known of the series, and all that the steps of a shard's series share.

Letters: S series, H horizons, E experts, K scored or marked horizons, R regressors, M members of an event.
"""

from typing import NamedTuple

import numpy as np

from lstm_stream import autoregression, features, group_regression, interval_state, pretrained, readout
from lstm_stream.anomaly import Errors
from lstm_stream.arithmetic import Flags, Floats, Halves, Wholes
from lstm_stream.autoregression import Autoregressions
from lstm_stream.call import Call
from lstm_stream.cell import Weights
from lstm_stream.expert_losses import Combination, Scoring
from lstm_stream.experts import EXPERTS
from lstm_stream.forecasts import ExpertForecasts, Forecasts
from lstm_stream.grid import Rhythm
from lstm_stream.group_regression import Groups
from lstm_stream.history import History
from lstm_stream.hyperparameters import Hyperparameters
from lstm_stream.interval_state import Intervals
from lstm_stream.move_scale import Moves
from lstm_stream.notes import Notes
from lstm_stream.pretrained import Pretrained
from lstm_stream.readout import ONE, Readouts
from lstm_stream.replay import Replay
from lstm_stream.scale import Scale
from lstm_stream.series import Series
from lstm_stream.similar_seasons import SimilarSeasons, lasting
from lstm_stream.trace import Trace


class Carried(NamedTuple):
    """The state of the pretrained network."""

    hidden: Halves  # (S, U)
    cell: Halves  # (S, U)

    @classmethod
    def empty(cls, units: int) -> "Carried":
        """Of no series."""
        return cls(np.zeros((0, units), np.uint16), np.zeros((0, units), np.uint16))


class State(NamedTuple):
    """What is carried of each series, in NamedTuples of arrays (S, ...); all of it starts anew with the series."""

    history: History
    scale: Scale
    moves: Moves
    trace: Trace
    pretrained: Carried
    readouts: Readouts
    similar: SimilarSeasons
    autoregressions: Autoregressions
    combination: Combination
    errors: Errors
    intervals: Intervals

    @classmethod
    def empty(cls, rules: Hyperparameters, features: int, carried: int) -> "State":
        """Of no series; the pretrained network has so many units, 0 without it."""
        return cls(
            history=History.empty(rules.memory),
            scale=Scale.empty(),
            moves=Moves.empty(rules.horizon),
            trace=Trace.empty(rules.window, rules.horizon, features, rules.hidden_size),
            pretrained=Carried.empty(carried),
            readouts=Readouts.empty(rules.horizon, 1 + features + rules.hidden_size),
            similar=SimilarSeasons.empty(),
            autoregressions=Autoregressions.empty(),
            combination=Combination.empty(EXPERTS, rules.horizon),
            errors=Errors.empty(),
            intervals=Intervals.empty(rules.horizon),
        )


class Tables(NamedTuple):
    """What follows from the hyperparameters alone."""

    features: features.Columns
    readout: readout.Layout
    lasting: Floats  # (H,) what is left of the distance from a similar season
    scoring: Scoring
    intervals: interval_state.Layout
    symmetric: bool  # whether quantile levels are, so that a series may turn round
    grouped: bool

    @classmethod
    def of(cls, rules: Hyperparameters) -> "Tables":
        """Of a bank."""
        corrected = len(group_regression.marks(rules.horizon)) if rules.groups else 0
        return cls(
            features=features.Columns.of(rules.horizon, rules.covariates, corrected),
            readout=readout.Layout.of(rules.horizon),
            lasting=lasting(rules.horizon),
            scoring=Scoring.of(rules.horizon),
            intervals=interval_state.Layout.of(rules.horizon, rules.quantiles),
            symmetric=bool(np.allclose(np.add(rules.quantiles, rules.quantiles[::-1]), 1.0)),
            grouped=rules.groups,
        )


class Shared(NamedTuple):
    """What the series share, fixed from one learning step or fold to the next."""

    weights: Weights  # of the network that learns
    pretrained: Pretrained
    inverse: Floats  # (R, R) inverse covariance of what readouts read
    readout: Floats  # (K, R) weights that readouts start from, in marked horizons
    on_lags: Floats  # (B, H) moves best for all, by lags and the features of the series itself
    log_losses: Floats  # (E, K) logarithms of the experts' losses, in squared move scales
    gain: Floats  # (K,) pooled prior: what the combination gains over the last value
    move_scale: Floats  # (H,) pooled prior, in spreads
    roughness: float  # pooled prior: least spread of a young series, in its mean absolute steps
    alarm: float  # 0 to 1: how much has changed of late
    updates: int  # learning steps so far
    drifts: int  # noticed so far


class Members(NamedTuple):
    """What is known of the series of one step of an event before they hear of each other."""

    observed: Flags  # (M,)
    surprise: Floats  # (M,) anomaly score; NaN: none
    scale: Floats  # (M, H) move scale, in the ring's unit
    regressors: Floats  # (M, Z) lags, level, 1, features, hidden state
    linear: Floats  # (M, H) moves by the regression on lags, in move scales
    corrections: Floats  # (M, K) of these by the group
    others: Floats  # (M, 3) mean first features of the others
    rows: Wholes  # (M,) the series
    sources: Wholes  # (M,) which observations of the call

    @classmethod
    def room(cls, members: int, tables: Tables, rules: Hyperparameters) -> "Members":
        """For so many."""
        single, whole = np.float32, np.int64
        regressors = ONE + 1 + tables.features.total + rules.hidden_size
        return cls(
            observed=np.zeros(members, np.bool_),
            surprise=np.zeros(members, single),
            scale=np.zeros((members, rules.horizon), single),
            regressors=np.zeros((members, regressors), single),
            linear=np.zeros((members, rules.horizon), single),
            corrections=np.zeros((members, len(group_regression.marks(rules.horizon))), single),
            others=np.zeros((members, features.POOLED), single),
            rows=np.zeros(members, whole),
            sources=np.zeros(members, whole),
        )


class Workspace(NamedTuple):
    """Where a step is worked on."""

    moved: Floats  # (H,) since the last H origins, in their spreads; NaN: not known
    unit: Floats  # (H,) these spreads, in the ring's unit
    intervals: interval_state.Workspace
    said: Floats  # (E, H) moves by the experts, in move scales; NaN: one says nothing
    weights: Floats  # (E, H)
    mixed: Floats  # (H,)
    even: Floats  # (E, K) zeros
    penalty: Floats  # (E, K)
    shares: Floats  # (E, K)
    trust: Floats  # (K,)
    profiles: Floats  # (3, 1 + H)
    candidates: Floats  # (H,) weights of similar seasons
    fitted: autoregression.Workspace
    reach: Floats  # (2, H) how far experts may say that values move, down and up, in move scales
    gates: Floats  # (4U,)
    output: Floats  # (H,) of the network that learns
    pretrained: pretrained.Workspace
    read: Floats  # (G, R) regressors of the origins that readouts learn from
    targets: Floats  # (K,) of readouts
    known: Flags  # (K,)
    gain: Floats  # (R,)
    marked: Floats  # (K,)
    spreads: Floats  # (3, H) moves and their uncertainty, in the ring's unit; the told errors, in move scales

    @classmethod
    def of(cls, tables: Tables, rules: Hyperparameters, carried: int) -> "Workspace":
        """Of a bank whose pretrained network has so many units."""
        single, horizon = np.float32, rules.horizon
        scored, marked = len(tables.scoring.horizon), len(tables.readout.marks)
        read = 1 + tables.features.total + rules.hidden_size
        return cls(
            moved=np.zeros(horizon, single),
            unit=np.zeros(horizon, single),
            intervals=interval_state.Workspace.of(horizon),
            said=np.zeros((EXPERTS, horizon), single),
            weights=np.zeros((EXPERTS, horizon), single),
            mixed=np.zeros(horizon, single),
            even=np.zeros((EXPERTS, scored), single),
            penalty=np.zeros((EXPERTS, scored), single),
            shares=np.zeros((EXPERTS, scored), single),
            trust=np.zeros(scored, single),
            profiles=np.zeros((3, 1 + horizon), single),
            candidates=np.zeros(horizon, single),
            fitted=autoregression.Workspace.empty(),
            reach=np.zeros((2, horizon), single),
            gates=np.zeros(4 * rules.hidden_size, single),
            output=np.zeros(horizon, single),
            pretrained=pretrained.Workspace.of(horizon, carried),
            read=np.zeros((len(tables.readout.origin), read), single),
            targets=np.zeros(marked, single),
            known=np.zeros(marked, np.bool_),
            gain=np.zeros(read, single),
            marked=np.zeros(marked, single),
            spreads=np.zeros((3, horizon), single),
        )


class Parts(NamedTuple):
    """What a bank is made of, and the call at hand."""

    state: State
    series: Series
    groups: Groups
    replay: Replay
    rhythm: Rhythm
    tables: Tables
    shared: Shared
    notes: Notes
    members: Members
    work: Workspace
    call: Call
    forecasts: Forecasts
    by_expert: ExpertForecasts  # without rows where nobody asks
