"""Kafka and reliability: partitions, commits, restarts, checkpoints."""

from deploy.grafana.panels import Board, Panel, Row

J = 'job=~"$job"'


def quantile(level: str, metric: str) -> str:
    return f"histogram_quantile({level}, sum by (le) (rate(lstm_stream_{metric}_bucket{{{J}}}[$__rate_interval])))"


PARTITIONS = Row(
    "Partitions",
    (
        Panel(
            "Records behind",
            "Records from the position to the end of the log. Healthy: below what comes in a few seconds.",
            ((f"max by (topic, partition) (lstm_stream_lag_records{{{J}}})", "{{topic}}/{{partition}}"),),
            least=0,
        ),
        Panel(
            "Seconds behind",
            "The same in time: record time of the end against that of the position. Healthy: near 0.",
            ((f"max by (topic, partition) (lstm_stream_lag_seconds{{{J}}})", "{{topic}}/{{partition}}"),),
            unit="s",
            least=0,
        ),
        Panel(
            "Records folded",
            "How fast each partition gets on. Healthy: no line at 0 while it is behind: that one is stuck.",
            (
                (
                    f"max by (topic, partition) (deriv(lstm_stream_next_offset{{{J}}}[$__rate_interval]))",
                    "{{topic}}/{{partition}}",
                ),
            ),
            unit="cps",
        ),
        Panel(
            "Partitions with an owner",
            "Partitions that all workers hold, beside those that the input topics have. Healthy: equal but for moments"
            " of a rebalance.",
            (
                (f"sum(lstm_stream_partitions_assigned{{{J}}})", "held"),
                (f"max(lstm_stream_input_partitions{{{J}}})", "there are"),
            ),
            least=0,
        ),
        Panel(
            "Partitions of each process",
            "Healthy: alike. A process without one is idle: there are more workers than partitions.",
            ((f"sum by (instance) (lstm_stream_partitions_assigned{{{J}}})", "{{instance}}"),),
            least=0,
        ),
        Panel(
            "Caught up",
            "1 once every partition of a process has caught up with its log. Healthy: 1.",
            ((f"min by (instance) (lstm_stream_up_to_date{{{J}}})", "{{instance}}"),),
            least=0,
            most=1,
        ),
    ),
)

COMMITS = Row(
    "Commits",
    (
        Panel(
            "Commits",
            "Transactions committed a second. Healthy: up to 5 a process at low rates (delivery.commit_interval).",
            ((f"sum by (instance) (rate(lstm_stream_commits_total{{{J}}}[$__rate_interval]))", "{{instance}}"),),
            unit="cps",
            least=0,
        ),
        Panel(
            "Since the last commit",
            "Healthy: below a few seconds while events come.",
            ((f"time() - max by (instance) (lstm_stream_last_commit_timestamp_seconds{{{J}}} > 0)", "{{instance}}"),),
            unit="s",
            least=0,
        ),
        Panel(
            "Event to commit",
            "From the event's own time to the commit of its forecast. Healthy: your sources' delay, and a second.",
            ((quantile(".5", "event_to_commit_seconds"), "50 %"), (quantile(".99", "event_to_commit_seconds"), "99 %")),
            unit="s",
            least=0,
        ),
        Panel(
            "Given up and done again",
            "Cycles aborted, an hour, by reason. Healthy: 0; some while a broker restarts. Nothing is lost or twice.",
            ((f"sum by (reason) (increase(lstm_stream_aborts_total{{{J}}}[1h])) or vector(0)", "{{reason}}"),),
            least=0,
        ),
        Panel(
            "Errors of the brokers",
            "By class, an hour. Healthy: 0; some while a broker restarts. records_lost: the topic's retention is"
            " shorter than the daemon was away.",
            ((f"sum by (error) (increase(lstm_stream_broker_errors_total{{{J}}}[1h])) or vector(0)", "{{error}}"),),
            least=0,
        ),
        Panel(
            "Rebalances",
            "Changes of the partitions that a process holds, an hour. Healthy: 0 but for deploys and scaling.",
            ((f"sum by (instance) (increase(lstm_stream_rebalances_total{{{J}}}[1h]))", "{{instance}}"),),
            least=0,
        ),
    ),
)

REST = Row(
    "Checkpoints and restarts",
    (
        Panel(
            "Age of checkpoints",
            "Since the oldest of a process' last checkpoints was up to date: so much is folded again after a crash."
            " Healthy: below twice checkpoints.interval.",
            ((f"max by (instance) (lstm_stream_checkpoint_age_seconds{{{J}}})", "{{instance}}"),),
            unit="s",
            least=0,
        ),
        Panel(
            "Time to write one",
            "Healthy: far below checkpoints.interval; the worker waits for it.",
            ((quantile(".5", "checkpoint_seconds"), "50 %"), (quantile(".99", "checkpoint_seconds"), "99 %")),
            unit="s",
            least=0,
        ),
        Panel(
            "Size of checkpoints",
            "All partitions together, of one checkpoint each; checkpoints.keep are kept. Healthy: grows with series"
            " alone.",
            ((f"sum by (topic) (lstm_stream_checkpoint_bytes{{{J}}})", "{{topic}}"),),
            unit="bytes",
            least=0,
        ),
        Panel(
            "Checkpoints that failed",
            "An hour. Healthy: 0. Forecasts go on; but the next restart begins from the last one that was written.",
            ((f"sum(increase(lstm_stream_checkpoint_failures_total{{{J}}}[1h]))", "failed"),),
            least=0,
        ),
        Panel(
            "Partitions taken up",
            "How a shard was taken up, a day. Healthy: kept and checkpoint. bootstrap: no checkpoint was found, so it"
            " learns from the last records; fresh: nothing was there yet.",
            ((f"sum by (how) (increase(lstm_stream_restores_total{{{J}}}[1d])) or vector(0)", "{{how}}"),),
            least=0,
        ),
        Panel(
            "Up since",
            "Age of each process. Healthy: it only grows; a saw is a crash loop.",
            ((f"time() - max by (instance) (lstm_stream_start_timestamp_seconds{{{J}}})", "{{instance}}"),),
            unit="s",
            least=0,
        ),
        Panel(
            "Start",
            "How long the last start took until it was ready, and how much of it was compiling. Healthy: seconds; a"
            " minute where the code was not compiled before.",
            (
                (f"max by (instance) (lstm_stream_startup_seconds{{{J}}})", "ready {{instance}}"),
                (f"max by (instance) (lstm_stream_compile_seconds{{{J}}})", "compiling {{instance}}"),
            ),
            unit="s",
            least=0,
        ),
        Panel(
            "Memory a series",
            "Memory of the shards' states over their series. Healthy: flat.",
            ((f"sum(lstm_stream_state_bytes{{{J}}}) / sum(lstm_stream_series{{{J}}})", "a series"),),
            unit="bytes",
            least=0,
        ),
        Panel(
            "Workers",
            "Workers that are up, and those started again, an hour. Healthy: as many as set, none started again.",
            (
                (f"sum(lstm_stream_workers{{{J}}})", "up"),
                (f"sum(increase(lstm_stream_worker_restarts_total{{{J}}}[1h]))", "started again"),
            ),
            least=0,
        ),
    ),
)

BOARD = Board(
    "lstm-stream-kafka",
    "lstm-stream: Kafka and reliability",
    "Partitions, commits, restarts and checkpoints.",
    (PARTITIONS, COMMITS, REST),
    time_from="now-6h",
)
