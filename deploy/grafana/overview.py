"""Is it well? One screen for whoever is on call."""

from deploy.grafana.expressions import J, hourly, mean, median_and_worst, most, rate, share, total
from deploy.grafana.panels import PAGE, Board, Panel, Row, Steps

LOST = " + ".join(rate(counter, window="15m") for counter in ("dead_letters", "late", "repeated"))

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
            ((most("lag_seconds"), "behind"),),
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
            ((mean("skill"), "skill"),),
            unit="percentunit",
            kind="stat",
            steps=Steps(0.0, -0.05, is_low_bad=True),
            width=3,
        ),
        Panel(
            "Coverage",
            "Share of values inside the published interval (the outermost quantiles), all horizons. Healthy: within 5"
            " points of what they promise, .9 by default.",
            ((share("covered", "scored"), "inside"),),
            unit="percentunit",
            kind="stat",
            steps=Steps(0.85, 0.8, is_low_bad=True),
            width=3,
        ),
        Panel(
            "Lost",
            "Share of observations that are dead letters, late or repeated. Healthy: near 0, or what your producers are"
            " known to repeat.",
            ((f"({LOST}) / {rate('observations', window='15m')}", "lost"),),
            unit="percentunit",
            kind="stat",
            steps=Steps(0.01, 0.1),
            width=3,
        ),
        Panel(
            "Oldest checkpoint",
            "How long ago the oldest of the partitions' last checkpoints was up to date. Healthy: below twice"
            " checkpoints.interval (30 s by default); idle partitions do not count.",
            ((most("checkpoint_age_seconds"), "age"),),
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
                (f"{rate('dead_letters', 'reason')} > 0 or vector(0)", "dead letters {{reason}}"),
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
            ((f"{most('losing', 'topic, what')} or vector(0)", "{{topic}} {{what}}"),),
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
            median_and_worst("record_to_commit_seconds"),
            unit="s",
            least=0,
        ),
        Panel(
            "Behind, by partition",
            "Seconds by which a partition is behind the end of its log. Healthy: near 0 and alike. One that grows"
            " alone: its worker is stuck or its key is hot.",
            ((most("lag_seconds", "topic, partition"), "{{topic}}/{{partition}}"),),
            unit="s",
            least=0,
        ),
        Panel(
            "Where the time goes",
            "Seconds of work a second, by stage of the cycle, all workers. Healthy: poll is the largest, it is waiting."
            " Where poll is near 0 the workers are the limit: add one for each 1 of the sum.",
            ((rate("stage_seconds", "stage"), "{{stage}}"),),
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
            ((total("resident_memory_bytes", "instance"), "{{instance}}"),),
            unit="bytes",
            least=0,
            link=PAGE,
        ),
        Panel(
            "Restless",
            "Changes of partitions, cycles given up and workers that died, an hour. Healthy: 0 but for deploys and"
            " scaling.",
            (
                (hourly("rebalances"), "rebalances"),
                (f"{hourly('aborts')} or vector(0)", "aborts"),
                (hourly("worker_restarts"), "worker restarts"),
            ),
            least=0,
        ),
        Panel(
            "Series",
            "Series that are held. Healthy: as many as you have. One that grows without end: a name holds something"
            " that never comes again, such as a time or a request's id.",
            ((total("series", "topic"), "{{topic}}"),),
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
