"""The processes of the compose file, with its files and its environment, as far as their programs are here."""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.embedded import free_port
from tests.servers import ApacheKafka, wait_until

TOP = Path(__file__).parent.parent
DEPLOY = TOP / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]


class Addresses:
    """Where what the containers reach by name is here."""

    def __init__(self, kafka: str) -> None:
        self.kafka, self.web, self.prometheus, self.alertmanager = kafka, free_port(), free_port(), free_port()


def started(service: str, addresses: Addresses, folder: Path) -> "subprocess.Popen[bytes]":
    """A service of our image, with its command and environment; its mounted files lie in this repository."""
    told: Mapping[str, Any] = COMPOSE[service]
    command = [*told.get("entrypoint", ["lstm-stream"]), *told["command"]]
    for mount in told["volumes"]:
        here, there, *_ = mount.split(":")
        command = [part.replace(there, str(DEPLOY / here)) for part in command]
    programs = {"lstm-stream": [sys.executable, "-m", "pipeline"], "python": [sys.executable]}
    given = {**told["environment"], "LSTM_STREAM_KAFKA__BOOTSTRAP_SERVERS": addresses.kafka}
    given |= {"LSTM_STREAM_WEB__HOST": "0.0.0.0", "LSTM_STREAM_WEB__PORT": str(addresses.web)}
    environment = {**os.environ, **given, "PYTHONPATH": str(TOP), "OMP_NUM_THREADS": "1"}
    with (folder / f"{service}.log").open("wb") as log:
        return subprocess.Popen(
            [*programs[command[0]], *command[1:]], cwd=folder, env=environment, stdout=log, stderr=log
        )


@contextmanager
def running(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def prometheus(addresses: Addresses, folder: Path) -> "subprocess.Popen[bytes]":
    """Prometheus with our file; only what name servers tell there is told here."""
    shutil.copytree(DEPLOY / "prometheus", folder / "prometheus")
    config = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    (job,) = config["scrape_configs"]
    del job["dns_sd_configs"]
    job["static_configs"] = [{"targets": [f"127.0.0.1:{addresses.web}"]}]
    text = json.dumps(config).replace("alertmanager:9093", f"127.0.0.1:{addresses.alertmanager}")
    (folder / "prometheus.yml").write_text(text)
    command = ["prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    return quiet([*command, f"--web.listen-address=127.0.0.1:{addresses.prometheus}"])


def alertmanager(program: str, addresses: Addresses, folder: Path) -> "subprocess.Popen[bytes]":
    command = [program, f"--config.file={DEPLOY / 'alertmanager.yml'}", f"--storage.path={folder / 'alerts'}"]
    listen = f"--web.listen-address=127.0.0.1:{addresses.alertmanager}"
    return quiet([*command, "--cluster.listen-address=", listen])


def quiet(command: list[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def answer(url: str) -> str:
    """What a page says; "" while it is not there."""
    try:
        with urllib.request.urlopen(url, timeout=5) as page:
            told: bytes = page.read()
            return told.decode()
    except OSError:
        return ""


@pytest.mark.skipif(not shutil.which("prometheus"), reason="prometheus is not installed")
def test_together_they_forecast_the_demo_and_are_watched(apache_kafka: ApacheKafka, tmp_path: Path) -> None:
    addresses = Addresses(apache_kafka.bootstrap_servers)
    page, watcher = f"http://127.0.0.1:{addresses.web}", f"http://127.0.0.1:{addresses.prometheus}"
    assert started("topics", addresses, tmp_path).wait(60) == 0, (tmp_path / "topics.log").read_text()
    with ExitStack() as stack:
        stack.enter_context(running(started("lstm-stream", addresses, tmp_path)))
        stack.enter_context(running(started("producer", addresses, tmp_path)))
        stack.enter_context(running(prometheus(addresses, tmp_path)))
        program = shutil.which("alertmanager") or shutil.which("prometheus-alertmanager")
        if program is not None:
            stack.enter_context(running(alertmanager(program, addresses, tmp_path)))
            ready = f"http://127.0.0.1:{addresses.alertmanager}/-/ready"
            wait_until(lambda: answer(ready) == "OK", "Alertmanager to take our file")
        wait_until(lambda: forecasts(page) > 500, "forecasts of the demo")
        query = f"{watcher}/api/v1/query?query=lstm_stream_forecasts_total%3E500"
        wait_until(lambda: '"value"' in answer(query), "Prometheus to know of them")
        rules = json.loads(answer(f"{watcher}/api/v1/rules"))["data"]["groups"]
        wrong = [rule["lastError"] for group in rules for rule in group["rules"] if rule.get("lastError")]
        assert wrong == []


def forecasts(page: str) -> float:
    found = re.search(r"^lstm_stream_forecasts_total (\S+)", answer(f"{page}/metrics"), re.MULTILINE)
    return float(found[1]) if found else 0.0
