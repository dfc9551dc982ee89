"""Each alert fires where its fault is, keeps silent where it is not, and says where to look."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pipeline.cli import main
from pipeline.metric import PREFIX
from pipeline.metric_table import TABLE

RULES = Path(__file__).parent.parent / "deploy" / "prometheus"
RUNBOOK = RULES.parent / "README.md"
DASHBOARDS = {"overview", "quality", "series", "kafka"}
JOB = 'job="lstm-stream",instance="a:8000"'
HERE = f'{JOB},topic="events",partition="0"'
pytestmark = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool (Debian: prometheus) is not on the PATH"
)

Series = dict[str, str]
"""Values of samples a minute apart, in promtool's notation (`0+60x30`: 31 values that grow by 60), by series."""


class Case(NamedTuple):
    """What an alert is to see."""

    broken: Series
    healthy: Series
    minutes: int = 40


def own(name: str, labels: str, values: str) -> Series:
    return {f"{PREFIX}{name}{{{labels}}}": values}


def horizon(scored: str, covered: str, error: str = "0+10x60", last_value: str = "0+20x60") -> Series:
    of = f'{JOB},horizon="1"'
    return (
        own("scored_total", of, scored)
        | own("covered_total", of, covered)
        | own("absolute_error_total", f'{of},model="forecast"', error)
        | own("absolute_error_total", f'{of},model="last_value"', last_value)
        | own("nominal_coverage", JOB, "0.9x60")
    )


def surprises(below: str, all_of_them: str) -> Series:
    return own("surprise_bucket", f'{JOB},le="0.99"', below) | own("surprise_count", JOB, all_of_them)


COMMITTING = own("last_commit_timestamp_seconds", JOB, "0+60x60")
FAILING = own("last_commit_timestamp_seconds", JOB, "600x60")
CASES = {
    "LstmStreamDown": Case({f"up{{{JOB}}}": "1x10 0x40"}, {f"up{{{JOB}}}": "1x60"}),
    "LstmStreamAbsent": Case({'up{job="other"}': "1x60"}, {'up{job="shop/lstm-stream"}': "1x60"}),
    "LstmStreamForecastsStale": Case(
        FAILING | own("lag_records", HERE, "5x60") | own("up_to_date", JOB, "1x60"),
        FAILING | own("lag_records", HERE, "0x60") | own("up_to_date", JOB, "1x60"),  # nothing to do
    ),
    "LstmStreamLagGrowing": Case(own("lag_seconds", HERE, "0+30x60"), own("lag_seconds", HERE, "900-30x30 0x30", )),
    "LstmStreamPartitionStuck": Case(
        own("lag_records", HERE, "7x60") | own("next_offset", HERE, "100x60"),
        own("lag_records", HERE, "7x60") | own("next_offset", HERE, "100+60x60"),
    ),
    "LstmStreamPartitionUnowned": Case(
        own("partitions_assigned", JOB, "3x60") | own("input_partitions", JOB, "4x60"),
        own("partitions_assigned", JOB, "3x60")
        | own("partitions_assigned", 'job="lstm-stream",instance="b:8000"', "1x60")
        | own("input_partitions", JOB, "4x60"),
    ),
    "LstmStreamCoverageOff": Case(horizon("0+100x60", "0+70x60"), horizon("0+100x60", "0+92x60")),
    "LstmStreamWorseThanLastValue": Case(
        horizon("0+100x60", "0+90x60", error="0+60x60", last_value="0+50x60"),
        horizon("0+100x60", "0+90x60", error="0+40x60", last_value="0+50x60"),
        minutes=55,
    ),
    "LstmStreamDeadLetters": Case(
        own("dead_letters_total", f'{JOB},reason="not_json"', "0+20x60") | own("observations_total", JOB, "0+100x60"),
        own("dead_letters_total", f'{JOB},reason="not_json"', "0+1x60") | own("observations_total", JOB, "0+100x60"),
    ),
    "LstmStreamLosing": Case(
        own("losing", f'{HERE},what="late_or_repeated"', "1x60"),
        own("losing", f'{HERE},what="late_or_repeated"', "1x10 0x50"),
    ),
    "LstmStreamRecordsLost": Case(
        own("broker_errors_total", f'{JOB},error="records_lost"', "0x35 1x25"),
        own("broker_errors_total", f'{JOB},error="records_lost"', "1x60")
        | own("broker_errors_total", f'{JOB},error="NodeNotReadyError"', "0+9x60"),
    ),
    "LstmStreamCheckpointsFailing": Case(
        own("checkpoint_failures_total", JOB, "0x20 1+1x40"), own("checkpoint_failures_total", JOB, "0x5 1x55")
    ),
    "LstmStreamCheckpointsOld": Case(
        own("checkpoint_age_seconds", JOB, "0+60x60"), own("checkpoint_age_seconds", JOB, "30x60")
    ),
    "LstmStreamDriftStorm": Case(own("drifts_total", HERE, "0+1x60"), own("drifts_total", HERE, "0x20 3x40")),
    "LstmStreamCrashLoop": Case(
        own("start_timestamp_seconds", JOB, "100x29 1740 1800 1860 1920 1980x30"),
        own("start_timestamp_seconds", JOB, "100x29 1800x31"),  # a deploy
    ),
    "LstmStreamAnomalies": Case(surprises("0+80x60", "0+100x60"), surprises("0+99x60", "0+100x60")),
    "LstmStreamModelFaults": Case(own("faults_total", HERE, "0x35 1x25"), own("faults_total", HERE, "0x60")),
    "LstmStreamAborts": Case(
        own("aborts_total", f'{JOB},reason="failed"', "0+30x60") | own("commits_total", JOB, "0+60x60"),
        own("aborts_total", f'{JOB},reason="fenced"', "0x20 1x40") | own("commits_total", JOB, "0+60x60"),
    ),
    "LstmStreamInputSilent": Case(
        own("records_total", JOB, "0+60x15 900x60"), own("records_total", JOB, "0x60")  # none yet is no silence
    ),
}  # fmt: skip


