"""Is it well? One screen for whoever is on call."""

from deploy.grafana.panels import Board, Panel, Row, Steps

J = 'job=~"$job"'


def rate(counter: str, window: str = "$__rate_interval") -> str:
    return f"sum(rate(lstm_stream_{counter}_total{{{J}}}[{window}]))"


def quantile(level: str, histogram: str) -> str:
    return f"histogram_quantile({level}, sum by (le) (rate(lstm_stream_{histogram}_bucket{{{J}}}[$__rate_interval])))"


LOST = " + ".join(rate(counter, "15m") for counter in ("dead_letters", "late", "repeated"))

NOW = Row(
    "Now",
    (
        Panel(
            "Processes up",
            "Targets of the job that answer Prometheus. Healthy: as many as are deployed, and never 0.",
            ((f"sum(up{{{J}}})", "up"),),
            kind="stat",
            steps=Steps(1, 0.5, is_low_bad=True),
            width=3,
        ),
        Panel(
            "Alerts firing",
            "Alerts of lstm-stream that fire now. Healthy: 0. Each one has its entry in the runbook.",
            (('count(ALERTS{alertname=~"LstmStream.*", alertstate="firing"}) or vector(0)', "firing"),),
            kind="stat",
            steps=Steps(1, 2),
            width=3,
        ),
        Panel(
            "Behind",
            "How old the first record is that waits, in the partition that is furthest behind. Healthy: seconds. After"
            " a start with a backlog it falls steadily.",
            ((f"max(lstm_stream_lag_seconds{{{J}}})", "behind"),),
            unit="s",
            kind="stat",
            steps=Steps(60, 600),
            width=3,
        ),
        Panel(
            "Forecasts",
            "Forecasts committed a second. Healthy: the rate of the events, less what is late, repeated or refused.",
            ((rate("forecasts"), "forecasts"),),
            unit="cps",
            kind="stat",
            width=3,
        ),
        Panel(
            "Skill",
            "1 - error of the model / error of last value, one step ahead. Healthy: above 0; how far depends on the"
            " series: prices stay near 0, loads reach .5 and more. Below 0: last value would be better.",
            ((f"avg(lstm_stream_skill{{{J}}})", "skill"),),
            unit="percentunit",
            kind="stat",
            steps=Steps(0.0, -0.05, is_low_bad=True),
            width=3,
        ),
        Panel(
            "Coverage",
            "Share of values inside the published interval (the outermost quantiles), all horizons. Healthy: within 5"
            " points of what they promise, .9 by default.",
            (
                (
                    f"{rate('covered', '15m')} / {rate('scored', '15m')}",
                    "inside",
                ),
            ),
            unit="percentunit",
            kind="stat",
            steps=Steps(0.85, 0.8, is_low_bad=True),
            width=3,
        ),
        Panel(
            "Lost",
            "Share of observations that are dead letters, late or repeated. Healthy: near 0, or what your producers are"
            " known to repeat.",
            (
                (
                    f"({LOST}) / {rate('observations', '15m')}",
                    "lost",
                ),
            ),
            unit="percentunit",
            kind="stat",
            steps=Steps(0.01, 0.1),
            width=3,
        ),
        Panel(
            "Oldest checkpoint",
            "How long ago the oldest of the partitions' last checkpoints was up to date. Healthy: below twice"
            " checkpoints.interval (30 s by default); idle partitions do not count.",
            ((f"max(lstm_stream_checkpoint_age_seconds{{{J}}})", "age"),),
            unit="s",
            kind="stat",
            steps=Steps(120, 600),
            width=3,
        ),
    ),
)

WORK = Row(
    "What comes in and what comes of it",
    (
        Panel(
            "What came of the input",
            "Observations a second by what came of them. Healthy: nearly all are forecasts. Skipped records are not for"
            " us (events.where) and are no observations.",
            (
                (rate("forecasts"), "forecasts"),
                (
                    f"sum by (reason) (rate(lstm_stream_dead_letters_total{{{J}}}[$__rate_interval])) > 0 or vector(0)",
                    "dead letters {{reason}}",
                ),
                (rate("late"), "late"),
                (rate("repeated"), "repeated"),
                (rate("superseded"), "superseded"),
                (rate("skipped"), "skipped"),
            ),
            unit="cps",
            kind="stack",
            least=0,
            width=12,
        ),
        Panel(
            "Much is lost or misread",
            "1 where much of a partition is lost, by what; the log and /api/status say which setting mends it. Healthy:"
            " 0 everywhere.",
            ((f"max by (topic, what) (lstm_stream_losing{{{J}}}) or vector(0)", "{{topic}} {{what}}"),),
            least=0,
            most=1,
            width=12,
        ),
    ),
)

LATE = Row(
    "Is it late?",
    (
        Panel(
            "Record to commit",
            "From the time of a record in Kafka to the commit of its forecast. Healthy: half of them below a second"
            " (delivery.commit_interval, .2 s, and the transaction), 99 % below a few.",
            (
                (
                    quantile(".5", "record_to_commit_seconds"),
                    "50 %",
                ),
                (
                    quantile(".99", "record_to_commit_seconds"),
                    "99 %",
                ),
            ),
            unit="s",
            least=0,
        ),
        Panel(
            "Behind, by partition",
            "Seconds by which a partition is behind the end of its log. Healthy: near 0 and alike. One that grows"
            " alone: its worker is stuck or its key is hot.",
            ((f"max by (topic, partition) (lstm_stream_lag_seconds{{{J}}})", "{{topic}}/{{partition}}"),),
            unit="s",
            least=0,
        ),
        Panel(
            "Where the time goes",
            "Seconds of work a second, by stage of the cycle, all workers. Healthy: poll is the largest, it is waiting."
            " Where poll is near 0 the workers are the limit: add one for each 1 of the sum.",
            ((f"sum by (stage) (rate(lstm_stream_stage_seconds_total{{{J}}}[$__rate_interval]))", "{{stage}}"),),
            kind="stack",
            least=0,
        ),
    ),
)

WELL = Row(
    "Is it well?",
    (
        Panel(
            "Memory",
            "Memory of the processes. Healthy: flat once all series are known; it grows with new series alone.",
            ((f"sum by (instance) (lstm_stream_resident_memory_bytes{{{J}}})", "{{instance}}"),),
            unit="bytes",
            least=0,
        ),
        Panel(
            "Restless",
            "Changes of partitions, cycles given up and workers that died, an hour. Healthy: 0 but for deploys and"
            " scaling.",
            (
                (f"sum(increase(lstm_stream_rebalances_total{{{J}}}[1h]))", "rebalances"),
                (f"sum(increase(lstm_stream_aborts_total{{{J}}}[1h])) or vector(0)", "aborts"),
                (f"sum(increase(lstm_stream_worker_restarts_total{{{J}}}[1h]))", "worker restarts"),
            ),
            least=0,
        ),
        Panel(
            "Series",
            "Series that are held. Healthy: as many as you have. One that grows without end: a name holds something"
            " that never comes again, such as a time or a request's id.",
            ((f"sum by (topic) (lstm_stream_series{{{J}}})", "{{topic}}"),),
            least=0,
        ),
    ),
)

BOARD = Board(
    "lstm-stream-overview",
    "lstm-stream: overview",
    "Is it well? Start here.",
    (NOW, WORK, LATE, WELL),
)
