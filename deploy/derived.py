"""Files that derive from others: the sample of settings, tables of the manual, the chart's schema and copies."""

import json
from pathlib import Path

from deploy.grafana.boards import BOARDS
from deploy.grafana.panels import written
from deploy.values_schema import values_schema
from pipeline import dead_letters, metric_table, monitoring, settings

DEPLOY = Path(__file__).parent
CHART = DEPLOY / "helm" / "lstm-stream"


def derived() -> dict[Path, str]:
    """What each of these files has to hold.

    Helm reads nothing outside of a chart's folder, and a package has nothing outside of its own, hence the copies.
    """
    return {**_sample(), **_manual(), **_schema(), **_rules(), **_dashboards()}


def _sample() -> dict[Path, str]:
    return {DEPLOY / "lstm-stream.toml": settings.sample()}


def _manual() -> dict[Path, str]:
    path = DEPLOY / "README.md"
    text = path.read_text()
    for table in (settings.table(), metric_table.markdown(), dead_letters.markdown()):
        text = _with_table(text, table)
    return {path: text}


def _with_table(text: str, table: str) -> str:
    """Put a table in the place of the one with the same head."""
    head = "".join(table.splitlines(keepends=True)[:2])
    before, found, after = text.partition(head)
    if not found:
        raise ValueError(f"deploy/README.md has no table that begins with `{head.splitlines()[0]}`: put its head there")
    return before + table + after[after.index("\n\n") + 1 :]


def _schema() -> dict[Path, str]:
    path = CHART / "values.schema.json"
    return {path: _json(values_schema(json.loads(path.read_text())))}


def _rules() -> dict[Path, str]:
    rules = [path for path in sorted((DEPLOY / "prometheus").glob("*.yml")) if "groups:" in path.read_text()]
    folders = (CHART / "files" / "rules", monitoring.RULES)
    return {folder / path.name: path.read_text() for folder in folders for path in rules}


def _dashboards() -> dict[Path, str]:
    folders = (DEPLOY / "grafana" / "dashboards", CHART / "files" / "dashboards")
    return {folder / f"{board.uid}.json": written(board) for folder in folders for board in BOARDS}


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
