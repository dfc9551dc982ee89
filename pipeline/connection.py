"""How a client reaches the cluster: signs in, or says in one line why it cannot.

A cluster that cannot be used is one error, `ClusterError`, whose message says what to do about it.
"""

import logging
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar

from kafka.errors import KafkaConfigurationError, KafkaError, SaslAuthenticationFailedError
from kafka.net.compat import KafkaNetClient

from pipeline.settings import Kafka

RECONNECT_MS = 1000
"""The longest pause between two attempts to reach a broker, as in the Java client. This client's own doubles up to
30 s: a broker that was away for 12 s was not found again for 23 more."""

T = TypeVar("T")


class ClusterError(RuntimeError):
    """The cluster cannot be used as it is. The message is one line and says the fix."""


class NoTopicError(ClusterError):
    """A topic is missing, or a pattern matches none: the cluster is well, and there is nothing to read or write."""


class _Network(Protocol):
    """The threads and sockets of a client."""

    def close(self) -> None: ...


def connected(kind: Callable[..., T], kafka: Kafka, **options: object) -> T:
    """Make a client that has reached the cluster, or say in one line why not.

    A client that fails to connect leaves its threads behind and says only that time ran out: so its network is kept
    here to be closed, and the reason is heard in its log.
    """
    networks: list[_Network] = []
    make: Callable[..., _Network] = KafkaNetClient

    def network(**configs: object) -> _Network:
        made = make(**configs)
        networks.append(made)
        return made

    with hearing() as reasons:
        try:
            return kind(kafka_client=network, **_signing_in(kafka), **options)
        except (KafkaError, OSError, ValueError) as error:
            for one in networks:
                one.close()
            raise ClusterError(_why_not(kafka, [*reasons, error])) from error


def _signing_in(kafka: Kafka) -> dict[str, object]:
    """Where the cluster is and how to sign in; options that were left empty stay the client's own."""
    options: dict[str, object] = {
        "bootstrap_servers": [server.strip() for server in kafka.bootstrap_servers.split(",")],
        "bootstrap_timeout_ms": int(kafka.connect_timeout * 1000),
        "reconnect_backoff_max_ms": RECONNECT_MS,
        "security_protocol": kafka.security_protocol,
        "sasl_mechanism": kafka.sasl_mechanism or None,
        "sasl_plain_username": kafka.sasl_username or None,
        "sasl_plain_password": kafka.sasl_password or None,
        "ssl_cafile": kafka.ssl_cafile or None,
        "ssl_certfile": kafka.ssl_certfile or None,
        "ssl_keyfile": kafka.ssl_keyfile or None,
        "ssl_password": kafka.ssl_password or None,
    }
    return {name: value for name, value in options.items() if value is not None}


def _why_not(kafka: Kafka, reasons: Sequence[BaseException]) -> str:
    where, first = f"{kafka.bootstrap_servers} ({kafka.security_protocol})", reason(reasons[0])
    refused = any(isinstance(reason, SaslAuthenticationFailedError) for reason in reasons)
    hung_up = any("socket disconnected" in str(reason) for reason in reasons)
    if kafka.sasl_mechanism and (refused or hung_up):
        # A broker that refuses hangs up at once: often the client sees that before it has read the refusal.
        return f"{where} refuses user `{kafka.sasl_username}`; correct kafka.sasl_username and kafka.sasl_password"
    if hung_up:
        return f"{where} hangs up; correct kafka.security_protocol: it may want TLS or a name and a password"
    if "Handshake failed" in first or isinstance(reasons[0], ssl.SSLError | FileNotFoundError):
        return f"{where}: {first}; correct kafka.security_protocol and the kafka.ssl_ files"
    if isinstance(reasons[-1], ValueError | KafkaConfigurationError):
        told = reason(reasons[-1])
        return f"the Kafka client refuses [kafka]: {told}; correct kafka.bootstrap_servers, or what it names"
    return f"no Kafka broker answers at {where}: {first}; start it, or correct kafka.bootstrap_servers"


def reason(error: BaseException | None) -> str:
    return str(error).splitlines()[0] if error is not None and str(error) else type(error).__name__


@contextmanager
def hearing() -> Iterator[list[BaseException]]:
    """Collect the errors that the client logs while it connects, in place of printing them."""
    ear, client = _Ear(), logging.getLogger("kafka")
    level, propagate = client.level, client.propagate
    client.addHandler(ear)
    client.setLevel(min(level or logging.WARNING, logging.WARNING))
    client.propagate = level == logging.DEBUG
    try:
        yield ear.errors
    finally:
        client.removeHandler(ear)
        client.setLevel(level)
        client.propagate = propagate


class _Ear(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.errors: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        arguments = record.args if isinstance(record.args, tuple) else ()
        self.errors.extend(one for one in arguments if isinstance(one, BaseException))
