"""Every knob of the daemon, declared once, frozen.

A value comes from the default below, then the TOML file, then the environment (`LSTM_STREAM_KAFKA__GROUP`), then
`--set kafka.group=x`; the later wins. The help texts, the ranges, the sample file and the README's table all derive
from these declarations.
"""

import difflib
import json
import math
import re
import textwrap
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct, inspect, structs

from pipeline.conditions import conditions
from pipeline.fields import Path, one_field, template
from pipeline.log_lines import MASK
from pipeline.points import Points
from pipeline.stamps import check_format, zone

PREFIX = "LSTM_STREAM_"

Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0)]
RELOADED = {"reloaded": True}
"""Marks a setting that SIGHUP changes while the daemon runs; the others need a restart."""
Secret = Annotated[str, Meta(extra={"secret": True})]
TOPIC = r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,249}"
Topic = Annotated[str, Meta(pattern=rf"^{TOPIC}\Z")]
INPUT = (
    r"a topic's name (letters, digits, `.`, `_`, `-`), a list of names, or a pattern: `/sensors\..*/` or `^sensors\..*`"
)


class SettingsError(ValueError):
    """Settings that cannot be used. The message is one line, and says the fix.

    Attributes
    ----------
    keys
        The keys of the section that do not go together; empty where one value alone is wrong.
    """

    def __init__(self, message: str, keys: Sequence[str] = ()) -> None:
        super().__init__(" ".join(message.splitlines()))
        self.keys = tuple(keys)