class Alert(NamedTuple):
    """As it is written."""

    name: str
    text: str


def alerts() -> list[Alert]:
    """Those of the file; it is our own, so that its layout may be relied on."""
    text = (RULES / "alerts.yml").read_text()
    return [Alert(part.split("\n", 1)[0], part) for part in text.split("      - alert: ")[1:]]


ALERTS = alerts()
NAMES = [one.name for one in ALERTS]


def test_there_is_a_case_for_each_alert() -> None:
    assert list(CASES) == NAMES


def promtool(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, check=False)


def test_promtool_takes_the_rules() -> None:
    done = promtool("check", "rules", RULES / "recording.yml", RULES / "alerts.yml")
    assert done.returncode == 0, done.stderr


def told(name: str, series: Series, minutes: int, firing: int) -> dict[str, Any]:
    """A test for promtool: so many of the alert fire at that minute."""
    expression = f'count(ALERTS{{alertname="{name}",alertstate="firing"}})'
    samples = [{"labels": "{}", "value": firing}] if firing else []
    return {
        "interval": "1m",
        "input_series": [{"series": one, "values": values} for one, values in series.items()],
        "promql_expr_test": [{"expr": expression, "eval_time": f"{minutes}m", "exp_samples": samples}],
    }


@pytest.mark.parametrize("name", CASES)
def test_it_fires_where_its_fault_is_and_nowhere_else(name: str, tmp_path: Path) -> None:
    case, file = CASES[name], tmp_path / "test.yml"
    tests = [told(name, case.broken, case.minutes, 1), told(name, case.healthy, case.minutes, 0)]
    rules = [str(RULES / file) for file in ("recording.yml", "alerts.yml")]
    file.write_text(json.dumps({"rule_files": rules, "evaluation_interval": "1m", "tests": tests}))
    done = promtool("test", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", ALERTS, ids=NAMES)
def test_it_says_how_bad_it_is_and_where_to_look(alert: Alert) -> None:
    assert re.search(r"labels: {severity: (critical|warning|info)}\n", alert.text)
    assert re.search(r'summary: ".{20,}"\n', alert.text)
    assert "description: >-\n" in alert.text
    (board,) = re.findall(r'dashboard: "/d/lstm-stream-(\w+)\?var-job={{ \$labels\.job }}"', alert.text)
    assert board in DASHBOARDS
    assert f'runbook_url: "deploy/README.md#{alert.name.lower()}"' in alert.text


@pytest.mark.parametrize("name", NAMES)
def test_the_runbook_has_an_entry_for_it(name: str) -> None:
    entry = RUNBOOK.read_text().partition(f"\n### {name}\n")[2].partition("\n##")[0]
    for question in ("**What it means.**", "**Look at.**", "**Do.**"):
        assert question in entry


def test_the_runbook_names_metrics_and_commands_that_there_are() -> None:
    text = RUNBOOK.read_text()
    known = {PREFIX + one.name for one in TABLE}
    assert set(re.findall(rf"\b{PREFIX}\w+", text)) <= known
    assert set(re.findall(r"`lstm-stream ([\w-]+)", text)) <= set(main.commands)


def test_the_rules_ask_only_for_metrics_that_there_are() -> None:
    endings = {"histogram": ("_bucket", "_count", "_sum")}
    known = {f"{PREFIX}{one.name}{end}" for one in TABLE for end in endings.get(one.kind, ("",))}
    text = "".join(file.read_text() for file in sorted(RULES.glob("*.yml")))
    assert set(re.findall(rf"\b{PREFIX}\w+\b(?!:)", text)) <= known
    recorded = set(re.findall(r"record: (\S+)", text))
    assert set(re.findall(r"lstm_stream:\w+:\w+", text)) == recorded
