"""Laws of what is deployed: each file says what the settings, the package and the other files say."""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

import pytest

from pipeline.code_cache import VARIABLE
from pipeline.compiling import SECONDS
from pipeline.settings import Settings, load, sample

TOP = Path(__file__).parent.parent
DEPLOY = TOP / "deploy"
PACKAGE = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
MINE = ("topics", "lstm-stream", "producer")  # the services of the compose file that run our image

Service = Mapping[str, "str | Sequence[str] | Mapping[str, object]"]


@pytest.fixture
def yaml() -> ModuleType:
    module = pytest.importorskip("yaml", reason="PyYAML is not installed: the compose file is not read")
    assert isinstance(module, ModuleType)
    return module


class Compose:
    """The compose file, as far as it concerns us."""

    def __init__(self, yaml: ModuleType) -> None:
        document = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
        self.services: dict[str, Service] = document["services"]
        self.volumes: set[str] = set(document["volumes"])
        self.prometheus: object = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())

    def strings(self, service: str, key: str) -> list[str]:
        found = self.services[service].get(key, [])
        assert isinstance(found, list)
        return [str(one) for one in found]

    def table(self, service: str, key: str) -> dict[str, str]:
        found = self.services[service].get(key, {})
        assert isinstance(found, dict)
        return {str(name): str(value) for name, value in found.items()}

    def mounts(self, service: str) -> dict[str, str]:
        """What lies at each path of the container: a volume's name or a file of ours."""
        parts = [mount.split(":") for mount in self.strings(service, "volumes")]
        return {path: source for source, path, *_ in parts}


@pytest.fixture
def compose(yaml: ModuleType) -> Compose:
    return Compose(yaml)


def dockerfile(instruction: str) -> list[str]:
    """The arguments of each such instruction."""
    joined = re.sub(r"\\\n\s*", "", (DEPLOY / "Dockerfile").read_text())
    return [line.split(maxsplit=1)[1] for line in joined.splitlines() if line.startswith(f"{instruction} ")]


def image_environment() -> dict[str, str]:
    return dict(re.findall(r'(LSTM_STREAM_\w+)="?([^\s"]*)', " ".join(dockerfile("ENV"))))


def unit(key: str) -> list[str]:
    """The values of each such line of the systemd unit."""
    lines = (DEPLOY / "lstm-stream.service").read_text().splitlines()
    return [line.partition("=")[2] for line in lines if line.startswith(f"{key}=")]


def test_the_sample_file_is_what_the_settings_say() -> None:
    write = "from pipeline.settings import sample; print(sample(), end='')"
    assert (DEPLOY / "lstm-stream.toml").read_text() == sample(), f'python -c "{write}" > deploy/lstm-stream.toml'


def test_the_image_runs_our_command_as_nobody_special() -> None:
    assert dockerfile("ENTRYPOINT") == [f'["{next(iter(PACKAGE["scripts"]))}"]']
    (user,) = dockerfile("USER")
    assert int(user) > 1000


def test_no_image_is_of_a_moving_version(compose: Compose) -> None:
    others = [str(service["image"]) for service in compose.services.values()]
    for image in [*(line.split()[0] for line in dockerfile("FROM")), *others]:
        assert re.search(r":v?\d+\.\d+", image), f"{image}: name a version"


def test_the_image_has_a_python_that_the_package_takes() -> None:
    (version,) = {tuple(map(int, re.findall(r"\d+", line)[:2])) for line in dockerfile("FROM")}
    assert version >= tuple(map(int, re.findall(r"\d+", PACKAGE["requires-python"])))


def test_the_image_is_built_of_files_that_exist_and_are_sent() -> None:
    sources = [part for line in dockerfile("COPY") if "--from" not in line for part in line.split()[:-1]]
    sent = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    for source in sources:
        assert (TOP / source).exists()
        assert f"!{source}" in sent


def test_the_image_is_healthy_when_the_daemons_port_says_so() -> None:
    (check,) = dockerfile("HEALTHCHECK")
    assert f"http://127.0.0.1:{Settings().web.port}/healthz" in check
    assert dockerfile("EXPOSE") == [str(Settings().web.port)]