class Kafka(Struct, frozen=True, kw_only=True):
    """The broker, the topics, and how the group shares its partitions."""

    bootstrap_servers: Annotated[
        str, Meta(min_length=1, description="Brokers to ask first: host:port, several with commas between them.")
    ] = "localhost:9092"
    group: Annotated[
        str, Meta(min_length=1, description="Consumer group. Workers of one group share the partitions.")
    ] = "lstm-stream"
    instance: Annotated[
        str,
        Meta(
            description="Name of this worker, unique in its group, for static membership: a restart keeps its"
            " partitions, but they wait for it until session_timeout. Empty: a random name, which leaves at once."
        ),
    ] = ""
    workers: Annotated[
        Literal["auto"] | Annotated[int, Meta(ge=1, le=256)],
        Meta(
            description="Processes of the group that `lstm-stream run` starts, under a parent that restarts the dead;"
            " more than there are partitions are idle. `auto`: one for each processor. They are named by `instance`"
            " with -0, -1 and so on."
        ),
    ] = 1
    input: Annotated[
        str | tuple[str, ...],  # msgspec 0.22 ends with a segmentation fault where text in such a union has a pattern
        Meta(
            description="Topics that the events are read from: one, several, or all whose whole name matches a regular"
            " expression.",
            extra={"expected": INPUT},
        ),
    ] = "events"
    forecasts: Annotated[Topic, Meta(description="Topic that the forecasts are written to.")] = "forecasts"
    dead_letters: Annotated[
        Topic, Meta(description="Topic for what cannot be read: unchanged, the reason in its headers.")
    ] = "dead-letters"
    security_protocol: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"],
        Meta(description="How to speak to the broker: SSL encrypts, SASL signs in with a name and a password."),
    ] = "PLAINTEXT"
    sasl_mechanism: Annotated[
        Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "AWS_MSK_IAM", "GSSAPI"],
        Meta(
            description="How to sign in, with a SASL security_protocol. Empty: not at all. OAUTHBEARER takes"
            " `oauth_...`; AWS_MSK_IAM (extra: msk) the credentials and region of the AWS environment, with SASL_SSL;"
            " GSSAPI (extra: kerberos) a Kerberos ticket and `kerberos_...`."
        ),
    ] = ""
    sasl_username: Annotated[str, Meta(description="Name to sign in with.")] = ""
    sasl_password: Annotated[
        Secret, Meta(description="Password to sign in with. Better in the environment than in a file.")
    ] = ""
    oauth_token_url: Annotated[str, Meta(description="URL that gives tokens for client credentials.")] = ""
    oauth_client_id: Annotated[str, Meta(description="Name of this client at the token server.")] = ""
    oauth_client_secret: Annotated[
        Secret, Meta(description="Its secret. Better in the environment than in a file.")
    ] = ""
    oauth_scope: Annotated[str, Meta(description="What is asked for. Empty: what the token server gives.")] = ""
    oauth_cafile: Annotated[
        str, Meta(description="PEM file of the authority that signed the token server. Empty: the system's.")
    ] = ""
    kerberos_service: Annotated[str, Meta(min_length=1, description="Name of the brokers' Kerberos service.")] = "kafka"
    kerberos_domain: Annotated[str, Meta(description="Host in the name of that service. Empty: the broker's own.")] = ""
    ssl_check_hostname: Annotated[
        bool, Meta(description="Whether the broker's certificate has to name the host that is connected to.")
    ] = True
    ssl_cafile: Annotated[
        str, Meta(description="PEM file of the authority that signed the broker. Empty: the system's.")
    ] = ""
    ssl_certfile: Annotated[str, Meta(description="PEM file of this client's certificate. Empty: none.")] = ""
    ssl_keyfile: Annotated[str, Meta(description="PEM file of the key of ssl_certfile. Empty: it is in there.")] = ""
    ssl_password: Annotated[Secret, Meta(description="Password of the key. Empty: it has none.")] = ""
    assignor: Annotated[
        Literal["cooperative-sticky", "sticky", "range"],
        Meta(description="How the group shares partitions: the first stops only those that move, the others all."),
    ] = "cooperative-sticky"
    session_timeout: Annotated[
        float, Meta(ge=1, description="Seconds without a sign of life until a worker's partitions go to others.")
    ] = 45.0
    transaction_timeout: Annotated[
        Seconds, Meta(description="Seconds until the broker aborts what a dead worker left open.")
    ] = 10.0
    connect_timeout: Annotated[Seconds, Meta(description="Seconds to wait for a broker to answer at first.")] = 10.0
    max_poll_records: Annotated[
        Count,
        Meta(le=1_000_000, description="Records taken at once; one transaction commits them all.", extra=RELOADED),
    ] = 2000
    partitions: Annotated[
        Count, Meta(le=10_000, description="Partitions of a topic that `lstm-stream topics` creates.")
    ] = 4
    replication: Annotated[
        Count, Meta(le=100, description="Replicas of a topic that `lstm-stream topics` creates; production: 3.")
    ] = 1

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the input topics; empty where `input` is a pattern."""
        if self.input_pattern is not None:
            return ()
        return (self.input,) if isinstance(self.input, str) else self.input

    @property
    def input_pattern(self) -> str | None:
        """The regular expression of `input`, None where topics are named."""
        if not isinstance(self.input, str) or self.input[:1] not in ("/", "^"):
            return None
        return self.input if self.input[0] == "^" else self.input[1:-1]

    @property
    def has_several_inputs(self) -> bool:
        """Whether more than one topic can be read."""
        return len(self.inputs) != 1

    def __post_init__(self) -> None:
        _check_topics(self)
        _check_sign_in(self)


class Events(Struct, frozen=True, kw_only=True):
    """Where an event keeps its fields, and how its times become steps."""

    series: Annotated[
        str,
        Meta(
            min_length=1,
            description="Dotted path of the series' name; not in the event: the record's key. Or put together: fields"
            " in braces and text between them, such as `{name}/{tags.host}`, `{header:ce_source}`, `{key}`, `{topic}`;"
            " or a constant in single quotes, such as `'boiler'`.",
        ),
    ] = "series"
    key: Annotated[
        Literal["utf8", "int", "hex", "json", "windowed"],
        Meta(
            description="How a record's key is read: as UTF-8 text, as an integer of 4 or 8 bytes, as hex digits, or as"
            " JSON: a text or number, of an object its values with `/` between them, of Kafka Connect's `{schema,"
            " payload}` the payload; or as text and 8 bytes of a window's start (ksqlDB, Kafka Streams)."
        ),
    ] = "utf8"
    timestamp: Annotated[
        str,
        Meta(
            min_length=1,
            description="Dotted path of the time, or `{header:NAME}`. Not in the event: the record's own time.",
        ),
    ] = "timestamp"
    timestamp_format: Annotated[
        str,
        Meta(
            min_length=1,
            description="How times are written. `auto`: dates year first or with the month's name, and numbers since"
            " the epoch by their size; or the numbers' unit: `s`, `ms`, `us`, `ns`, `days`; or a pattern of strptime,"
            " such as `%d/%m/%Y %H:%M`.",
        ),
    ] = "auto"
    timezone: Annotated[
        str, Meta(min_length=1, description="Time zone of dates that name none, such as `Europe/Berlin`.")
    ] = "UTC"
    values: Annotated[
        tuple[Annotated[str, Meta(min_length=1)], ...],
        Meta(
            min_length=1,
            description="Dotted paths of the values. With several, each is a series of its own: <series>/<path>.",
        ),
    ] = ("value",)
    absent: Annotated[
        Literal["refuse", "skip"],
        Meta(description="What becomes of a value path that an event does not have: a dead letter, or it is skipped."),
    ] = "refuse"
    missing: Annotated[
        tuple[str, ...],
        Meta(
            description="Texts and numbers that mean a missing value, in capitals or not, such as `unavailable`, `NaN`,"
            " `-999` or the empty text; null always does."
        ),
    ] = ()
    booleans: Annotated[
        bool, Meta(description="Whether true, on and yes are read as 1, and false, off and no as 0.")
    ] = False
    decimal: Annotated[
        Literal["point", "comma"],
        Meta(description="Decimal mark of numbers that are written as text: `4.5`, or `4,5`."),
    ] = "point"
    covariates: Annotated[
        tuple[Annotated[str, Meta(min_length=1)], ...],
        Meta(
            description="Dotted paths of numbers known with the event, the same for each of its values: a holiday, a"
            " price. True is 1, false 0; what is absent or no number is masked."
        ),
    ] = ()
    points: Annotated[
        tuple[Annotated[str, Meta(min_length=1)], ...],
        Meta(
            description="Arrays whose elements are events of their own, such as `metrics[]`,"
            " `resource[].metrics[].points[]`, or `[]` where the record is one; `*[]` for each name of an object (the"
            " field `*` of an element is that name); `hourly[zip]` for arrays side by side; or `senml`. Series, time"
            " and covariates are looked for in the element, then in what it lies in, outward."
        ),
    ] = ()
    where: Annotated[
        tuple[Annotated[str, Meta(min_length=1)], ...],
        Meta(
            description="Conditions that an event must fulfil, all of them, else it is skipped: `type = reading`,"
            " `type != test`, `id =~ sensor[.].*` (as a whole), `id !~ ..`, `v exists`, `error absent`; the field may"
            " be `{header:NAME}`, `{key}` or `{topic}`."
        ),
    ] = ()
    step: Annotated[
        Literal["infer", "event"] | Annotated[float, Meta(ge=1e-3, le=366 * 86400)],
        Meta(
            description="Seconds between the observations of a series; `infer` finds them from each series' first"
            " gaps; `event` takes each event as one step, whatever its time (months, irregular times)."
        ),
    ] = "infer"
    max_gap: Annotated[
        int,
        Meta(
            ge=0,
            le=1_000_000,
            description="Missing steps that are filled. A time further ahead is a dead letter (`timestamp_jump`), until"
            " the next one agrees with it: then the series starts again there.",
        ),
    ] = 168
    max_ahead: Annotated[
        Seconds, Meta(description="Seconds that an event's time may be ahead of its record's; more: a dead letter.")
    ] = 86400.0
    restart_after: Annotated[
        Count,
        Meta(le=1_000_000, description="Late observations in a row after which a series starts again from them."),
    ] = 100

    def __post_init__(self) -> None:
        _check_paths(self)


class Model(Struct, frozen=True, kw_only=True):
    """What is forecast, the network, and how hard it learns. A change makes older checkpoints unusable."""

    horizon: Annotated[Count, Meta(le=1000, description="Steps ahead that each forecast tells.")] = 24
    quantiles: Annotated[
        tuple[Annotated[float, Meta(gt=0, lt=1)], ...],
        Meta(min_length=1, description="Quantiles that each forecast tells, rising."),
    ] = (0.05, 0.5, 0.95)
    hidden_size: Annotated[
        Count, Meta(le=4096, description="Width of the LSTM: how much a series' state can remember.")
    ] = 48
    pretrained: Annotated[
        bool,
        Meta(
            description="Whether a second LSTM has a say, which was trained on generated series: it forecasts well from"
            " the first values on, and does not learn."
        ),
    ] = True
    window: Annotated[Count, Meta(le=10_000, description="Steps that a learning step reaches back through time.")] = 48
    windows: Annotated[
        Count, Meta(le=1000, description="Windows of a learning step: the newest, the others replayed.")
    ] = 16
    effort: Annotated[
        float,
        Meta(ge=0, le=1000, description="How much to learn from each observation: 2 is twice the usual, 0 nothing."),
    ] = 1.0
    learning_rate: Annotated[float, Meta(gt=0, le=1, description="Size of a learning step (Adam).")] = 3e-3
    replay: Annotated[
        Count, Meta(le=10_000_000, description="Past windows that a partition keeps to learn from again.")
    ] = 1024
    memory: Annotated[Count, Meta(le=1_000_000, description="Recent values kept of each series.")] = 2048
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1, description="Seed of the first weights and of the replay.")] = 0

    def __post_init__(self) -> None:
        _check_quantiles(self)
        _check_memory(self)


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


def _check_topics(kafka: Kafka) -> None:
    """Refuse a topic with two roles: forecasts would be read as events, for ever. A pattern leaves them out."""
    roles = [(kafka.inputs, "input", "forecasts"), (kafka.inputs, "input", "dead_letters")]
    for names, one, other in (*roles, ((kafka.forecasts,), "forecasts", "dead_letters")):
        if getattr(kafka, other) in names:
            raise SettingsError(
                f"kafka.{one} and kafka.{other} are both {_toml(getattr(kafka, other))}; use two topics", (one, other)
            )
    _check_input(kafka)


def _check_input(kafka: Kafka) -> None:
    pattern, shown = kafka.input_pattern, _found(kafka.input)
    if pattern is None and not (kafka.inputs and all(re.fullmatch(TOPIC, name) for name in kafka.inputs)):
        raise SettingsError(f"kafka.input is {shown}; expected {INPUT}", ("input",))
    if len(set(kafka.inputs)) < len(kafka.inputs):
        raise SettingsError(f"kafka.input is {shown}; name each topic once", ("input",))
    if pattern is not None and not (kafka.input[0] == "^" or re.fullmatch("/.+/", str(kafka.input))):
        raise SettingsError(f"kafka.input is {shown}; a pattern stands between two slashes", ("input",))
    if pattern is not None:
        _check_pattern(shown, pattern)


def _check_pattern(shown: str, pattern: str) -> None:
    """Whether Python reads it; it is tried as it is used, behind a look-ahead."""
    try:
        re.compile(rf"(?!)(?:{pattern})\Z")
    except (re.error, RecursionError, OverflowError) as error:
        raise SettingsError(
            f"kafka.input is {shown}, and no regular expression of Python's: {_reason(error)}; correct it,"
            r' such as "/sensors\..*/", or "/(?i:sensors)\..*/" for any case',
            ("input",),
        ) from error


def _reason(error: Exception) -> str:
    return error.msg if isinstance(error, re.error) else str(error)


_NAMED = ("sasl_username", "sasl_password")
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "PLAIN": _NAMED,
    "SCRAM-SHA-256": _NAMED,
    "SCRAM-SHA-512": _NAMED,
    "OAUTHBEARER": ("oauth_token_url", "oauth_client_id", "oauth_client_secret"),
}


def _check_sign_in(kafka: Kafka) -> None:
    keys = ("security_protocol", "sasl_mechanism", "sasl_username", "sasl_password")
    if bool(kafka.sasl_mechanism) != kafka.security_protocol.startswith("SASL_"):
        raise SettingsError(
            f"kafka.security_protocol is {_toml(kafka.security_protocol)} and kafka.sasl_mechanism is"
            f" {_toml(kafka.sasl_mechanism)}; set both to sign in, or neither",
            keys[:2],
        )
    needed = _NEEDED.get(kafka.sasl_mechanism, ())
    missing = [key for key in needed if not getattr(kafka, key)]
    if missing:
        variables = " and ".join(variable("kafka", key) for key in missing)
        told = "a name and a password" if "sasl_username" in needed else f"kafka.{', kafka.'.join(needed)}"
        raise SettingsError(
            f"kafka.sasl_mechanism {_toml(kafka.sasl_mechanism)} needs {told}; set {variables}", (*keys, *needed)
        )
    if kafka.oauth_token_url and not re.match("https?://", kafka.oauth_token_url):
        raise SettingsError(
            f"kafka.oauth_token_url is {_toml(kafka.oauth_token_url)}; expected a URL that begins with https://",
            ("oauth_token_url",),
        )
    if kafka.sasl_mechanism == "AWS_MSK_IAM" and kafka.security_protocol != "SASL_SSL":
        raise SettingsError('kafka.sasl_mechanism "AWS_MSK_IAM" needs kafka.security_protocol = "SASL_SSL"', keys[:2])
    if kafka.ssl_keyfile and not kafka.ssl_certfile:
        raise SettingsError("kafka.ssl_keyfile needs kafka.ssl_certfile; set both, or neither", ("ssl_keyfile",))


def _check_paths(events: Events) -> None:
    for key, paths in (("values", events.values), ("covariates", events.covariates)):
        if len(set(paths)) < len(paths):
            raise SettingsError(f"events.{key} is {_toml(paths)}; name each path once", (key,))
    for key, compile_it in _compiled(events):
        try:
            compile_it()
        except ValueError as error:
            raise SettingsError(f"events.{key}: {error}", (key,)) from None
    if not template(events.timestamp).fields:
        raise SettingsError(
            f"events.timestamp is {_toml(events.timestamp)}, which is constant; name a field, such as timestamp or"
            " {header:NAME}",
            ("timestamp",),
        )


def _compiled(events: Events) -> Iterator[tuple[str, Callable[[], object]]]:
    """What each text is compiled by, which raises ValueError with the fix."""
    yield "series", lambda: template(events.series, events.key)
    yield "timestamp", lambda: template(events.timestamp, events.key)
    yield "timestamp_format", lambda: check_format(events.timestamp_format)
    yield "timezone", lambda: zone(events.timezone)
    yield "values", lambda: [Path(path) for path in events.values]
    yield "covariates", lambda: [one_field(path, events.key) for path in events.covariates]
    yield "points", lambda: Points(events.points)
    yield "where", lambda: conditions(events.where, events.key)


def _check_quantiles(model: Model) -> None:
    ordered = sorted({quantile for quantile in model.quantiles if 0 < quantile < 1})
    if list(model.quantiles) != ordered:
        raise SettingsError(
            f"model.quantiles is {_toml(model.quantiles)}; each must lie between 0 and 1 and above the one before"
            + (f", such as {_toml(ordered)}" if ordered else ""),
            ("quantiles",),
        )


def _check_memory(model: Model) -> None:
    needed = model.window + model.horizon
    if model.memory < needed:
        raise SettingsError(
            f"model.memory is {model.memory}; a window of {model.window} steps and a horizon of {model.horizon} need"
            f" {needed} values at least",
            ("memory", "window", "horizon"),
        )


class _Given(NamedTuple):
    """One value that somebody set, and where."""

    section: str
    key: str
    value: object
    source: str
    is_raw: bool  # of an environment variable or --set: text still to be read as TOML


def load(path: str | None, environment: Mapping[str, str], overrides: Sequence[str]) -> Settings:
    """Bring the settings together: defaults < file < environment < overrides.

    Parameters
    ----------
    path
        A TOML file, or None.
    environment
        Usually `os.environ`; names that do not begin with `LSTM_STREAM_` are ignored.
    overrides
        `section.key=value` each, as from `--set`.

    Raises
    ------
    SettingsError
        Whatever is wrong, in one line that names where it came from and says the fix.
    """
    given = list(map(_secret, (*_from_file(path), *_from_environment(environment), *_from_overrides(overrides))))
    sections = {name: _section(name, [one for one in given if one.section == name]) for name in _FIELDS}
    settings = msgspec.convert(sections, Settings)
    _check_steps(settings, [one.source for one in given if (one.section, one.key) == ("metrics", "steps")])
    return settings


def _check_steps(settings: Settings, sources: Sequence[str]) -> None:
    if max(settings.metrics.steps) > settings.model.horizon:
        raise SettingsError(
            f"{sources[-1]}: metrics.steps is {_toml(settings.metrics.steps)}, and model.horizon is"
            f" {settings.model.horizon}; name steps up to that"
        )


def _from_file(path: str | None) -> Iterator[_Given]:
    if path is None:
        return
    for section, table in _read(path).items():
        _check_section(section, path)
        if not isinstance(table, dict):
            raise SettingsError(f"{path}: {section} is {_found(table)}; expected a section, [{section}]")
        for key, value in table.items():
            yield _Given(section, key, value, path, is_raw=False)


def _read(path: str) -> dict[str, object]:
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror or error}; name a settings file that can be read") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    except ValueError as error:
        raise SettingsError(f"{path}: not TOML: {error}; text needs quotes, a section [brackets]") from error


def _from_environment(environment: Mapping[str, str]) -> Iterator[_Given]:
    for name in sorted(environment):
        section, separator, key = name.removeprefix(PREFIX).lower().partition("__")
        if name.startswith(PREFIX) and separator:
            _check_section(section, name)
            yield _Given(section, key, environment[name], name, is_raw=True)
        # Kubernetes sets LSTM_STREAM_WEB_PORT=tcp://... by itself for a service named lstm-stream-web.
        elif name in _MISNAMED and not environment[name].startswith("tcp://"):
            raise SettingsError(f"{name}: a section ends in two underscores; name it {_MISNAMED[name]}")


def _from_overrides(overrides: Sequence[str]) -> Iterator[_Given]:
    for override in overrides:
        name, equals, text = override.partition("=")
        section, dot, key = name.strip().partition(".")
        source = f"--set {name.strip()}"
        if not (equals and dot):
            raise SettingsError(f"{source}: expected SECTION.KEY=VALUE, such as --set model.horizon=24")
        _check_section(section, source)
        yield _Given(section, key, text, source, is_raw=True)


def _secret(given: _Given) -> _Given:
    """Read a secret from the file that is named in its place, as by `token_file` for `token`."""
    field = _FIELDS[given.section].get(given.key.removesuffix("_file"))
    if given.key in _FIELDS[given.section] or field is None or not field.is_secret:
        return given
    try:
        with open(str(given.value), encoding="utf-8") as file:
            content = file.read(100_000).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        told = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(
            f"{given.source}: {given.section}.{given.key} is {_found(given.value)}: {told}; name a file that can"
            " be read"
        ) from error
    return given._replace(key=field.name, value=content, is_raw=True)


def _check_section(name: str, source: str) -> None:
    if name not in _FIELDS:
        homes = [section for section, fields in _FIELDS.items() if name in fields]
        hint = f"the key is in [{homes[0]}]" if homes else _suggestion(name, _FIELDS)
        raise SettingsError(f"{source}: unknown section `{name}`; {hint}")


def _suggestion(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean `{close[0]}`?" if close else f"known are {', '.join(known)}"


def _section(name: str, given: Sequence[_Given]) -> Struct:
    """Check each value alone, then all of them together."""
    values = {one.key: _checked(one) for one in given}
    sources = {one.key: one.source for one in given}
    try:
        return _CLASSES[name](**values)
    except SettingsError as error:
        blamed = dict.fromkeys(sources[key] for key in error.keys if key in sources)
        raise SettingsError(f"{', '.join(blamed)}: {error}") from error


def _checked(given: _Given) -> object:
    """Return the value in its declared type."""
    field = _FIELDS[given.section].get(given.key)
    if field is None:
        hint = _suggestion(given.key, _FIELDS[given.section])
        raise SettingsError(f"{given.source}: unknown key `{given.key}` in [{given.section}]; {hint}")
    value = _parsed(str(given.value), field) if given.is_raw else given.value
    try:
        return msgspec.convert(_finite(value), field.type)
    except msgspec.ValidationError as error:
        found = MASK if field.is_secret else _found(value)
        raise SettingsError(
            f"{given.source}: {given.section}.{given.key} is {found}; expected {field.expected}"
        ) from error


def _parsed(text: str, field: "_Field") -> object:
    """Read text as a TOML value; what is none, or not of a text's type, stands for itself."""
    if field.is_secret:
        return text
    try:
        document = tomllib.loads(f"value = {text}")
    except ValueError:
        return text.strip()
    value: object = document["value"]
    return value if len(document) == 1 and isinstance(value, field.readable) else text.strip()


