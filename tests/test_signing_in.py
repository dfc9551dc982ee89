"""Signing in as companies do, on Apache Kafka: what is right works, and what is wrong is one line with its setting."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from pipeline.cluster import ClusterError, Writer, create_topics, describe, read_topic
from pipeline.cluster.oauth import ClientCredentials, TokenError
from pipeline.messages import Outgoing
from pipeline.settings import Kafka, Settings
from tests.certificates import Authority, Certificate
from tests.servers import SecureKafka
from tests.token_server import AUDIENCE, CLIENT, SECRET, TokenServer


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenServer]:
    with TokenServer(tmp_path_factory.mktemp("tokens")) as server:
        yield server


@pytest.fixture(scope="module")
def broker(tokens: TokenServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    home = os.environ.get("KAFKA_HOME")
    if not home:
        pytest.skip("KAFKA_HOME names no distribution of Apache Kafka")
    folder = tmp_path_factory.mktemp("secure")
    with SecureKafka(Path(home), folder, f"{tokens.url}/keys", AUDIENCE) as kafka:
        yield kafka


@pytest.fixture(scope="module")
def ours(broker: SecureKafka) -> Certificate:
    return broker.authority.sign("client")


def tls(broker: SecureKafka, servers: str, **changes: object) -> Settings:
    kafka = Kafka(
        bootstrap_servers=servers,
        security_protocol="SSL",
        ssl_cafile=str(broker.authority.file),
        connect_timeout=4.0,
        input="secure-in",
        forecasts="secure-out",
        dead_letters="secure-dead",
    )
    return Settings(kafka=structs.replace(kafka, **changes))


def scram(broker: SecureKafka, **changes: object) -> Settings:
    named = {"sasl_mechanism": "SCRAM-SHA-512", "sasl_username": "alice", "sasl_password": "secret"}
    return tls(broker, broker.scram, security_protocol="SASL_SSL", **(named | changes))


def oauth(broker: SecureKafka, tokens: TokenServer, **changes: object) -> Settings:
    named = {
        "sasl_mechanism": "OAUTHBEARER",
        "oauth_token_url": f"{tokens.url}/token",
        "oauth_client_id": CLIENT,
        "oauth_client_secret": SECRET,
    }
    return tls(broker, broker.oauth, security_protocol="SASL_SSL", **(named | changes))


def works(settings: Settings) -> None:
    """Whether topics are made, written and read."""
    create_topics(settings)
    topic = settings.kafka.inputs[0]
    before = len(list(read_topic(settings, topic)))
    with Writer(settings, topic) as writer:
        writer.write(Outgoing(b"k", b"1"))
    assert len(list(read_topic(settings, topic))) == before + 1


def refusal(settings: Settings) -> str:
    """What is said of it: one line."""
    with pytest.raises(ClusterError) as refused:
        describe(settings)
    told = str(refused.value)
    assert len(told.splitlines()) == 1
    for secret in (settings.kafka.sasl_password, settings.kafka.oauth_client_secret, settings.kafka.ssl_password):
        assert not secret or secret not in told
    return told


def test_tls_works(broker: SecureKafka) -> None:
    works(tls(broker, broker.tls))


def test_mutual_tls_works_also_with_a_key_that_needs_a_password(broker: SecureKafka, ours: Certificate) -> None:
    works(tls(broker, broker.mutual, ssl_certfile=str(ours.file), ssl_keyfile=str(ours.key)))
    locked = str(ours.locked("of-the-key"))
    works(tls(broker, broker.mutual, ssl_certfile=str(ours.file), ssl_keyfile=locked, ssl_password="of-the-key"))


def test_scram_works(broker: SecureKafka) -> None:
    works(scram(broker))


def test_oauth_works_and_all_clients_share_a_token(broker: SecureKafka, tokens: TokenServer) -> None:
    before = tokens.tokens
    works(oauth(broker, tokens))
    assert tokens.tokens == before + 1


def test_a_wrong_password_of_scram_is_named(broker: SecureKafka) -> None:
    assert "refuses user `alice`; correct kafka.sasl_username and kafka.sasl_password" in refusal(
        scram(broker, sasl_password="not-this-one")
    )


def test_a_mechanism_that_is_not_enabled_is_named(broker: SecureKafka) -> None:
    told = refusal(scram(broker, sasl_mechanism="PLAIN"))
    assert "kafka.sasl_mechanism" in told  # the broker hangs up at once: its answer may not be read any more
    assert "PLAIN" in told


def test_an_unknown_authority_is_named(broker: SecureKafka, tmp_path: Path) -> None:
    other = Authority(tmp_path, "another")
    for cafile in ("", str(other.file)):
        told = refusal(tls(broker, broker.tls, ssl_cafile=cafile))
        assert "signed by an authority that is not known here" in told
        assert "kafka.ssl_cafile" in told


def test_an_expired_certificate_of_the_broker_is_named(broker: SecureKafka) -> None:
    told = refusal(tls(broker, broker.expired))
    assert "not valid now (certificate has expired)" in told
    assert "renew the broker's certificate" in told


def test_a_certificate_for_another_host_is_named_and_can_be_permitted(broker: SecureKafka) -> None:
    told = refusal(tls(broker, broker.other))
    assert "its certificate is for other names" in told
    assert "kafka.ssl_check_hostname = false" in told
    assert describe(tls(broker, broker.other, ssl_check_hostname=False)).id


def test_no_certificate_where_one_is_wanted_is_named(broker: SecureKafka) -> None:
    told = refusal(tls(broker, broker.mutual))
    assert "it wants a certificate of ours" in told
    assert "set kafka.ssl_certfile and kafka.ssl_keyfile" in told


def test_a_certificate_that_the_broker_does_not_trust_is_named(broker: SecureKafka, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "stranger").sign("client")
    late = broker.authority.sign("late", days=0)
    for one in (stranger, late):
        told = refusal(tls(broker, broker.mutual, ssl_certfile=str(one.file), ssl_keyfile=str(one.key)))
        assert "it refuses our certificate" in told
        assert "kafka.ssl_certfile" in told


def test_a_key_that_does_not_fit_or_open_is_named(broker: SecureKafka, ours: Certificate) -> None:
    another = broker.authority.sign("another")
    told = refusal(tls(broker, broker.mutual, ssl_certfile=str(ours.file), ssl_keyfile=str(another.key)))
    assert "kafka.ssl_keyfile is not the key of kafka.ssl_certfile" in told
    locked = str(ours.locked("of-the-key"))
    told = refusal(tls(broker, broker.mutual, ssl_certfile=str(ours.file), ssl_keyfile=locked, ssl_password="wrong"))
    assert "correct kafka.ssl_password" in told


def test_tls_to_a_plain_port_is_named(broker: SecureKafka) -> None:
    told = refusal(tls(broker, broker.bootstrap_servers))
    assert "it does not speak TLS" in told
    assert 'kafka.security_protocol = "PLAINTEXT"' in told


def test_plaintext_to_a_port_of_tls_is_named(broker: SecureKafka) -> None:
    plain = Settings(kafka=Kafka(bootstrap_servers=broker.tls, connect_timeout=4.0))
    assert "correct kafka.security_protocol: it may want TLS" in refusal(plain)


def test_a_wrong_secret_of_the_client_is_named_at_once(broker: SecureKafka, tokens: TokenServer) -> None:
    told = refusal(oauth(broker, tokens, oauth_client_secret="not-this-one"))
    assert f"refuses client `{CLIENT}` (401, invalid_client)" in told
    assert "kafka.oauth_client_secret" in told


def test_a_token_server_that_is_not_there_is_named(broker: SecureKafka, tokens: TokenServer) -> None:
    told = refusal(oauth(broker, tokens, oauth_token_url="http://127.0.0.1:1/token"))
    assert "does not answer" in told
    assert "correct kafka.oauth_token_url" in told


def test_a_token_for_somebody_else_is_named(broker: SecureKafka, tokens: TokenServer) -> None:
    tokens.audience = "another"
    try:
        told = refusal(oauth(broker, tokens, oauth_scope="another"))
    finally:
        tokens.audience = AUDIENCE
    assert f"refuses the token of client `{CLIENT}`" in told
    assert "audience" in told


def test_a_token_is_fetched_anew_before_it_ends(tokens: TokenServer) -> None:
    kafka = Kafka(oauth_token_url=f"{tokens.url}/token", oauth_client_id=CLIENT, oauth_client_secret=SECRET)
    time = [0.0]
    provider, before = ClientCredentials(kafka, lambda: time[0]), tokens.tokens
    provider.token()
    time[0] = 0.79 * tokens.life
    provider.token()
    assert tokens.tokens == before + 1
    time[0] = 0.81 * tokens.life
    provider.token()
    assert tokens.tokens == before + 2


def test_what_is_no_token_is_named(tokens: TokenServer) -> None:
    kafka = Kafka(oauth_token_url=f"{tokens.url}/keys", oauth_client_id="x", oauth_client_secret=SECRET)
    with pytest.raises(TokenError, match="refuses client `x`"):
        ClientCredentials(kafka).token()


@pytest.mark.parametrize(("mechanism", "package"), [("GSSAPI", "gssapi"), ("AWS_MSK_IAM", "botocore")])
def test_a_mechanism_whose_package_is_missing_says_how_to_get_it(
    mechanism: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    kafka = structs.replace(Kafka(), security_protocol="SASL_SSL", sasl_mechanism=mechanism)
    with pytest.raises(ClusterError, match=rf"needs the package {package}: pip install"):
        describe(Settings(kafka=kafka))
