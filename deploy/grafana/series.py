"""One series: its forecast against what came. Those that are exported: metrics.series, and the top ones."""

from deploy.grafana.panels import SERIES, Board, Panel, Row, Steps, Variable

ONE = 'job=~"$job", series="$series"'
ALL = 'job=~"$job"'

CHOSEN = Row(
    "$series",
    (
        Panel(
            "Forecast against truth",
            "The last value, and the forecast with its interval for the chosen step ahead, drawn when it was made: the"
            " value that it foresaw comes so many steps later. Healthy: the value runs inside the interval nine times"
            " of ten.",
            (
                (f"max(lstm_stream_series_value{{{ONE}}})", "value"),
                (f'max(lstm_stream_series_forecast{{{ONE}, step="$step"}})', "forecast"),
                (f'max(lstm_stream_series_forecast_lower{{{ONE}, step="$step"}})', "lower"),
                (f'max(lstm_stream_series_forecast_upper{{{ONE}, step="$step"}})', "upper"),
            ),
            width=24,
        ),
        Panel(
            "Surprise",
            "How far out in its forecast each value lay, 0 to 1. Healthy: anywhere below .99; above it, one value in a"
            " hundred.",
            ((f"max(lstm_stream_series_surprise{{{ONE}}})", "surprise"),),
            steps=Steps(0.95, 0.99),
            least=0,
            most=1,
        ),
        Panel(
            "Error against last value",
            "Error of the forecast over that of last value, one step ahead. Healthy: below 1.",
            ((f"max(lstm_stream_series_error_ratio{{{ONE}}})", "ratio"),),
            steps=Steps(1, 1.2),
            least=0,
        ),
        Panel(
            "Age of the last value",
            "Since the event time of the last value. Healthy: below the series' step; more: its source is silent, or"
            " the daemon is behind.",
            ((f"time() - max(lstm_stream_series_timestamp_seconds{{{ONE}}})", "age"),),
            unit="s",
        ),
    ),
)

OTHERS = Row(
    "Series that are exported",
    (
        Panel(
            "Most surprising",
            "The exported series by their last surprise. Healthy: none stays at 1.",
            ((f"topk(20, max by (series) (lstm_stream_series_surprise{{{ALL}}}))", "{{series}}"),),
            kind="bars",
            steps=Steps(0.95, 0.99),
            least=0,
            most=1,
            width=12,
            link=SERIES,
        ),
        Panel(
            "Worst against last value",
            "The exported series by their error over that of last value. Healthy: below 1.",
            ((f"topk(20, max by (series) (lstm_stream_series_error_ratio{{{ALL}}}))", "{{series}}"),),
            kind="bars",
            steps=Steps(1, 1.2),
            least=0,
            width=12,
            link=SERIES,
        ),
    ),
)

BOARD = Board(
    "lstm-stream-series",
    "lstm-stream: one series",
    "A series' forecast against what came, for the series that metrics.series and metrics.top export.",
    (CHOSEN, OTHERS),
    (
        Variable("series", "Series", 'label_values(lstm_stream_series_value{job=~"$job"}, series)', is_many=False),
        Variable("step", "Steps ahead", 'label_values(lstm_stream_series_forecast{job=~"$job"}, step)', is_many=False),
    ),
    time_from="now-6h",
)
