"""What the README and the other documents say is what the code does."""

import doctest
import json
import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from pipeline import dead_letters, metric_table, settings
from pipeline.cli import main
from pipeline.messages import decode_forecast
from pipeline.metric import PREFIX

TOP = Path(__file__).parent.parent
README = (TOP / "README.md").read_text()
MANUAL = (TOP / "deploy" / "README.md").read_text()
DOCUMENTS = [TOP / folder / "README.md" for folder in (".", "deploy", "lstm_stream", "tests/benchmarks")]
EACH = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(TOP)))


@pytest.mark.parametrize(
    "table",
    [settings.table(), metric_table.markdown(), dead_letters.markdown()],
    ids=["settings", "metrics", "reasons"],
)
def test_the_manuals_tables_are_those_of_the_code(table: str) -> None:
    assert f"\n\n{table}\n" in MANUAL, "python -m deploy"


def test_the_settings_that_it_gives_for_a_topic_are_such() -> None:
    rows = MANUAL.partition("| your topic looks like |")[2].partition("\n\n")[0]
    given = re.findall(r"`(\w+ = .*?)`(?=[,;|\s])", "\n".join(row.rpartition(" | ")[2] for row in rows.splitlines()))
    assert len(given) > 20
    for text in given:
        assert msgspec.convert(tomllib.loads(text), settings.Events, strict=True) != settings.Events(), text


def test_its_examples_run() -> None:
    examples = doctest.DocTestParser().get_doctest(README, {}, "README.md", "README.md", 0)
    assert examples.examples
    assert doctest.DocTestRunner().run(examples).failed == 0


def test_the_forecast_it_shows_is_one() -> None:
    shown = next(block for block in re.findall(r"```json\n(.*?)```", README, re.DOTALL) if '"quantiles"' in block)
    message = decode_forecast(json.dumps(json.loads(shown)).encode())
    assert message.horizon == len(message.mean) == 3


@EACH
def test_the_files_a_document_names_are_there(document: Path) -> None:
    named = re.findall(r"`((?:lstm_stream|pipeline|deploy|tests)/[\w/.-]*)`", document.read_text())
    assert [name for name in named if not (TOP / name).exists()] == []


def test_the_readme_and_the_models_page_name_files() -> None:
    for folder in (".", "lstm_stream"):
        assert len(re.findall(r"`lstm_stream/\w+\.py`", (TOP / folder / "README.md").read_text())) > 3


@EACH
def test_each_link_leads_to_a_file_and_to_a_heading_in_it(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", document.read_text())
    for path, anchor in links:
        target = document.parent / path if path else document
        assert target.is_file(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"


def anchors(document: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a document."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@EACH
def test_each_module_that_a_document_runs_is_there(document: Path) -> None:
    for name in re.findall(r"python -m ((?:tests|deploy|pipeline|lstm_stream)[\w.]*)", document.read_text()):
        path = TOP / name.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), name


@EACH
def test_each_settings_file_that_a_document_shows_is_one(document: Path, tmp_path: Path) -> None:
    secret, file = tmp_path / "secret", tmp_path / "lstm-stream.toml"
    secret.write_text("a-secret")
    for block in re.findall(r"```toml\n(.*?)```", document.read_text(), re.DOTALL):
        file.write_text(re.sub(r'_file = ".*?"', f'_file = "{secret}"', block))
        assert settings.load(str(file), {}, []) != settings.Settings()


@EACH
def test_each_setting_and_metric_that_a_document_names_is_one(document: Path) -> None:
    text = document.read_text()
    known = {f"{section}.{key}" for section, keys in msgspec.to_builtins(settings.Settings()).items() for key in keys}
    known |= {f"{name}_file" for name in known}
    named = re.findall(r"`((?:kafka|events|model|delivery|checkpoints|web|metrics|log)\.[a-z_]+\w)(?=[` =])", text)
    assert [name for name in named if name not in known] == []
    named = re.findall(rf"\b{PREFIX}(\w+?)(?:_bucket|_count|_sum)?\b(?!\.)", text)
    assert [name for name in named if name not in {one.name for one in metric_table.TABLE}] == []


def test_each_command_it_names_exists_and_none_is_missing() -> None:
    named = set(re.findall(r"^\| `lstm-stream ([\w-]+)", README, re.MULTILINE))
    assert named == set(main.commands)