def _finite(value: object) -> object:
    """Pass the value on, unless it holds a NaN or an infinity, which no range stops."""
    if any(
        isinstance(one, float) and not math.isfinite(one) for one in (value if isinstance(value, list) else [value])
    ):
        raise msgspec.ValidationError("not a finite number")
    return value


def variable(section: str, key: str) -> str:
    """Name the environment variable of a setting.

    >>> variable("kafka", "group")
    'LSTM_STREAM_KAFKA__GROUP'
    """
    return f"{PREFIX}{section}__{key}".upper()


def to_toml(settings: Settings, mask: bool = True) -> str:
    """Write every setting as TOML; with `mask`, secrets as asterisks."""
    lines: list[str] = []
    for section, values in structs.asdict(settings).items():
        lines += ["", f"[{section}]"]
        for key, value in structs.asdict(values).items():
            is_hidden = mask and value and _FIELDS[section][key].is_secret
            shown = _SIGNED_IN.sub(rf"\1{MASK}@", value) if mask and isinstance(value, str) else value
            lines.append(f"{key} = {_toml(MASK if is_hidden else shown)}")
    return "\n".join(lines[1:]) + "\n"


def secrets(settings: Settings) -> tuple[str, ...]:
    """The values that must not be shown anywhere: passwords, tokens, and what signs in within a URL."""
    values = msgspec.to_builtins(settings)
    named = [values[name][key] for name in _FIELDS for key, field in _FIELDS[name].items() if field.is_secret]
    within = _SIGNED_IN.match(settings.checkpoints.url)
    return tuple(str(one) for one in (*named, *(within[2].split(":")[1:] if within else ())) if one)


