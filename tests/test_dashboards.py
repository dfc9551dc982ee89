"""Laws of the dashboards: fresh, explained, and each of their expressions has data on a real Prometheus."""

import json
import math
import re
import shutil
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from deploy.grafana.boards import BOARDS
from deploy.grafana.panels import PAGE, SERIES, Board, Panel, written
from pipeline.embedded import EmbeddedBroker, free_port
from pipeline.metric import PREFIX
from pipeline.metric_table import TABLE
from pipeline.settings import Metrics, Settings, Web
from tests.members import Member, settings_for, write
from tests.servers import wait_until

PANELS = [
    pytest.param(panel, id=f"{board.uid}: {panel.title}")
    for board in BOARDS
    for row in board.rows
    for panel in row.panels
]
DECLARED = {PREFIX + metric.name for metric in TABLE}
CHOSEN = {"job": ".*", "step": "1", "series": "series-1"}


def asked(expression: str) -> set[str]:
    """The metrics of ours that an expression names, a histogram by its own name."""
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(rf"{PREFIX}\w+", expression)}


def filled(expression: str) -> str:
    """The expression as Grafana sends it."""
    expression = expression.replace("$__rate_interval", "30s")
    for name, value in CHOSEN.items():
        expression = expression.replace(f"${name}", value)
    return expression


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_says_how_healthy_looks(panel: Panel) -> None:
    assert "Healthy: " in panel.description
    assert panel.queries


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_asks_for_metrics_that_are_declared(panel: Panel) -> None:
    for expression, _ in panel.queries:
        assert asked(expression) <= DECLARED


@pytest.mark.parametrize("panel", PANELS)
def test_a_line_of_one_process_leads_to_its_page_and_one_of_a_series_to_its_dashboard(panel: Panel) -> None:
    legends = [legend for _, legend in panel.queries]
    leads = PAGE if any("{{instance}}" in one for one in legends) else SERIES if "{{series}}" in legends else None
    assert panel.link == leads


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_grafana_gets_what_it_needs(board: Board) -> None:
    document = json.loads(written(board))
    panels = [panel for panel in document["panels"] if panel["type"] != "row"]
    assert len(panels) == sum(len(row.panels) for row in board.rows)
    assert len({panel["id"] for panel in panels if "id" in panel}) in (0, len(panels))
    for panel in panels:
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
    names = {variable["name"] for variable in document["templating"]["list"]}
    used = set(re.findall(r"\$\{?(?!__)(\w+)", json.dumps(panels)))
    assert used <= names


def test_each_dashboard_has_its_own_address() -> None:
    assert [board.uid for board in BOARDS] == [
        "lstm-stream-overview",
        "lstm-stream-quality",
        "lstm-stream-series",
        "lstm-stream-kafka",
    ]


class Prometheus:
    """A real one that asks a daemon each second."""

    def __init__(self, target: int, folder: Path) -> None:
        self.port, self._target, self._folder = free_port(), target, folder

    def __enter__(self) -> "Prometheus":
        scrape = {"job_name": "lstm-stream", "static_configs": [{"targets": [f"127.0.0.1:{self._target}"]}]}
        config = {"global": {"scrape_interval": "1s"}, "scrape_configs": [scrape]}
        (self._folder / "prometheus.yml").write_text(json.dumps(config))
        self._process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={self._folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={self._folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._is_ready, "Prometheus to be ready")
        return self

    def _is_ready(self) -> bool:
        """Whether it answers questions; while it starts it refuses them."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=10) as answer:
                return bool(answer.status == 200)
        except OSError:  # an HTTPError is one
            return False

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def has_data(self, expression: str) -> bool:
        """Whether it answers with a number that is one."""
        return any(not math.isnan(value) for value in self.values(expression))

    def values(self, expression: str) -> list[float]:
        """The numbers that it answers with now."""
        question = urllib.parse.urlencode({"query": expression})
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/query?{question}", timeout=10) as answer:
                told: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{expression}: {error.read().decode()}") from error
        except OSError:
            return []
        return [float(one["value"][1]) for one in told["data"]["result"]]


@pytest.fixture(scope="module")
def prometheus(tansu: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Watches a daemon under a little load, with late, repeated and bad records."""
    folder = tmp_path_factory.mktemp("dashboards")
    settings = structs.replace(
        settings_for(tansu, "dashboards", folder), web=Web(port=free_port()), metrics=Metrics(top=20)
    )
    ended = threading.Event()
    load = threading.Thread(target=keep_writing, args=(settings, ended))
    with Member(settings, folder, "daemon"), Prometheus(settings.web.port, folder) as watching:
        load.start()
        try:
            yield watching
        finally:
            ended.set()
            load.join()


def keep_writing(settings: Settings, ended: threading.Event) -> None:
    step = 0
    while not ended.wait(0.3):
        write(settings, range(step, step + 20))
        step += 19  # the last step comes again: repeated


@pytest.mark.skipif(not shutil.which("prometheus"), reason="prometheus is not installed")
@pytest.mark.parametrize("panel", PANELS)
def test_prometheus_has_data_for_each_expression(panel: Panel, prometheus: Prometheus) -> None:
    for expression, _ in panel.queries:
        sent = filled(expression)
        wait_until(partial(prometheus.has_data, sent), f"data for {sent}", patience=60.0)
