"""What monitoring says where it cannot be started or asked, and how alerts are told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline.alerts import AlertsError, alerts, lines
from pipeline.cli import main
from pipeline.embedded import free_port
from pipeline.monitoring import Monitoring, MonitoringError, rules

WRITTEN = Path(__file__).parent.parent / "deploy" / "prometheus"

RULES = b"""{"status": "success", "data": {"groups": [{"name": "g", "rules": [
    {"name": "r:recorded", "type": "recording", "health": "ok"},
    {"name": "Calm", "type": "alerting", "state": "inactive", "labels": {"severity": "warning"}, "alerts": [],
     "health": "err", "lastError": "many-to-many"},
    {"name": "Loud", "type": "alerting", "state": "firing", "labels": {"severity": "critical"}, "health": "ok",
     "alerts": [{"labels": {}, "annotations": {"summary": "it burns"}, "state": "firing",
                 "activeAt": "2026-03-02T08:00:00.123456789Z", "value": "1e+00"}]}]}]}}"""


@contextmanager
def answering(body: bytes) -> Iterator[str]:
    """A port that answers each question with the same."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nobody is told."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_program_that_is_not_there_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MonitoringError, match=r"`prometheus` is not on the PATH; install it") as refused:
        Monitoring("127.0.0.1:1", tmp_path)
    assert "\n" not in str(refused.value)


def test_alerts_are_told_the_worst_first_with_what_they_are_about() -> None:
    with answering(RULES) as url:
        assert list(lines(alerts(url))) == [
            "firing    critical  Loud",
            "          since 2026-03-02T08:00:00Z: it burns",
            "inactive  warning   Calm",
            "          cannot be asked: many-to-many",
        ]


def test_where_no_prometheus_answers_one_line_says_so() -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    done = CliRunner().invoke(main, ["alerts", "--prometheus", nowhere])
    assert done.exit_code == 1
    assert f"no Prometheus answers at {nowhere}" in done.output
    assert len(done.output.strip().splitlines()) == 1


@pytest.mark.parametrize("body", [b"<html>", b'{"data": 3}', b"[]"])
def test_what_is_no_prometheus_is_named(body: bytes) -> None:
    with answering(body) as url, pytest.raises(AlertsError, match="no Prometheus answers"):
        alerts(url)


def test_the_rules_are_written_for_a_prometheus_of_ones_own(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["alerts", "--rules", str(tmp_path / "rules")])
    assert done.exit_code == 0, done.output
    written = {path.name: path.read_text() for path in (tmp_path / "rules").iterdir()}
    assert written == {path.name: path.read_text() for path in WRITTEN.glob("*.yml")}
    assert done.output.split() == [str(tmp_path / "rules" / name) for name in sorted(written)]


def test_links_of_alerts_lead_to_a_runbook_and_a_grafana_that_are_named() -> None:
    plain = rules()["alerts.yml"]
    linked = rules("https://example.com/runbook", "https://grafana.example.com/")["alerts.yml"]
    alerts_ = plain.count("- alert: ")
    assert linked.count('runbook_url: "https://example.com/runbook#lstmstream') == alerts_
    assert linked.count('dashboard: "https://grafana.example.com/d/lstm-stream-') == alerts_
    assert plain.count('runbook_url: "deploy/README.md#') == plain.count('dashboard: "/d/lstm-stream-') == alerts_


def test_rules_that_cannot_be_written_are_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(main, ["alerts", "--rules", str(tmp_path / "file" / "rules")])
    assert done.exit_code == 1
    assert "can't be written" in done.output
    wrong = CliRunner().invoke(main, ["alerts", "--grafana", "https://example.com"])
    assert wrong.exit_code == 2
    assert "--rules" in wrong.output