def reloaded(old: Settings, new: Settings) -> tuple[Settings, tuple[str, ...], tuple[str, ...]]:
    """Take over what can change while the daemon runs.

    Returns
    -------
    Settings, tuple, tuple
        The settings from now on; the keys that changed, such as ``log.level``; those whose change needs a restart.
    """
    before, after = structs.asdict(old), structs.asdict(new)
    changed = [
        (name, key)
        for name in _FIELDS
        for key in _FIELDS[name]
        if structs.asdict(before[name])[key] != structs.asdict(after[name])[key]
    ]
    taken = [(name, key) for name, key in changed if _FIELDS[name][key].is_reloaded]
    for name, key in taken:
        before[name] = structs.replace(before[name], **{key: structs.asdict(after[name])[key]})
    left = tuple(f"{name}.{key}" for name, key in changed if (name, key) not in taken)
    return Settings(**before), tuple(f"{name}.{key}" for name, key in taken), left


def sample() -> str:
    """Write a settings file in which every setting is explained and out-commented with its default."""
    lines = [
        "# Settings of lstm-stream. Everything is optional: to change a default, take away the # before its key.",
        "# The environment goes before this file (LSTM_STREAM_KAFKA__GROUP=x), --set kafka.group=x before both.",
    ]
    for section, fields in _FIELDS.items():
        lines += ["", "", f"# {_CLASSES[section].__doc__}", f"[{section}]"]
        for field in fields.values():
            lines += [
                "",
                *_comment(field.explanation),
                f"#{field.name} = {_toml(field.default)}",
            ]
    return "\n".join(lines) + "\n"


