"""Is it right? Errors and intervals as published, held against what came."""

from deploy.grafana.panels import Board, Panel, Row

J = 'job=~"$job"'


def share(of: str, by: str) -> str:
    """The rate of one counter over another's, by horizon."""
    rates = (f"sum by (horizon) (rate(lstm_stream_{counter}{{{J}}}[15m]))" for counter in (of, by))
    return " / ".join(rates)


ERRORS = (
    f'sum by (horizon) (rate(lstm_stream_absolute_error_total{{{J}, model="forecast"}}[15m]))'
    f' / sum by (horizon) (rate(lstm_stream_absolute_error_total{{{J}, model="last_value"}}[15m]))'
)
ANOMALIES = (
    f'1 - sum(rate(lstm_stream_surprise_bucket{{{J}, le="0.99"}}[15m]))'
    f" / sum(rate(lstm_stream_surprise_count{{{J}}}[15m]))"
)

PUBLISHED = Row(
    "What was published, against what came",
    (
        Panel(
            "Coverage by horizon",
            "Share of values inside the published interval, by steps ahead, over 15 minutes. Healthy: within 5 points"
            " of the promise at every horizon; it dips after a drift and comes back.",
            (
                (share("covered_total", "scored_total"), "{{horizon}} ahead"),
                (f"max(lstm_stream_nominal_coverage{{{J}}})", "promised"),
            ),
            unit="percentunit",
            most=1,
        ),
        Panel(
            "Error against last value",
            "Absolute error of the forecast over that of last value, by steps ahead. Healthy: below 1 at every horizon,"
            " and lower further ahead where the series have a rhythm.",
            ((ERRORS, "{{horizon}} ahead"),),
            least=0,
        ),
        Panel(
            "Width of the intervals",
            "Mean width of the published interval in each series' own scale. Healthy: flat, wider further ahead. It"
            " widens with drift and with restless series.",
            ((share("interval_width_total", "scored_total"), "{{horizon}} ahead"),),
            least=0,
        ),
        Panel(
            "Values scored",
            "Values a second that could be held against a forecast. Healthy: about one an event and horizon bucket's"
            " step; 0 means that the panels beside it say nothing.",
            ((f"sum by (horizon) (rate(lstm_stream_scored_total{{{J}}}[$__rate_interval]))", "{{horizon}} ahead"),),
            unit="cps",
            least=0,
        ),
        Panel(
            "Error one step ahead",
            "Mean absolute error in each series' own scale, of the published forecast and of last value. Healthy: the"
            " forecast lies below last value.",
            ((f"avg by (model) (lstm_stream_mean_absolute_error{{{J}}})", "{{model}}"),),
            least=0,
        ),
        Panel(
            "Skill",
            "1 - error of the model / error of last value, one step ahead. Healthy: above 0 and flat or rising.",
            ((f"avg(lstm_stream_skill{{{J}}})", "skill"),),
            unit="percentunit",
        ),
    ),
)

SURPRISE = Row(
    "Surprise",
    (
        Panel(
            "Anomalies",
            "Share of values whose surprise is above .99. Healthy: near .01, as the name says; a rise over hours is a"
            " drift or a broken source.",
            ((ANOMALIES, "above .99"),),
            unit="percentunit",
            least=0,
        ),
        Panel(
            "Surprise",
            "How surprising values were, by count. Healthy: most below .9, and evenly; a lump near 1 is an event in the"
            " world or a broken source.",
            ((f"sum by (le) (increase(lstm_stream_surprise_bucket{{{J}}}[$__rate_interval]))", "{{le}}"),),
            kind="heat",
        ),
        Panel(
            "Drifts and breaks",
            "Drifts of a partition's error (ADWIN), and structural breaks of single series, an hour. Healthy: few. A"
            " storm: the unit, the sign or the rhythm of many sources has changed.",
            (
                (f"sum(increase(lstm_stream_drifts_total{{{J}}}[1h]))", "drifts"),
                (f"sum(increase(lstm_stream_breaks_total{{{J}}}[1h]))", "breaks"),
            ),
            least=0,
        ),
    ),
)

INSIDE = Row(
    "Inside the model",
    (
        Panel(
            "What rests on the LSTM",
            "Weight of the experts that need the LSTM. Healthy: above 0 and rising while a shard is young; series"
            " without pattern leave it low.",
            ((f"avg(lstm_stream_lstm_share{{{J}}})", "LSTM's share"),),
            unit="percentunit",
            least=0,
            most=1,
        ),
        Panel(
            "Weights of the experts",
            "Mean weight of each expert in the forecasts. Healthy: several share the weight, and it moves slowly.",
            ((f"avg by (expert) (lstm_stream_expert_weight{{{J}}})", "{{expert}}"),),
            unit="percentunit",
            kind="stack",
            least=0,
        ),
        Panel(
            "Gates",
            "Mean activation of the LSTM's gates. Healthy: between .1 and .9. A forget gate near 1 remembers long; all"
            " at 0 or 1 means that the network is saturated.",
            ((f"avg by (gate) (lstm_stream_gate{{{J}}})", "{{gate}}"),),
            least=0,
            most=1,
        ),
        Panel(
            "Loss",
            "Loss of the last learning step of each partition, in scaled units. Healthy: falls at first, then is flat"
            " with noise.",
            ((f"max by (topic, partition) (lstm_stream_loss{{{J}}})", "{{topic}}/{{partition}}"),),
            least=0,
        ),
        Panel(
            "Gradient",
            "Norm of the last gradient before it was clipped. Healthy: of one size, with peaks; what grows without end"
            " is clipped but no good sign.",
            ((f"max by (topic, partition) (lstm_stream_gradient_norm{{{J}}})", "{{topic}}/{{partition}}"),),
            least=0,
        ),
        Panel(
            "Learning",
            "Learning steps a second; those left out as loss or gradient were not finite; faults of the model. Healthy:"
            " skipped and faults are 0. Old shards learn seldom.",
            (
                (f"sum(rate(lstm_stream_learning_steps_total{{{J}}}[$__rate_interval]))", "steps"),
                (f"sum(rate(lstm_stream_skipped_learning_steps_total{{{J}}}[$__rate_interval]))", "skipped"),
                (f"sum(rate(lstm_stream_faults_total{{{J}}}[$__rate_interval]))", "faults"),
            ),
            unit="cps",
            least=0,
        ),
    ),
)

BOARD = Board(
    "lstm-stream-quality",
    "lstm-stream: quality",
    "Is it right? Coverage, error by horizon, surprise, drift, and what the model rests on.",
    (PUBLISHED, SURPRISE, INSIDE),
    time_from="now-6h",
)
