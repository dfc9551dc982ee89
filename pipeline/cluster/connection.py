"""How a client reaches the cluster: signs in, or says in one line why it cannot.

A cluster that cannot be used is one error, `ClusterError`, whose message says what to do about it.
"""

import importlib.util
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from kafka.errors import KafkaError, UnsupportedSaslMechanismError
from kafka.net.compat import KafkaNetClient

from pipeline.cluster.oauth import TokenError, credentials_of
from pipeline.cluster.refusals import reason as reason
from pipeline.cluster.refusals import why_not
from pipeline.settings import Kafka

RECONNECT_MS = 1000
"""The longest pause between two attempts to reach a broker, as in the Java client. This client's own doubles up to
30 s: a broker that was away for 12 s was not found again for 23 more."""

NEEDED = {"GSSAPI": ("gssapi", "kerberos"), "AWS_MSK_IAM": ("botocore", "msk")}
"""Packages that a mechanism needs, and the extras that bring them."""

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
    _check_packages(kafka)
    signing_in = {**_signing_in(kafka), **_oauth(kafka)}
    networks: list[_Network] = []
    make: Callable[..., _Network] = KafkaNetClient

    def network(**configs: object) -> _Network:
        made = make(**configs)
        networks.append(made)
        return made

    with hearing() as reasons:
        try:
            return kind(kafka_client=network, **signing_in, **options)
        except (KafkaError, OSError, ValueError) as error:
            for one in networks:
                one.close()
            raise ClusterError(why_not(kafka, [*reasons, error])) from error


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
        "sasl_kerberos_service_name": kafka.kerberos_service,
        "sasl_kerberos_domain_name": kafka.kerberos_domain or None,
        "ssl_check_hostname": kafka.ssl_check_hostname,
        "ssl_cafile": kafka.ssl_cafile or None,
        "ssl_certfile": kafka.ssl_certfile or None,
        "ssl_keyfile": kafka.ssl_keyfile or None,
        "ssl_password": kafka.ssl_password or None,
    }
    return {name: value for name, value in options.items() if value is not None}


def _oauth(kafka: Kafka) -> dict[str, object]:
    """Where tokens come from; a server that gives none is said at once, and not after the connection's time."""
    if kafka.sasl_mechanism != "OAUTHBEARER":
        return {}
    provider = credentials_of(kafka)
    try:
        provider.token()
    except TokenError as error:
        raise ClusterError(str(error)) from error
    return {"sasl_oauth_token_provider": provider}


def _check_packages(kafka: Kafka) -> None:
    package, extra = NEEDED.get(kafka.sasl_mechanism, ("", ""))
    if package and importlib.util.find_spec(package) is None:
        raise ClusterError(
            f'kafka.sasl_mechanism = "{kafka.sasl_mechanism}" needs the package {package}: pip install'
            f" 'lstm-stream[{extra}]'"
        )


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
        names = [one for one in arguments if isinstance(one, str)]  # a request of the client compares with no text
        if UnsupportedSaslMechanismError.__name__ in names:  # the client logs its name, and goes on
            self.errors.append(UnsupportedSaslMechanismError())
        if record.exc_info and record.exc_info[1] is not None:
            self.errors.append(record.exc_info[1])