def table() -> str:
    """Write the table of all settings in Markdown."""
    rows = [
        f"| `{section}.{field.name}` | `{_toml(field.default)}` | {field.explanation} |"
        for section, fields in _FIELDS.items()
        for field in fields.values()
    ]
    return "\n".join(["| setting | default | what it does |", "|---|---|---|", *rows]) + "\n"


def fingerprint(settings: Settings) -> dict[str, object]:
    """Say what shapes a shard's state: a checkpoint made with another fingerprint does not fit.

    One value path is told, since its series would go on with what lies at another. Several are told only as such: they
    make groups, and are in the series' names. The values are such as JSON gives back.
    """
    shaping = [("model", key) for key in _FIELDS["model"]]
    shaping += [("events", key) for key in ("covariates", "step", "max_gap", "restart_after")]
    values = msgspec.json.decode(msgspec.json.encode(settings))
    shaped = {f"{section}.{key}": values[section][key] for section, key in shaping}
    paths = values["events"]["values"]
    return shaped | {"events.values": paths[0] if len(paths) == 1 else "several"}


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, width=100, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)


def _found(value: object) -> str:
    text = _toml(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _toml(value: object) -> str:
    """Write a value as TOML does."""
    match value:
        case bool():
            return str(value).lower()
        case str():  # JSON escapes what TOML does, but for DEL
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case list() | tuple():
            return f"[{', '.join(map(_toml, value))}]"
        case dict():
            return f"{{{', '.join(f'{key} = {_toml(one)}' for key, one in value.items())}}}"
        case _:
            return str(value)


class _Field(NamedTuple):
    """What a declaration says."""

    name: str
    default: object
    explanation: str
    expected: str
    readable: tuple[type, ...]  # TOML values that are taken as such; text that reads as another stands for itself
    type: object
    is_secret: bool
    is_reloaded: bool


def _fields(section: type[Struct]) -> dict[str, _Field]:
    return {field.name: _field(field) for field in structs.fields(section)}


def _field(field: structs.FieldInfo) -> _Field:
    declared = inspect.type_info(field.type)
    assert isinstance(declared, inspect.Metadata)
    is_text = _is_text(declared.type)
    extra = declared.extra or {}
    expected = str(extra.get("expected") or _expected(declared.type))
    expects = "" if is_text else f" ({expected})"
    reloads = " SIGHUP reloads it." if extra.get("reloaded") else ""
    takes_text = isinstance(declared.type, inspect.UnionType) and any(map(_is_text, declared.type.types))
    return _Field(
        name=field.name,
        default=field.default,
        explanation=str((declared.extra_json_schema or {})["description"]) + reloads + expects,
        expected=expected,
        type=field.type,
        readable=(str,) if is_text else (str, list) if takes_text else (object,),
        is_secret=bool(extra.get("secret")),
        is_reloaded=bool(extra.get("reloaded")),
    )


def _is_text(kind: inspect.Type) -> bool:
    return isinstance(kind, inspect.StrType)


def _expected(kind: inspect.Type) -> str:
    """Say in words what a type takes."""
    match kind:
        case inspect.LiteralType(values=values):
            return " or ".join(_toml(value) for value in values)
        case inspect.UnionType(types=types):
            return " or ".join(_expected(one) for one in types)
        case inspect.VarTupleType(item_type=item, min_length=least):
            return f"a list{' of one or more' if least else ''}, each {_expected(item)}"
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType():
            return f"a whole number{_range(kind)}"
        case inspect.FloatType():
            return f"a number{_range(kind)}"
        case inspect.StrType(pattern=str()):
            return "a topic's name: letters, digits, `.`, `_` and `-`"
        case inspect.StrType(min_length=least):
            return "text that is not empty" if least else "text"
    raise TypeError(f"no words for {kind}; add them here")


def _range(kind: inspect.IntType | inspect.FloatType) -> str:
    bounds = {"from": kind.ge, "above": kind.gt, "to": kind.le, "below": kind.lt}
    return "".join(f" {word} {bound}" for word, bound in bounds.items() if bound is not None)


_SIGNED_IN = re.compile(r"(\w[\w+.-]*://)([^/@]+)@")  # a URL that signs in: s3://KEY:SECRET@bucket
_CLASSES: dict[str, type[Struct]] = {field.name: field.type for field in structs.fields(Settings)}
_FIELDS = {name: _fields(section) for name, section in _CLASSES.items()}
_MISNAMED = {
    variable(section, key).replace("__", "_"): variable(section, key) for section in _FIELDS for key in _FIELDS[section]
}
