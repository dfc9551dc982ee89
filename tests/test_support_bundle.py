"""A report holds what a maintainer asks for, and no secret, wherever one turns up."""

import json
import tarfile
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from msgspec import inspect, structs

from pipeline.cli import main
from pipeline.embedded import EmbeddedBroker, free_port
from pipeline.settings import Settings, to_toml
from pipeline.support_bundle import collect
from pipeline.web.access import Access
from pipeline.web.client import address
from pipeline.web.server import Web
from tests.certificates import Authority
from tests.shown import Daemon

PLANTED = "planted-secret"
SIGNED = "s3://KEY:planted-secret-in-a-url@bucket/path"


def planted() -> dict[str, dict[str, str]]:
    """Each secret of the settings, with a value of its own."""
    found: dict[str, dict[str, str]] = {}
    for section in structs.fields(Settings):
        for field in structs.fields(section.type):
            declared = inspect.type_info(field.type)
            if isinstance(declared, inspect.Metadata) and (declared.extra or {}).get("secret"):
                found.setdefault(section.name, {})[field.name] = f"{PLANTED}-{section.name}-{field.name}"
    return found


class Talkative(Daemon):
    """A daemon that tells all secrets in all its answers."""

    def metrics(self) -> tuple[bytes, str]:
        return f"up 1\n# {planted()} {SIGNED}\n".encode(), "text/plain"

    def warnings(self) -> list[str]:
        return [f"WARNING  {value}" for section in planted().values() for value in section.values()]


def settings_with_secrets(servers: str, port: int, folder: Path) -> Settings:
    changes = msgspec.to_builtins(Settings(), str_keys=True)
    for section, values in planted().items():
        changes[section] |= values
    changes["kafka"] |= {"bootstrap_servers": servers, "connect_timeout": 1.0}
    changes["web"] |= {"port": port}
    changes["checkpoints"] |= {"url": SIGNED}
    settings = msgspec.convert(changes, Settings)
    (folder / "settings.toml").write_text(to_toml(settings, mask=False))
    return settings


def unpacked(file: Path) -> dict[str, str]:
    with tarfile.open(file) as archive:
        members = {one.name.partition("/")[2]: archive.extractfile(one) for one in archive.getmembers()}
        return {name: content.read().decode() for name, content in members.items() if content is not None}


def test_there_are_secrets_to_plant() -> None:
    assert {"sasl_password", "ssl_password", "oauth_client_secret"} <= set(planted()["kafka"])
    assert "token" in planted()["web"]


def test_a_report_holds_what_is_asked_for_and_no_secret(tansu: EmbeddedBroker, tmp_path: Path) -> None:
    daemon = Talkative()
    token = planted()["web"]["token"]
    web = Web(
        daemon.metrics,
        daemon.status,
        daemon,
        lambda: daemon.trouble,
        lambda: True,
        "127.0.0.1",
        0,
        Access(token),
        daemon.warnings,
    )
    web.start()
    settings_with_secrets(tansu.bootstrap_servers, web.port, tmp_path)
    output = tmp_path / "report.tar.gz"
    in_environment = {"LSTM_STREAM_KAFKA__SASL_PASSWORD": planted()["kafka"]["sasl_password"]}
    result = CliRunner(env=in_environment).invoke(
        main, ["report", "-c", str(tmp_path / "settings.toml"), "-o", str(output)]
    )
    web.stop()
    assert result.exit_code == 0, result.output
    files = unpacked(output)
    assert set(files) == {
        "README.txt",
        "versions.txt",
        "settings.toml",
        "environment.txt",
        "kafka.txt",
        "daemon/metrics.txt",
        "daemon/status.json",
        "daemon/healthz.json",
        "daemon/readyz.json",
        "daemon/warnings.json",
        "problems.txt",
    }
    for name, text in files.items():
        assert PLANTED not in text, name
    assert PLANTED not in result.output
    assert json.loads(files["daemon/status.json"])["state"] == "ready"
    assert "kafka-python " in files["versions.txt"]
    assert "cluster " in files["kafka.txt"]
    assert "LSTM_STREAM_KAFKA__SASL_PASSWORD is set" in files["environment.txt"]
    assert output.stat().st_mode & 0o077 == 0


def test_without_a_daemon_or_a_broker_the_rest_is_collected_and_the_gaps_are_told(tmp_path: Path) -> None:
    servers = f"127.0.0.1:{free_port()}"
    settings = settings_with_secrets(servers, free_port(), tmp_path)
    output = tmp_path / "report.tar.gz"
    result = CliRunner().invoke(main, ["report", "-c", str(tmp_path / "settings.toml"), "-o", str(output)])
    assert result.exit_code == 0, result.output
    problems = unpacked(output)["problems.txt"]
    assert "no Kafka broker answers" in problems
    assert f"the daemon does not answer at {address(settings.web)}" in problems
    assert "not collected: /metrics" in result.stderr


def test_a_daemon_that_speaks_tls_is_asked_too(tmp_path: Path) -> None:
    certificate = Authority(tmp_path / "keys").sign("web", host="kafka.example.org")
    daemon = Talkative()
    access = Access("of-the-port", str(certificate.file), str(certificate.key))
    web = Web(daemon.metrics, daemon.status, daemon, str, lambda: True, "127.0.0.1", 0, access)
    web.start()
    settings = settings_with_secrets(f"127.0.0.1:{free_port()}", web.port, tmp_path)
    own = structs.replace(settings.web, token="of-the-port", tls_certfile=access.certfile, tls_keyfile=access.keyfile)
    collected = collect(structs.replace(settings, web=own), "", "1", {})
    web.stop()
    assert "daemon/status.json" in collected.files


@pytest.mark.parametrize(
    ("host", "port", "url"),
    [
        ("127.0.0.1", 8000, "http://127.0.0.1:8000"),
        ("0.0.0.0", 8000, "http://127.0.0.1:8000"),
        ("::", 8000, "http://[::1]:8000"),
        ("2001:db8::1", 80, "http://[2001:db8::1]:80"),
        ("localhost", 0, ""),
    ],
)
def test_the_daemon_is_asked_where_it_listens(host: str, port: int, url: str) -> None:
    assert address(structs.replace(Settings().web, host=host, port=port)) == url


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    server = f"kafka.bootstrap_servers=127.0.0.1:{free_port()}"
    result = CliRunner().invoke(
        main, ["report", "--set", server, "--set", "kafka.connect_timeout=0.5", "-o", str(tmp_path / "no" / "x.tar.gz")]
    )
    assert result.exit_code == 1
    assert "name another file with --output" in result.stderr
