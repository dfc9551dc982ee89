"""A daemon of two workers, signed in to its cluster and behind a port with a token: it works, and tells no secret."""

import http.client
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest
from msgspec import structs

from pipeline.cluster import create_topics
from pipeline.settings import Checkpoints, Delivery, Kafka, Settings, Web
from tests.members import EVENTS, MODEL, SERIES, Member, count, write
from tests.servers import SecureKafka, wait_until
from tests.test_signing_in import broker as broker
from tests.test_signing_in import tokens as tokens
from tests.token_server import CLIENT, SECRET, TokenServer

TOKEN = "of-the-web-port-4711"
PATHS = ("/metrics", "/api/status", "/api/series", "/api/warnings", "/healthz", "/readyz", "/", "/login", "/nowhere")


def settings_at(broker: SecureKafka, tokens: TokenServer, folder: Path) -> Settings:
    kafka = Kafka(
        bootstrap_servers=broker.oauth,
        security_protocol="SASL_SSL",
        sasl_mechanism="OAUTHBEARER",
        ssl_cafile=str(broker.authority.file),
        oauth_token_url=f"{tokens.url}/token",
        oauth_client_id=CLIENT,
        oauth_client_secret=SECRET,
        group="signed-in",
        input="signed-in-events",
        forecasts="signed-in-forecasts",
        dead_letters="signed-in-dead",
        session_timeout=6.0,
    )
    settings = Settings(
        kafka=kafka,
        events=EVENTS,
        model=MODEL,
        delivery=Delivery(commit_interval=0.1),
        checkpoints=Checkpoints(url=str(folder / "checkpoints"), interval=1.0),
        web=Web(port=0, token=TOKEN),
    )
    settings = structs.replace(settings, log=structs.replace(settings.log, level="debug"))
    create_topics(settings)
    return settings


class SignedIn(Member):
    """Asked with the token."""

    def told(self, path: str) -> tuple[int, bytes]:
        found = re.search(r"http://127.0.0.1:(\d+)", self._log.read_text())
        assert found is not None
        connection = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=10)
        connection.request("GET", path, headers={"Authorization": f"Bearer {TOKEN}"})
        answer = connection.getresponse()
        return answer.status, answer.read()

    def ask(self, path: str) -> dict[str, Any]:
        found = re.search(r"http://127.0.0.1:(\d+)", self._log.read_text())
        if found is None:
            raise URLError("it has no port yet")
        request = Request(f"http://127.0.0.1:{found[1]}{path}", headers={"Authorization": f"Bearer {TOKEN}"})
        with urlopen(request, timeout=10) as response:
            told: dict[str, Any] = json.load(response)
            return told


def written(folder: Path) -> Iterator[Path]:
    """All that the daemon has written."""
    yield from (file for file in folder.rglob("*") if file.is_file() and file.name != "daemon.toml")


@pytest.mark.usefixtures("model_is_compiled")
def test_a_daemon_works_signed_in_and_tells_no_secret(broker: SecureKafka, tokens: TokenServer, tmp_path: Path) -> None:
    settings = settings_at(broker, tokens, tmp_path)
    write(settings, range(10))
    with SignedIn(settings, tmp_path, "daemon", "--workers", "2") as daemon:
        wait_until(lambda: len(daemon.partitions()) == settings.kafka.partitions, "it to be ready", 180)
        wait_until(lambda: count(settings) == 10 * (SERIES + 1), "all forecasts and dead letters")
        answers = {path: daemon.told(path) for path in PATHS}
        assert daemon.end() == 0
    assert [code for code, _ in answers.values()] == [200] * (len(PATHS) - 1) + [404]
    texts = {path: body for path, (_, body) in answers.items()} | {
        f"{one}": one.read_bytes() for one in written(tmp_path)
    }
    assert any("safetensors" in name for name in texts)
    bearer = re.compile(rb"eyJ[\w-]{20,}\.eyJ")  # how a token of the token server begins
    for name, text in texts.items():
        assert SECRET.encode() not in text, name
        assert TOKEN.encode() not in text, name
        assert bearer.search(text) is None, name
