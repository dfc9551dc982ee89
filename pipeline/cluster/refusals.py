"""Why a cluster cannot be reached or refuses us, and the setting that mends it: one line."""

import re
import ssl
from collections.abc import Sequence

from kafka.errors import (
    KafkaConfigurationError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)

from pipeline.settings import Kafka

PATTERNS: tuple[tuple[str, str], ...] = (
    (
        "certificate has expired|certificate is not yet valid",
        "its certificate is not valid now ({found}); renew the broker's certificate, or set the clock right",
    ),
    (
        "hostname mismatch|ip address mismatch|doesn't match",
        "its certificate is for other names ({found}); name it in kafka.bootstrap_servers as its certificate does, or"
        " set kafka.ssl_check_hostname = false",
    ),
    (
        "certificate verify failed",
        "its certificate is signed by an authority that is not known here ({found}); set kafka.ssl_cafile to the PEM"
        " file of that authority{cafile}",
    ),
    (
        "wrong version number|eof occurred in violation|record layer failure|packet length too long|unknown protocol",
        'it does not speak TLS; set kafka.security_protocol = "{plain}", or name its TLS port in'
        " kafka.bootstrap_servers",
    ),
    (
        "key values mismatch",
        "kafka.ssl_keyfile is not the key of kafka.ssl_certfile; name the two that belong together",
    ),
    (
        "bad decrypt|bad password read|pem lib",
        "the key cannot be read with this password, or is no PEM; correct kafka.ssl_password, kafka.ssl_keyfile and"
        " kafka.ssl_certfile",
    ),
    (
        "alert certificate expired|alert certificate revoked",
        "it refuses our certificate ({found}); renew that of kafka.ssl_certfile",
    ),
    (
        "alert (certificate required|bad certificate|certificate unknown|unknown ca|handshake failure|access denied)"
        "|alert number (42|46|48|116)",
        "it {wants} ({found}); set kafka.ssl_certfile and kafka.ssl_keyfile to one that is valid now and signed by an"
        " authority that the broker trusts",
    ),
)


def why_not(kafka: Kafka, reasons: Sequence[BaseException]) -> str:
    """Say what a failed connection means.

    Parameters
    ----------
    kafka
        The settings that it names.
    reasons
        What was heard, the first one first.
    """
    where, first = f"{kafka.bootstrap_servers} ({kafka.security_protocol})", reason(reasons[0])
    refused = any(isinstance(reason, SaslAuthenticationFailedError) for reason in reasons)
    hung_up = any("socket disconnected" in str(reason) for reason in reasons)
    of_tls = _of_tls(kafka, reasons)
    if of_tls:
        return f"{where}: {of_tls}"
    if any(isinstance(reason, UnsupportedSaslMechanismError) for reason in reasons):
        return (
            f'{where} does not take kafka.sasl_mechanism = "{kafka.sasl_mechanism}"; set one that this listener has in'
            " its sasl.enabled.mechanisms"
        )
    if kafka.sasl_mechanism and (refused or hung_up):
        # A broker that refuses hangs up at once: often the client sees that before it has read the refusal.
        unless = "" if refused else f", or kafka.sasl_mechanism, if it takes another than {kafka.sasl_mechanism}"
        return f"{where} refuses {who(kafka)}{unless}"
    if hung_up:
        return f"{where} hangs up; correct kafka.security_protocol: it may want TLS or a name and a password"
    if "Handshake failed" in first or isinstance(reasons[0], ssl.SSLError | FileNotFoundError):
        return f"{where}: {first}; correct kafka.security_protocol and the kafka.ssl_ files"
    if isinstance(reasons[-1], ValueError | KafkaConfigurationError):
        told = reason(reasons[-1])
        return f"the Kafka client refuses [kafka]: {told}; correct kafka.bootstrap_servers, or what it names"
    return f"no Kafka broker answers at {where}: {first}; start it, or correct kafka.bootstrap_servers"


def who(kafka: Kafka) -> str:
    """Whom the cluster refuses, and the settings to correct."""
    match kafka.sasl_mechanism:
        case "OAUTHBEARER":
            return (
                f"the token of client `{kafka.oauth_client_id}`; correct kafka.oauth_scope and kafka.oauth_token_url:"
                " its issuer, audience and scope have to be those that the broker expects"
            )
        case "AWS_MSK_IAM":
            return "these AWS credentials; correct them (AWS_PROFILE, role) or the cluster's IAM policy"
        case "GSSAPI":
            return "this Kerberos ticket; renew it (kinit), or correct kafka.kerberos_service and kafka.kerberos_domain"
        case _:
            return f"user `{kafka.sasl_username}`; correct kafka.sasl_username and kafka.sasl_password"


def _of_tls(kafka: Kafka, reasons: Sequence[BaseException]) -> str:
    """What is wrong with certificates; "" where it is something else."""
    for one in reasons:
        text = str(one)
        plain = re.sub(r"[_\s]+", " ", text).lower()
        for pattern, told in PATTERNS:
            if re.search(pattern, plain):
                return told.format(
                    found=_inner(text),
                    cafile=f", it is {kafka.ssl_cafile}" if kafka.ssl_cafile else "",
                    plain=kafka.security_protocol.replace("SASL_SSL", "SASL_PLAINTEXT").replace("SSL", "PLAINTEXT"),
                    wants="refuses our certificate" if kafka.ssl_certfile else "wants a certificate of ours",
                )
    return ""


def _inner(text: str) -> str:
    """OpenSSL's words without its codes."""
    told = re.search(r"certificate verify failed: (.*?)(?: \(_ssl|$)", text) or re.search(
        r"\] (.*?)(?: \(_ssl|$)", text
    )
    return told[1].strip() if told else text.splitlines()[0]


def reason(error: BaseException | None) -> str:
    """The first line of an error's message, or its kind."""
    return str(error).splitlines()[0] if error is not None and str(error) else type(error).__name__
