"""Files that derive from others: the chart's schema from the settings, its copies of rules and dashboards."""

import json
from pathlib import Path

from deploy.grafana.boards import BOARDS
from deploy.grafana.panels import written
from deploy.values_schema import values_schema

DEPLOY = Path(__file__).parent
CHART = DEPLOY / "helm" / "lstm-stream"


def derived() -> dict[Path, str]:
    """What each of these files has to hold.

    Helm reads nothing outside of a chart's folder, hence the copies.
    """
    return {**_schema(), **_rules(), **_dashboards()}


def _schema() -> dict[Path, str]:
    path = CHART / "values.schema.json"
    return {path: _json(values_schema(json.loads(path.read_text())))}


def _rules() -> dict[Path, str]:
    rules = [path for path in sorted((DEPLOY / "prometheus").glob("*.yml")) if "groups:" in path.read_text()]
    return {CHART / "files" / "rules" / path.name: path.read_text() for path in rules}


def _dashboards() -> dict[Path, str]:
    folders = (DEPLOY / "grafana" / "dashboards", CHART / "files" / "dashboards")
    return {folder / f"{board.uid}.json": written(board) for folder in folders for board in BOARDS}


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
