"""The rules of Prometheus, and a Prometheus and an Alertmanager of one's own with them, from what is on the PATH."""

import shutil
import subprocess
import time
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import msgspec

from pipeline.embedded import free_port

RULES = Path(__file__).parent / "rules"
"""Copies of the files of `deploy/prometheus`, for the installed package."""
RUNBOOK, BOARDS = "deploy/README.md#", "/d/lstm-stream-"
"""How the alerts' links to the runbook and to Grafana's dashboards begin, in those files."""
HOST = "127.0.0.1"
PORT = 9090
"""Where `lstm-stream alerts` looks for Prometheus unless it is told."""
PATIENCE = 30.0  # seconds until both answer
PROMETHEUS, ALERTMANAGER = ("prometheus",), ("alertmanager", "prometheus-alertmanager")  # the latter is Debian's


def rules(runbook: str = "", grafana: str = "") -> dict[str, str]:
    """The files of rules by name.

    Parameters
    ----------
    runbook
        Where `deploy/README.md` can be read, for the alerts' links; "": they name the file.
    grafana
        Where Grafana is, for the same; "": they are such as Grafana itself understands.
    """
    texts = {path.name: path.read_text() for path in sorted(RULES.glob("*.yml"))}
    return {name: _linked(text, runbook.rstrip("#"), grafana.rstrip("/")) for name, text in texts.items()}


def _linked(text: str, runbook: str, grafana: str) -> str:
    if runbook:
        text = text.replace(f'"{RUNBOOK}', f'"{runbook}#')
    return text.replace(f'"{BOARDS}', f'"{grafana}{BOARDS}')


class MonitoringError(RuntimeError):
    """Monitoring cannot be started; the message is the fix."""


class Monitoring:
    """Watches a daemon, from ``with`` to the end of its block.

    Parameters
    ----------
    target
        Address of the daemon's port, host:port.
    folder
        Where configuration, data and logs go.
    rules
        Files of rules; by default those of the package.
    port
        Of Prometheus; 0: any free one.
    interval
        Seconds from one scrape to the next, and from one look at the rules to the next.

    Attributes
    ----------
    url, alertmanager_url
        Where the two answer.

    Raises
    ------
    MonitoringError
        A program is not on the PATH, or one of the two does not answer.
    """

    def __init__(
        self, target: str, folder: Path, rules: Sequence[Path] = (), port: int = 0, interval: float = 5.0
    ) -> None:
        self._programs = [_program(names) for names in (PROMETHEUS, ALERTMANAGER)]
        self._target, self._folder, self._interval = target, folder, interval
        self._rules = list(rules) or sorted(RULES.glob("*.yml"))
        self._ports = port or free_port(), free_port()
        self.url, self.alertmanager_url = (f"http://{HOST}:{one}" for one in self._ports)

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            self._start("alertmanager", self._programs[1], self._alertmanager(), stack)
            self._start("prometheus", self._programs[0], self._prometheus(), stack)
            self._wait(f"{self.alertmanager_url}/-/ready", "alertmanager")
            self._wait(f"{self.url}/-/ready", "prometheus")
            self._stack = stack.pop_all()
        return self

    def _prometheus(self) -> list[str]:
        interval = f"{int(self._interval * 1000)}ms"
        config = {
            "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
            "rule_files": [str(file.resolve()) for file in self._rules],
            "scrape_configs": [{"job_name": "lstm-stream", "static_configs": [{"targets": [self._target]}]}],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"{HOST}:{self._ports[1]}"]}]}]},
        }
        return [
            f"--config.file={self._written('prometheus.yml', config)}",
            f"--storage.tsdb.path={self._folder / 'prometheus'}",
            f"--web.listen-address={HOST}:{self._ports[0]}",
        ]

    def _alertmanager(self) -> list[str]:
        config = {
            "route": {"receiver": "page", "group_by": ["alertname"], "group_wait": "1s"},
            "receivers": [{"name": "page"}],
        }
        return [
            f"--config.file={self._written('alertmanager.yml', config)}",
            f"--storage.path={self._folder / 'alertmanager'}",
            f"--web.listen-address={HOST}:{self._ports[1]}",
            "--cluster.listen-address=",
        ]

    def _written(self, name: str, config: object) -> Path:
        file = self._folder / name
        file.write_bytes(msgspec.json.encode(config))  # JSON is YAML
        return file

    def _start(self, name: str, program: str, arguments: Sequence[str], stack: ExitStack) -> None:
        with open(self._folder / f"{name}.log", "wb") as log:
            process = subprocess.Popen(
                [program, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        stack.callback(_end, process)

    def _wait(self, url: str, name: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not _answers(url):
            if time.monotonic() > deadline:
                log = (self._folder / f"{name}.log").read_text(errors="replace").splitlines()
                last = log[-1] if log else "its log is empty"
                raise MonitoringError(f"{name} has not answered within {PATIENCE:.0f} s; its last words: {last}")
            time.sleep(0.1)

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def _program(names: Sequence[str]) -> str:
    found = [path for path in map(shutil.which, names) if path is not None]
    if not found:
        raise MonitoringError(
            f"`{names[0]}` is not on the PATH; install it (Debian: apt install prometheus prometheus-alertmanager),"
            " or leave out --monitoring"
        )
    return found[0]


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
