"""The section `kafka`: the broker, the topics, and how the group shares its partitions."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, Struct

from pipeline.settings.values import RELOADED, Count, Seconds, Secret, SettingsError, in_short, variable, written

TOPIC = r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,249}"
Topic = Annotated[str, Meta(pattern=rf"^{TOPIC}\Z")]
INPUT = (
    r"a topic's name (letters, digits, `.`, `_`, `-`), a list of names, or a pattern: `/sensors\..*/` or `^sensors\..*`"
)


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


def _check_topics(kafka: Kafka) -> None:
    """Refuse a topic with two roles: forecasts would be read as events, for ever. A pattern leaves them out."""
    roles = [(kafka.inputs, "input", "forecasts"), (kafka.inputs, "input", "dead_letters")]
    for names, one, other in (*roles, ((kafka.forecasts,), "forecasts", "dead_letters")):
        if getattr(kafka, other) in names:
            raise SettingsError(
                f"kafka.{one} and kafka.{other} are both {written(getattr(kafka, other))}; use two topics", (one, other)
            )
    _check_input(kafka)


def _check_input(kafka: Kafka) -> None:
    pattern, shown = kafka.input_pattern, in_short(kafka.input)
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
            f"kafka.security_protocol is {written(kafka.security_protocol)} and kafka.sasl_mechanism is"
            f" {written(kafka.sasl_mechanism)}; set both to sign in, or neither",
            keys[:2],
        )
    needed = _NEEDED.get(kafka.sasl_mechanism, ())
    missing = [key for key in needed if not getattr(kafka, key)]
    if missing:
        variables = " and ".join(variable("kafka", key) for key in missing)
        told = "a name and a password" if "sasl_username" in needed else f"kafka.{', kafka.'.join(needed)}"
        raise SettingsError(
            f"kafka.sasl_mechanism {written(kafka.sasl_mechanism)} needs {told}; set {variables}", (*keys, *needed)
        )
    if kafka.oauth_token_url and not re.match("https?://", kafka.oauth_token_url):
        raise SettingsError(
            f"kafka.oauth_token_url is {written(kafka.oauth_token_url)}; expected a URL that begins with https://",
            ("oauth_token_url",),
        )
    if kafka.sasl_mechanism == "AWS_MSK_IAM" and kafka.security_protocol != "SASL_SSL":
        raise SettingsError('kafka.sasl_mechanism "AWS_MSK_IAM" needs kafka.security_protocol = "SASL_SSL"', keys[:2])
    if kafka.ssl_keyfile and not kafka.ssl_certfile:
        raise SettingsError("kafka.ssl_keyfile needs kafka.ssl_certfile; set both, or neither", ("ssl_keyfile",))
