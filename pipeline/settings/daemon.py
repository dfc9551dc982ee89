"""Every knob of the daemon: the sections, of which the shorter ones are declared here."""

import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from pipeline.settings.events import Events
from pipeline.settings.kafka import Kafka
from pipeline.settings.model import Model
from pipeline.settings.values import RELOADED, Count, Seconds, Secret, SettingsError


class Delivery(Struct, frozen=True, kw_only=True):
    """What is promised about each forecast, and when."""

    mode: Annotated[
        Literal["exactly_once", "at_least_once"],
        Meta(
            description="exactly_once: forecasts and progress are one transaction; at_least_once: none, and a crash"
            " may repeat forecasts, under the same ids."
        ),
    ] = "exactly_once"
    start: Annotated[
        Literal["earliest", "latest"],
        Meta(description="Where a new group starts in the input: at its beginning, or only with what comes next."),
    ] = "earliest"
    publish: Annotated[
        Literal["every", "latest"],
        Meta(
            description="every: a forecast for each observation; latest: while catching up, only the newest of each"
            " series.",
            extra=RELOADED,
        ),
    ] = "every"
    bootstrap: Annotated[
        int,
        Meta(ge=0, le=1_000_000_000, description="Past records to learn from silently when there is no checkpoint."),
    ] = 10_000
    commit_interval: Annotated[
        float,
        Meta(ge=0, le=60, description="Seconds that a commit may wait for more records, at low rates.", extra=RELOADED),
    ] = 0.2
    deadline: Annotated[
        Seconds, Meta(description="Seconds that a call to Kafka may take before the daemon exits to be restarted.")
    ] = 60.0
    stop_within: Annotated[
        Seconds,
        Meta(
            description="Seconds that the daemon may take to end after SIGTERM: to finish its cycle and write"
            " checkpoints. Then it ends as it stands; nothing is lost, the next start reads more. Below what the"
            " supervisor grants (systemd: TimeoutStopSec, Kubernetes: terminationGracePeriodSeconds)."
        ),
    ] = 25.0


class Checkpoints(Struct, frozen=True, kw_only=True):
    """Where the state is kept at rest, so that a restart need not read everything again."""

    url: Annotated[
        str, Meta(min_length=1, description="Folder, or a URL such as s3://bucket/path (extras: s3, gcs).")
    ] = "checkpoints"
    interval: Annotated[
        Seconds, Meta(description="Seconds between the checkpoints of a partition.", extra=RELOADED)
    ] = 30.0
    keep: Annotated[Count, Meta(le=1000, description="Checkpoints kept of each partition.")] = 3


class Web(Struct, frozen=True, kw_only=True):
    """The one HTTP port: live page, /metrics, /healthz, /readyz, /api."""

    host: Annotated[str, Meta(min_length=1, description="Address to listen on; 0.0.0.0 lets other machines in.")] = (
        "127.0.0.1"
    )
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on; 0: any free one.")] = 8000
    token: Annotated[
        Secret,
        Meta(
            description="Who asks has to bring this token (`Authorization: Bearer`; a browser signs in with it), but"
            " for /healthz and /readyz. Empty: nobody has to. Better in the environment or in `token_file`."
        ),
    ] = ""
    tls_certfile: Annotated[str, Meta(description="PEM file of the port's certificate. Empty: it speaks HTTP.")] = ""
    tls_keyfile: Annotated[str, Meta(description="PEM file of its key. Empty: it is in there.")] = ""

    def __post_init__(self) -> None:
        if self.token and not re.fullmatch(r"[!-~]{8,}", self.token):
            raise SettingsError(
                "web.token has to be 8 or more letters, digits and signs without spaces, as a header carries it",
                ("token",),
            )
        if self.tls_keyfile and not self.tls_certfile:
            raise SettingsError("web.tls_keyfile needs web.tls_certfile; set both, or neither", ("tls_keyfile",))


class Metrics(Struct, frozen=True, kw_only=True):
    """Series that /metrics tells of one by one. Each costs Prometheus memory: 500 at most are exported."""

    series: Annotated[
        tuple[Annotated[str, Meta(min_length=1)], ...],
        Meta(
            max_length=500,
            description="Names of series that are exported with their last value and forecast.",
            extra=RELOADED,
        ),
    ] = ()
    top: Annotated[
        int,
        Meta(
            ge=0,
            le=500,
            description="Series that are exported beside these, of each worker: the first by `top_by`. One stays for"
            " 5 minutes.",
            extra=RELOADED,
        ),
    ] = 0
    top_by: Annotated[
        Literal["surprise", "error"],
        Meta(
            description="surprise: how far out values lay of late; error: that of the forecast / that of last value.",
            extra=RELOADED,
        ),
    ] = "surprise"
    steps: Annotated[
        tuple[Count, ...],
        Meta(min_length=1, max_length=10, description="Steps ahead whose forecast is exported.", extra=RELOADED),
    ] = (1,)


class Log(Struct, frozen=True, kw_only=True):
    """What is told on standard error."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(description="The least important that is told.", extra=RELOADED),
    ] = "info"
    format: Annotated[
        Literal["text", "json"],
        Meta(description="text, or json: one object a line, with time, level, logger, message and worker."),
    ] = "text"


class Settings(Struct, frozen=True, kw_only=True):
    """Every knob of the daemon."""

    kafka: Kafka = msgspec.field(default_factory=Kafka)
    events: Events = msgspec.field(default_factory=Events)
    model: Model = msgspec.field(default_factory=Model)
    delivery: Delivery = msgspec.field(default_factory=Delivery)
    checkpoints: Checkpoints = msgspec.field(default_factory=Checkpoints)
    web: Web = msgspec.field(default_factory=Web)
    metrics: Metrics = msgspec.field(default_factory=Metrics)
    log: Log = msgspec.field(default_factory=Log)
