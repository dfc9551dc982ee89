"""Kafka and reliability: partitions, commits, restarts, checkpoints."""

from deploy.grafana.expressions import WINDOW, hourly, least, median_and_worst, most, of, rate, total
from deploy.grafana.panels import PAGE, Board, Panel, Row

PARTITIONS = Row(
    "Partitions",
    (
        Panel(
            "Records behind",
            "Records from the position to the end of the log. Healthy: below what comes in a few seconds.",
            ((most("lag_records", "topic, partition"), "{{topic}}/{{partition}}"),),
            least=0,
        ),
        Panel(
            "Seconds behind",
            "The same in time: record time of the end against that of the position. Healthy: near 0.",
            ((most("lag_seconds", "topic, partition"), "{{topic}}/{{partition}}"),),
            unit="s",
            least=0,
        ),
        Panel(
            "Records folded",
            "How fast each partition gets on. Healthy: no line at 0 while it is behind: that one is stuck.",
            (
                (
                    f"max by (topic, partition) (deriv({of('next_offset')}[{WINDOW}]))",
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
                (total("partitions_assigned"), "held"),
                (most("input_partitions"), "there are"),
            ),
            least=0,
        ),
        Panel(
            "Partitions of each process",
            "Healthy: alike. A process without one is idle: there are more workers than partitions.",
            ((total("partitions_assigned", "instance"), "{{instance}}"),),
            least=0,
            link=PAGE,
        ),
        Panel(
            "Caught up",
            "1 once every partition of a process has caught up with its log. Healthy: 1.",
            ((least("up_to_date", "instance"), "{{instance}}"),),
            least=0,
            most=1,
            link=PAGE,
        ),
    ),
)

COMMITS = Row(
    "Commits",
    (
        Panel(
            "Commits",
            "Transactions committed a second. Healthy: up to 5 a process at low rates (delivery.commit_interval).",
            ((rate("commits", "instance"), "{{instance}}"),),
            unit="cps",
            least=0,
            link=PAGE,
        ),
        Panel(
            "Since the last commit",
            "Healthy: below a few seconds while events come.",
            ((f"time() - max by (instance) ({of('last_commit_timestamp_seconds')} > 0)", "{{instance}}"),),
            unit="s",
            least=0,
            link=PAGE,
        ),
        Panel(
            "Event to commit",
            "From the event's own time to the commit of its forecast. Healthy: your sources' delay, and a second.",
            median_and_worst("event_to_commit_seconds"),
            unit="s",
            least=0,
        ),
        Panel(
            "Given up and done again",
            "Cycles aborted, an hour, by reason. Healthy: 0; some while a broker restarts. Nothing is lost or twice.",
            ((f"{hourly('aborts', 'reason')} or vector(0)", "{{reason}}"),),
            least=0,
        ),
        Panel(
            "Errors of the brokers",
            "By class, an hour. Healthy: 0; some while a broker restarts. records_lost: the topic's retention is"
            " shorter than the daemon was away.",
            ((f"{hourly('broker_errors', 'error')} or vector(0)", "{{error}}"),),
            least=0,
        ),
        Panel(
            "Rebalances",
            "Changes of the partitions that a process holds, an hour. Healthy: 0 but for deploys and scaling.",
            ((hourly("rebalances", "instance"), "{{instance}}"),),
            least=0,
            link=PAGE,
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
            ((most("checkpoint_age_seconds", "instance"), "{{instance}}"),),
            unit="s",
            least=0,
            link=PAGE,
        ),
        Panel(
            "Time to write one",
            "Healthy: far below checkpoints.interval; the worker waits for it.",
            median_and_worst("checkpoint_seconds"),
            unit="s",
            least=0,
        ),
        Panel(
            "Size of checkpoints",
            "All partitions together, of one checkpoint each; checkpoints.keep are kept. Healthy: grows with series"
            " alone.",
            ((total("checkpoint_bytes", "topic"), "{{topic}}"),),
            unit="bytes",
            least=0,
        ),
        Panel(
            "Checkpoints that failed",
            "An hour. Healthy: 0. Forecasts go on; but the next restart begins from the last one that was written.",
            ((hourly("checkpoint_failures"), "failed"),),
            least=0,
        ),
        Panel(
            "Partitions taken up",
            "How a shard was taken up, a day. Healthy: kept and checkpoint. bootstrap: no checkpoint was found, so it"
            " learns from the last records; fresh: nothing was there yet.",
            ((f"sum by (how) (increase({of('restores_total')}[1d])) or vector(0)", "{{how}}"),),
            least=0,
        ),
        Panel(
            "Up since",
            "Age of each process. Healthy: it only grows; a saw is a crash loop.",
            ((f"time() - {most('start_timestamp_seconds', 'instance')}", "{{instance}}"),),
            unit="s",
            least=0,
            link=PAGE,
        ),
        Panel(
            "Start",
            "How long the last start took until it was ready, and how much of it was compiling. Healthy: seconds; a"
            " minute where the code was not compiled before.",
            (
                (most("startup_seconds", "instance"), "ready {{instance}}"),
                (most("compile_seconds", "instance"), "compiling {{instance}}"),
            ),
            unit="s",
            least=0,
            link=PAGE,
        ),
        Panel(
            "Memory a series",
            "Memory of the shards' states over their series. Healthy: flat.",
            ((f"{total('state_bytes')} / {total('series')}", "a series"),),
            unit="bytes",
            least=0,
        ),
        Panel(
            "Workers",
            "Workers that are up, and those started again, an hour. Healthy: as many as set, none started again.",
            (
                (total("workers"), "up"),
                (hourly("worker_restarts"), "started again"),
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
