"""Every metric, declared once."""

from pipeline.metric import PREFIX, Kind, Metric

DELAYS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 86400.0)
"""Seconds: from a small fraction of `delivery.commit_interval` to a backlog of a day."""
STAGES = ("poll", "decode", "observe", "encode", "commit", "checkpoint")
PARTITION = ("topic", "partition")
OF_A_SERIES = (*PARTITION, "series")

TABLE: tuple[Metric, ...] = (
    Metric("records_total", "counter", "Records read from the input topics, again after a cycle that was given up."),
    Metric(
        "observations_total", "counter", "Observations read: forecasts + superseded + dead letters + late + repeated."
    ),
    Metric("forecasts_total", "counter", "Forecasts published and committed."),
    Metric("superseded_total", "counter", 'Forecasts that `delivery.publish = "latest"` left out for newer ones.'),
    Metric("dead_letters_total", "counter", "Records or values refused, by reason.", ("reason",)),
    Metric("late_total", "counter", "Observations older than the last one of their series; they change nothing."),
    Metric("repeated_total", "counter", "Observations with the same time as the last one of their series."),
    Metric(
        "losing",
        "gauge",
        "1 while much of a partition is lost or misread, 0 once that was so: late_or_repeated, skipped, series_path,"
        " timestamp_path, paths, covariates, restarts, clock_ahead, single_events, nothing_scored, or a reason of dead"
        " letters. The log and /api/status say which setting mends it.",
        ("topic", "partition", "what"),
        merge="max",
    ),
    Metric(
        "skipped_total",
        "counter",
        "What is not for us, by reason: where (`events.where`), absent (a value path), no_points (an empty array).",
        ("reason",),
        known=(("where", "absent", "no_points"),),
    ),
    Metric("masked_covariates_total", "counter", "Covariates that an event lacked, or that were no number."),
    Metric(
        "out_of_bounds_total",
        "counter",
        "Values outside the bounds of their series (`model.bounds`): no forecast of it could reach them.",
    ),
    Metric("commits_total", "counter", "Cycles committed: forecasts, dead letters and offsets together."),
    Metric(
        "aborts_total",
        "counter",
        "Cycles given up and done again, by reason: fenced (its partitions went to another worker), too_large (a record"
        " that the topic refuses), failed.",
        ("reason",),
        known=(("fenced", "too_large", "failed"),),
    ),
    Metric("rebalances_total", "counter", "Changes of the partitions that this process holds."),
    Metric("partitions_assigned", "gauge", "Partitions that this process holds.", merge="sum"),
    Metric("input_partitions", "gauge", "Partitions of all input topics, whoever holds them.", merge="max"),
    Metric(
        "event_to_commit_seconds",
        "histogram",
        "From the time that an event tells to the commit of its forecast.",
        buckets=DELAYS,
    ),
    Metric(
        "record_to_commit_seconds",
        "histogram",
        "From the time that Kafka has of a record to the commit of what came of it.",
        buckets=DELAYS,
    ),
    Metric(
        "last_commit_timestamp_seconds",
        "gauge",
        "When the last cycle was committed, since the epoch; before the first, when the process started.",
        merge="max",
    ),
    Metric("next_offset", "gauge", "Offset of the next record that the shard folds.", PARTITION, merge="max"),
    Metric(
        "lag_records",
        "gauge",
        "Records from the consumer's position to the end of the log; none while not known.",
        PARTITION,
        merge="max",
    ),
    Metric(
        "lag_seconds",
        "gauge",
        "Kafka's time of the end of the log less that of the last record read; 0 where all is read; none while not"
        " known.",
        PARTITION,
        merge="max",
    ),
    Metric("series", "gauge", "Series that the shard carries.", PARTITION, merge="max"),
    Metric("up_to_date", "gauge", "1 once every partition held has caught up with its log, else 0.", merge="min"),
    Metric("learning_steps_total", "counter", "Learning steps of the shard's network.", PARTITION),
    Metric(
        "skipped_learning_steps_total",
        "counter",
        "Learning steps not taken as the loss or gradient was not finite.",
        PARTITION,
    ),
    Metric("loss", "gauge", "Loss of the last learning step, in scaled units.", PARTITION, merge="max"),
    Metric("gradient_norm", "gauge", "Norm of the last gradient, before it was clipped.", PARTITION, merge="max"),
    Metric("drifts_total", "counter", "Drifts noticed in the shard's scaled error (ADWIN).", PARTITION),
    Metric(
        "faults_total",
        "counter",
        "Steps of the model that failed, so that a series started anew or a learning step was left out: a defect of"
        " lstm-stream; the log has the traceback.",
        PARTITION,
    ),
    Metric(
        "breaks_total",
        "counter",
        "Turned signs, other units and first standstills of series that were noticed.",
        PARTITION,
    ),
    Metric(
        "gate",
        "gauge",
        "Mean activation of the LSTM's forget, input and output gates, 0 to 1.",
        ("gate",),
        merge="mean",
    ),
    Metric(
        "expert_weight",
        "gauge",
        "Mean weight of each expert in the forecasts, 0 to 1, of up to 256 series a partition.",
        ("expert",),
        merge="mean",
    ),
    Metric(
        "lstm_share",
        "gauge",
        "What of the forecasts rests on the LSTM, 0 to 1: weights of experts that need it.",
        merge="mean",
    ),
    Metric(
        "mean_absolute_error",
        "gauge",
        "Mean absolute error one step ahead, in each series' own scale: of the published forecast, and of last value.",
        ("model",),
        merge="mean",
    ),
    Metric(
        "skill", "gauge", "1 - error of the model / error of last value; above 0 the model is the better.", merge="mean"
    ),
    Metric(
        "nominal_coverage",
        "gauge",
        "Share of values that the outermost quantiles of `model.quantiles` promise to hold, 0 to 1.",
        merge="max",
    ),
    Metric(
        "scored_total",
        "counter",
        "Values held against a forecast that was published for them, by how many steps ahead it was made; those of"
        " warming series are left out, and of a bucket a few steps stand for all.",
        ("horizon",),
    ),
    Metric(
        "covered_total",
        "counter",
        "Of the scored values those between the outermost quantiles: divided by `scored_total` the live coverage.",
        ("horizon",),
    ),
    Metric(
        "interval_width_total",
        "counter",
        "Sum of the widths between the outermost quantiles of the scored forecasts, in each series' own scale.",
        ("horizon",),
    ),
    Metric(
        "absolute_error_total",
        "counter",
        "Sum of the absolute errors of the scored forecasts, and of last value in their place, in each series' own"
        " scale.",
        ("horizon", "model"),
    ),
    Metric(
        "surprise",
        "histogram",
        "How far out values lay in the forecast before them, 0 to 1: in the long run 1 % are above 0.99.",
        buckets=(0.5, 0.9, 0.95, 0.99, 0.995, 0.999, 1.0),
    ),
    Metric(
        "stage_seconds_total",
        "counter",
        "Time spent, by stage of the cycle: poll, decode, observe (with learning), encode, commit, checkpoint.",
        ("stage",),
        known=(STAGES,),
    ),
    Metric(
        "checkpoint_seconds",
        "histogram",
        "Time to write a checkpoint.",
        buckets=(0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0),
    ),
    Metric("checkpoint_bytes", "gauge", "Size of the last checkpoint written.", PARTITION, merge="max"),
    Metric(
        "checkpoint_age_seconds",
        "gauge",
        "Time since the oldest of the shards' last checkpoints was up to date.",
        merge="max",
    ),
    Metric("checkpoint_failures_total", "counter", "Checkpoints that could not be written."),
    Metric(
        "restores_total",
        "counter",
        "Shards taken up, by how: kept, from a checkpoint, by bootstrap from the log, or fresh.",
        ("how",),
        known=(("kept", "checkpoint", "bootstrap", "fresh"),),
    ),
    Metric(
        "broker_errors_total",
        "counter",
        "Errors of the brokers, by class; also records_lost to retention, log_cut: begun anew, hanging_transaction: a"
        " marker written in the broker's place, held_back: by another's open transaction, no_right_to_read.",
        ("error",),
        known=(("records_lost", "log_cut", "hanging_transaction", "held_back", "no_right_to_read"),),
    ),
    Metric("state_bytes", "gauge", "Memory of the shard's state; divided by its series, memory a series.", PARTITION),
    Metric("resident_memory_bytes", "gauge", "Memory that the process has from the system."),
    Metric(
        "start_timestamp_seconds",
        "gauge",
        "When the process started, since the epoch; of several workers the newest.",
        merge="max",
    ),
    Metric("compile_seconds", "gauge", "Time to compile the model at the start; 0: it was compiled.", merge="max"),
    Metric(
        "startup_seconds",
        "gauge",
        "From the start of the process until it had caught up with its partitions the first time; 0 before.",
        merge="max",
    ),
    Metric("workers", "gauge", "Workers that are up; 1 without `kafka.workers`.", merge="sum"),
    Metric("worker_restarts_total", "counter", "Workers that ended and were started again by their parent."),
    Metric(
        "info", "gauge", "Always 1; version and digest of the pretrained weights.", ("version", "weights"), merge="max"
    ),
    Metric(
        "series_value",
        "gauge",
        "Last value of a series that is exported one by one (`metrics.series`, `metrics.top`).",
        OF_A_SERIES,
        merge="max",
    ),
    Metric("series_timestamp_seconds", "gauge", "Time of that value, since the epoch.", OF_A_SERIES, merge="max"),
    Metric(
        "series_forecast",
        "gauge",
        "Its forecast, so many steps ahead (`metrics.steps`).",
        (*OF_A_SERIES, "step"),
        merge="max",
    ),
    Metric("series_forecast_lower", "gauge", "Lowest quantile of that forecast.", (*OF_A_SERIES, "step"), merge="max"),
    Metric("series_forecast_upper", "gauge", "Highest quantile of that forecast.", (*OF_A_SERIES, "step"), merge="max"),
    Metric(
        "series_surprise",
        "gauge",
        "How far out its last value lay in the forecast before it, 0 to 1; near 1 is an anomaly.",
        OF_A_SERIES,
        merge="max",
    ),
    Metric(
        "series_error_ratio",
        "gauge",
        "Its error one step ahead / that of last value; below 1 the forecast is the better.",
        OF_A_SERIES,
        merge="max",
    ),
)


def declared(name: str, kind: Kind) -> Metric:
    """Find the metric of this name, and see that it is of the kind that it is used as."""
    (metric,) = (metric for metric in TABLE if metric.name == name)
    if metric.kind != kind:
        raise TypeError(f"{name} is declared as a {metric.kind}, not as a {kind}")
    return metric


def markdown() -> str:
    """Write `TABLE` for the README."""
    rows = (f"| `{PREFIX}{metric.name}{_braces(metric.labels)}` | {metric.kind} | {metric.help} |" for metric in TABLE)
    return "\n".join(["| metric | kind | says |", "|---|---|---|", *rows]) + "\n"


def _braces(labels: tuple[str, ...]) -> str:
    return "{" + ",".join(labels) + "}" if labels else ""