def test_the_image_keeps_checkpoints_where_the_settings_look_for_them(compose: Compose) -> None:
    (home,) = dockerfile("WORKDIR")[1:]
    folder = f"{home}/{Settings().checkpoints.url}"
    assert any(folder in line for line in dockerfile("RUN"))
    assert compose.mounts("lstm-stream")[folder] in compose.volumes


def test_containers_set_only_settings_that_exist(compose: Compose) -> None:
    for service in MINE:
        environment = image_environment() | compose.table(service, "environment")
        chosen = load(str(DEPLOY / "lstm-stream.toml"), environment, [])
        assert chosen.web.host == "0.0.0.0", "else nobody outside the container is answered"
        assert chosen.web.port == Settings().web.port


def test_the_daemon_finds_the_broker_where_it_says_it_is(compose: Compose) -> None:
    kafka = compose.table("kafka", "environment")
    chosen = load(None, compose.table("lstm-stream", "environment"), [])
    assert f"INSIDE://{chosen.kafka.bootstrap_servers}" in kafka["KAFKA_ADVERTISED_LISTENERS"].split(",")
    assert f"INSIDE://:{chosen.kafka.bootstrap_servers.partition(':')[2]}" in kafka["KAFKA_LISTENERS"].split(",")
    assert compose.mounts("kafka")[kafka["KAFKA_LOG_DIRS"]] in compose.volumes


def test_this_machine_finds_the_broker_at_the_default_address(compose: Compose) -> None:
    default = Settings().kafka.bootstrap_servers
    assert f"OUTSIDE://{default}" in compose.table("kafka", "environment")["KAFKA_ADVERTISED_LISTENERS"].split(",")
    port = default.partition(":")[2]
    assert compose.strings("kafka", "ports") == [f"127.0.0.1:{port}:{port}"]


def test_every_mounted_file_and_volume_exists(compose: Compose) -> None:
    sources = [source for service in compose.services for source in compose.mounts(service).values()]
    assert {source for source in sources if not source.startswith(".")} == compose.volumes
    assert all((DEPLOY / source).exists() for source in sources if source.startswith("."))


def test_commands_read_a_settings_file_that_is_mounted(compose: Compose) -> None:
    for service in ("topics", "lstm-stream"):
        command = compose.strings(service, "command")
        assert compose.mounts(service)[command[command.index("-c") + 1]] == "./lstm-stream.toml"


def test_the_daemon_starts_when_the_broker_and_the_topics_are_there(compose: Compose) -> None:
    assert compose.services["topics"]["depends_on"] == {"kafka": {"condition": "service_healthy"}}
    assert compose.services["lstm-stream"]["depends_on"] == {"topics": {"condition": "service_completed_successfully"}}
    assert "healthcheck" in compose.services["kafka"]


def test_the_image_is_named_by_the_packages_version(compose: Compose) -> None:
    assert {str(compose.services[service]["image"]) for service in MINE} == {f"lstm-stream:{PACKAGE['version']}"}
    assert f"## {PACKAGE['version']}\n" in (TOP / "CHANGELOG.md").read_text()


def test_the_image_is_built_from_the_top(compose: Compose) -> None:
    build = compose.table("lstm-stream", "build")
    assert (DEPLOY / build["context"]).resolve() == TOP.resolve()
    assert (TOP / build["dockerfile"]).is_file()


def test_prometheus_asks_every_worker_at_its_port(compose: Compose) -> None:
    everyone = {"names": ["lstm-stream"], "type": "A", "port": Settings().web.port, "refresh_interval": "5s"}
    assert isinstance(compose.prometheus, dict)
    assert compose.prometheus["scrape_configs"] == [{"job_name": "lstm-stream", "dns_sd_configs": [everyone]}]
    assert "lstm-stream" in compose.services


def test_prometheus_finds_alertmanager_and_grafana_finds_prometheus(yaml: ModuleType, compose: Compose) -> None:
    assert isinstance(compose.prometheus, dict)
    assert compose.prometheus["alerting"]["alertmanagers"] == [{"static_configs": [{"targets": ["alertmanager:9093"]}]}]
    source = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yaml").read_text())["datasources"][0]
    assert source["url"] == "http://prometheus:9090"
    assert source["jsonData"]["timeInterval"] == compose.prometheus["global"]["scrape_interval"]
    assert {"alertmanager", "prometheus", "grafana"} <= compose.services.keys()


