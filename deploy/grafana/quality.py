"""Is it right? Errors and intervals as published, held against what came."""

from deploy.grafana.expressions import WINDOW, hourly, mean, most, of, rate, share
from deploy.grafana.panels import Board, Panel, Row

ERRORS = " / ".join(
    f"sum by (horizon) (rate({of('absolute_error_total', f'model={quoted}')}[15m]))"
    for quoted in ('"forecast"', '"last_value"')
)
BELOW, ALL = of("surprise_bucket", 'le="0.99"'), of("surprise_count")
ANOMALIES = f"1 - sum(rate({BELOW}[15m])) / sum(rate({ALL}[15m]))"

PUBLISHED = Row(
    "What was published, against what came",
    (
        Panel(
            "Coverage by horizon",
            "Share of values inside the published interval, by steps ahead, over 15 minutes. Healthy: within 5 points"
            " of the promise at every horizon; it dips after a drift and comes back.",
            (
                (share("covered", "scored", "horizon"), "{{horizon}} ahead"),
                (most("nominal_coverage"), "promised"),
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
            ((share("interval_width", "scored", "horizon"), "{{horizon}} ahead"),),
            least=0,
        ),
        Panel(
            "Values scored",
            "Values a second that could be held against a forecast. Healthy: about one an event and horizon bucket's"
            " step; 0 means that the panels beside it say nothing.",
            ((rate("scored", "horizon"), "{{horizon}} ahead"),),
            unit="cps",
            least=0,
        ),
        Panel(
            "Error one step ahead",
            "Mean absolute error in each series' own scale, of the published forecast and of last value. Healthy: the"
            " forecast lies below last value.",
            ((mean("mean_absolute_error", "model"), "{{model}}"),),
            least=0,
        ),
        Panel(
            "Skill",
            "1 - error of the model / error of last value, one step ahead. Healthy: above 0 and flat or rising.",
            ((mean("skill"), "skill"),),
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
            ((f"sum by (le) (increase({of('surprise_bucket')}[{WINDOW}]))", "{{le}}"),),
            kind="heat",
        ),
        Panel(
            "Drifts and breaks",
            "Drifts of a partition's error (ADWIN), and structural breaks of single series, an hour. Healthy: few. A"
            " storm: the unit, the sign or the rhythm of many sources has changed.",
            (
                (hourly("drifts"), "drifts"),
                (hourly("breaks"), "breaks"),
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
            ((mean("lstm_share"), "LSTM's share"),),
            unit="percentunit",
            least=0,
            most=1,
        ),
        Panel(
            "Weights of the experts",
            "Mean weight of each expert in the forecasts. Healthy: several share the weight, and it moves slowly.",
            ((mean("expert_weight", "expert"), "{{expert}}"),),
            unit="percentunit",
            kind="stack",
            least=0,
        ),
        Panel(
            "Gates",
            "Mean activation of the LSTM's gates. Healthy: between .1 and .9. A forget gate near 1 remembers long; all"
            " at 0 or 1 means that the network is saturated.",
            ((mean("gate", "gate"), "{{gate}}"),),
            least=0,
            most=1,
        ),
        Panel(
            "Loss",
            "Loss of the last learning step of each partition, in scaled units. Healthy: falls at first, then is flat"
            " with noise.",
            ((most("loss", "topic, partition"), "{{topic}}/{{partition}}"),),
            least=0,
        ),
        Panel(
            "Gradient",
            "Norm of the last gradient before it was clipped. Healthy: of one size, with peaks; what grows without end"
            " is clipped but no good sign.",
            ((most("gradient_norm", "topic, partition"), "{{topic}}/{{partition}}"),),
            least=0,
        ),
        Panel(
            "Learning",
            "Learning steps a second; those left out as loss or gradient were not finite; faults of the model. Healthy:"
            " skipped and faults are 0. Old shards learn seldom.",
            (
                (rate("learning_steps"), "steps"),
                (rate("skipped_learning_steps"), "skipped"),
                (rate("faults"), "faults"),
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