def test_prometheus_reads_the_rules_from_where_they_are_mounted(compose: Compose) -> None:
    assert isinstance(compose.prometheus, dict)
    (files,) = compose.prometheus["rule_files"]
    mounts = compose.mounts("prometheus")
    assert mounts[f"/etc/prometheus/{Path(files).parent}"] == f"./{Path(files).parent}"
    assert "/etc/prometheus/prometheus.yml" in mounts


def test_grafana_finds_the_dashboards(yaml: ModuleType, compose: Compose) -> None:
    provider = yaml.safe_load((DEPLOY / "grafana/provisioning/dashboards/lstm-stream.yaml").read_text())["providers"][0]
    folder = compose.mounts("grafana")[provider["options"]["path"]]
    home = compose.table("grafana", "environment")["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (DEPLOY / folder / Path(home).name).is_file()


def test_the_demo_starts_only_when_it_is_asked_for(compose: Compose) -> None:
    assert [name for name, service in compose.services.items() if "profiles" in service] == ["producer"]


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool (Debian: prometheus) is not installed")
def test_prometheus_takes_its_file() -> None:
    subprocess.run(["promtool", "check", "config", DEPLOY / "prometheus.yml"], check=True, capture_output=True)


def test_the_unit_starts_our_command_and_gives_up_only_on_wrong_settings() -> None:
    (start,) = unit("ExecStart")
    program, *arguments = start.split()
    assert Path(program).name in PACKAGE["scripts"]
    assert arguments == ["run", "-c", "/etc/lstm-stream/lstm-stream.toml"]
    assert unit("Restart") == ["always"]
    assert unit("RestartPreventExitStatus") == ["2"]


def test_the_image_holds_compiled_code_where_its_user_can_write() -> None:
    (folder,) = re.findall(rf"{VARIABLE}=(\S+)", " ".join(dockerfile("ENV")))
    (line,) = [line for line in dockerfile("RUN") if "lstm-stream compile" in line]
    assert f"chown -R lstm-stream {folder}" in line
    text = (DEPLOY / "Dockerfile").read_text()
    assert text.index(VARIABLE) < text.index(line.split(" && ")[0]) < text.index("\nUSER ")


def test_a_container_that_cannot_write_has_a_place_for_a_copy_of_compiled_code(compose: Compose) -> None:
    assert str(compose.services["lstm-stream"]["read_only"]) == "True"
    assert compose.strings("lstm-stream", "tmpfs") == ["/tmp"]


def test_the_unit_compiles_before_it_starts_in_a_folder_of_its_own() -> None:
    program = unit("ExecStart")[0].split()[0]
    assert unit("ExecStartPre") == [f"-{program} compile"]  # where it fails, `run` compiles
    assert unit("Environment") == [f"{VARIABLE}=%C/{unit('CacheDirectory')[0]}"]
    assert int(unit("TimeoutStartSec")[0]) > 10 * SECONDS


def test_the_unit_keeps_checkpoints_in_its_state_directory() -> None:
    assert unit("WorkingDirectory") == [f"%S/{unit('StateDirectory')[0]}"]
    assert not Path(Settings().checkpoints.url).is_absolute()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
@pytest.mark.parametrize("check", [["verify"], ["security", "--offline=true", "--threshold=20"]])
def test_systemd_takes_the_unit_and_finds_it_little_exposed(tmp_path: Path, check: list[str]) -> None:
    file = tmp_path / "lstm-stream.service"
    text = (DEPLOY / "lstm-stream.service").read_text()
    file.write_text(text.replace(unit("ExecStart")[0].split()[0], "/bin/true"))
    done = subprocess.run(["systemd-analyze", *check, file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lstm-stream.service:" not in done.stderr, done.stderr


def test_the_package_brings_along_what_lies_beside_its_code() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["setuptools"]
    brought = {
        path
        for name, patterns in project["package-data"].items()
        for one in patterns
        for path in (TOP / name).glob(one)
    }
    beside = {
        path
        for name in ("pipeline", "lstm_stream")
        for path in (TOP / name).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".md") and "__pycache__" not in path.parts
    }
    assert beside <= brought
    folders = {
        path.parent.relative_to(TOP) for name in ("pipeline", "lstm_stream") for path in (TOP / name).rglob("*.py")
    }
    assert {".".join(one.parts) for one in folders} == set(project["packages"])
