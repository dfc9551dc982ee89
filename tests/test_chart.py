"""Laws of the Helm chart: it renders what Kubernetes takes, refuses wrong values, and says what the settings say."""

import json
import os
import shutil
import subprocess
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from deploy.derived import CHART, DEPLOY, derived
from pipeline.cli import main
from pipeline.settings import Settings, load

TOP = Path(__file__).parent.parent
HELM = shutil.which(os.environ.get("HELM", "helm"))
KUBERNETES = "1.33"
EXAMPLES = sorted((DEPLOY / "helm" / "examples").glob("*.yaml"))
OPERATORS = {"PodMonitor", "PrometheusRule", "ScaledObject"}  # their schemas are not Kubernetes' own
HARDENED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}

Document = dict[str, Any]

helm_only = pytest.mark.skipif(HELM is None, reason="helm is neither on the PATH nor named by the variable HELM")


def helm(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    assert HELM is not None
    given = [HELM, *command, "--kube-version", f"{KUBERNETES}.0"]
    return subprocess.run(given, capture_output=True, text=True, check=False)


def rendered(values: Mapping[str, object] | Path, folder: Path) -> list[Document]:
    """What `helm template` makes of a file of values, or of values."""
    file = values if isinstance(values, Path) else folder / "values.json"
    if not isinstance(values, Path):
        file.write_text(json.dumps(values))
    done = helm(["template", "release", str(CHART), "-f", str(file)])
    assert done.returncode == 0, done.stderr
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def refusal(values: Mapping[str, object], folder: Path) -> str:
    """What Helm says against values."""
    file = folder / "wrong.json"
    file.write_text(json.dumps(values))
    done = helm(["template", "release", str(CHART), "-f", str(file)])
    assert done.returncode != 0, f"{values} is taken"
    return done.stderr


def only(documents: Sequence[Document], kind: str) -> Document:
    (found,) = [one for one in documents if one["kind"] == kind]
    return found


def pods(documents: Sequence[Document]) -> Iterator[Document]:
    """The specification of each pod: the daemon's and the test's."""
    yield only(documents, "StatefulSet")["spec"]["template"]["spec"]
    yield only(documents, "Pod")["spec"]


def containers(documents: Sequence[Document]) -> Iterator[Document]:
    for pod in pods(documents):
        yield from (*pod.get("initContainers", []), *pod["containers"])


def daemon(documents: Sequence[Document]) -> Document:
    (found,) = only(documents, "StatefulSet")["spec"]["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def settings_of(documents: Sequence[Document], folder: Path) -> Settings:
    """The settings that the daemon comes to in its pod."""
    file = folder / "lstm-stream.toml"
    told = [one["data"] for one in documents if one["kind"] == "ConfigMap"]
    (text,) = [data["lstm-stream.toml"] for data in told if "lstm-stream.toml" in data]
    file.write_text(text)
    plain = {one["name"]: one.get("value", "a-secret") for one in daemon(documents)["env"]}
    return load(str(file), plain, [])


def test_what_derives_from_other_files_is_fresh() -> None:
    for path, text in derived().items():
        assert path.read_text() == text, f"python -m deploy writes {path.relative_to(TOP)}"


def test_the_charts_version_is_the_packages() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    package = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["version"]
    assert (chart["version"], chart["appVersion"]) == (package, package)


@helm_only
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_helm_has_nothing_against_it(example: Path) -> None:
    done = helm(["lint", "--strict", str(CHART), "-f", str(example)])
    assert done.returncode == 0, done.stdout + done.stderr


@helm_only
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_kubernetes_takes_what_it_renders(example: Path, tmp_path: Path) -> None:
    documents = rendered(example, tmp_path)
    assert {one["kind"] for one in documents} >= {"StatefulSet", "Service", "ConfigMap", "Pod", "PodDisruptionBudget"}
    for document in documents:
        if document["kind"] not in OPERATORS:
            kubernetes_validate.validate(document, KUBERNETES, strict=True)


@helm_only
def test_what_kubernetes_does_not_take_is_seen(tmp_path: Path) -> None:
    wrong = only(rendered(EXAMPLES[0], tmp_path), "StatefulSet")
    wrong["spec"]["template"]["spec"]["containers"][0]["livenessProbe"]["period"] = 3
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES, strict=True)


@helm_only
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_daemon_takes_the_settings_that_it_renders(example: Path, tmp_path: Path) -> None:
    chosen, given = settings_of(rendered(example, tmp_path), tmp_path), yaml.safe_load(example.read_text())["settings"]
    assert chosen.kafka.bootstrap_servers == given["kafka"]["bootstrap_servers"]
    assert chosen.web.host == "0.0.0.0"
    for section, keys in given.items():
        for key, value in keys.items():
            found = getattr(getattr(chosen, section), key)
            assert (list(found) if isinstance(found, tuple) else found) == value


@helm_only
def test_text_of_any_kind_reaches_the_daemon_as_it_is(tmp_path: Path) -> None:
    odd = r"""{name}<&>'"\é""" + "\u2028 {tags.host}"
    values = {
        "settings": {"kafka": {"bootstrap_servers": "k:1"}, "events": {"missing": ["#", "a\nb", odd, "{{ .x }}"]}}
    }
    assert settings_of(rendered(values, tmp_path), tmp_path).events.missing == ("#", "a\nb", odd, "{{ .x }}")


KAFKA = {"bootstrap_servers": "kafka:9092"}
WRONG: dict[str, tuple[Mapping[str, object], str]] = {
    "a key that is none": ({"settings": {"kafka": KAFKA, "model": {"horizn": 3}}}, "horizn"),
    "a section that is none": ({"settings": {"kafka": KAFKA, "modell": {}}}, "modell"),
    "out of range": ({"settings": {"kafka": KAFKA, "model": {"horizon": 0}}}, "horizon"),
    "not one of the choices": ({"settings": {"kafka": {**KAFKA, "assignor": "random"}}}, "assignor"),
    "a number for a text": ({"settings": {"kafka": {**KAFKA, "group": 7}}}, "group"),
    "a password": ({"settings": {"kafka": {**KAFKA, "sasl_password": "secret"}}}, "sasl_password"),
    "a runbook that is no URL": ({"prometheusRule": {"runbook": "deploy/README.md"}}, "runbook"),
    "a token": ({"settings": {"kafka": KAFKA, "web": {"token": "of-the-port"}}}, "token"),
    "a certificate that no pod has": ({"settings": {"kafka": KAFKA, "web": {"tls_certfile": "a.pem"}}}, "tls_certfile"),
    "a certificate without a name of its file": ({"secrets": {"webCertificate": {"name": "a", "key": ""}}}, "key"),
    "what the chart sets": ({"settings": {"kafka": {**KAFKA, "instance": "a"}}}, "instance"),
    "a value that is none": ({"replica": 3}, "replica"),
    "fewer pods than none": ({"replicas": -1}, "replicas"),
    "a folder for a URL": ({"checkpoints": {"url": "/data"}}, "url"),
    "no disruption at all": ({"podDisruptionBudget": {"maxUnavailable": 0}}, "maxUnavailable"),
    "no member": ({"keda": {"enabled": True, "minReplicas": 0}}, "minReplicas"),
    "a variable with a dash": ({"environment": {"AWS-REGION": "x"}}, "AWS-REGION"),
}


@helm_only
@pytest.mark.parametrize("case", WRONG)
def test_wrong_values_are_refused_by_name(case: str, tmp_path: Path) -> None:
    values, name = WRONG[case]
    assert name in refusal(values, tmp_path)


@helm_only
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_no_container_may_more_than_it_has_to(example: Path, tmp_path: Path) -> None:
    documents = rendered(example, tmp_path)
    for pod in pods(documents):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
    assert [one["securityContext"] for one in containers(documents)] == [HARDENED] * len(list(containers(documents)))


@helm_only
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_containers_run_commands_that_exist(example: Path, tmp_path: Path) -> None:
    for container in containers(rendered(example, tmp_path)):
        command, *arguments = container["args"]
        known = {flag for option in main.commands[command].params for flag in option.opts}
        assert {one for one in arguments if one.startswith("-")} <= known


@helm_only
def test_a_pod_is_a_static_member_under_its_own_name(tmp_path: Path) -> None:
    named = {one["name"]: one for one in daemon(rendered(EXAMPLES[0], tmp_path))["env"]}
    assert named["LSTM_STREAM_KAFKA__INSTANCE"]["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}


@helm_only
def test_other_settings_start_the_pods_again(tmp_path: Path) -> None:
    marks = [
        only(rendered({"settings": {"kafka": {**KAFKA, "group": group}}}, tmp_path), "StatefulSet")
        for group in ("a", "a", "b")
    ]
    sums = [one["spec"]["template"]["metadata"]["annotations"]["checksum/settings"] for one in marks]
    assert sums[0] == sums[1] != sums[2]


@helm_only
def test_checkpoints_have_one_place(tmp_path: Path) -> None:
    places: dict[str, Mapping[str, str]] = {
        "own": {},
        "shared": {"existingClaim": "claim"},
        "store": {"url": "s3://bucket/path"},
    }
    for name, values in places.items():
        documents = rendered({"checkpoints": values}, tmp_path)
        workload = only(documents, "StatefulSet")["spec"]
        volumes = [one for one in workload["template"]["spec"]["volumes"] if one["name"] == "checkpoints"]
        mounted = [one for one in daemon(documents)["volumeMounts"] if one["name"] == "checkpoints"]
        counted = (len(workload.get("volumeClaimTemplates", [])), len(volumes), len(mounted))
        assert counted == {"own": (1, 0, 1), "shared": (0, 1, 1), "store": (0, 0, 0)}[name]
        url = settings_of(documents, tmp_path).checkpoints.url
        assert url == values.get("url", "/var/lib/lstm-stream/checkpoints")
        assert not mounted or mounted[0]["mountPath"] == url


@helm_only
def test_weights_are_mounted_from_a_config_map_and_the_settings_name_them(tmp_path: Path) -> None:
    documents = rendered({"weights": {"configMap": "mine"}}, tmp_path)
    weights = settings_of(documents, tmp_path).model.weights
    (mount,) = [one for one in daemon(documents)["volumeMounts"] if one["name"] == "weights"]
    assert weights == f"{mount['mountPath']}/pretrained.safetensors"
    (pod, _) = pods(documents)
    assert {"name": "weights", "configMap": {"name": "mine"}} in pod["volumes"]
    kubernetes_validate.validate(only(documents, "StatefulSet"), KUBERNETES, strict=True)
    assert settings_of(rendered({}, tmp_path), tmp_path).model.weights == ""


@helm_only
def test_keda_sets_the_number_of_pods_and_asks_for_the_lag_of_each_topic(tmp_path: Path) -> None:
    kafka = {**KAFKA, "input": ["loads", "prices"], "group": "mine"}
    documents = rendered({"settings": {"kafka": kafka}, "keda": {"enabled": True}}, tmp_path)
    scaled, workload = only(documents, "ScaledObject")["spec"], only(documents, "StatefulSet")
    assert "replicas" not in workload["spec"]
    assert scaled["scaleTargetRef"]["name"] == workload["metadata"]["name"]
    told = [one["metadata"] for one in scaled["triggers"]]
    assert [one["topic"] for one in told] == ["loads", "prices"]
    assert {one["consumerGroup"] for one in told} == {"mine"}
    assert all(isinstance(value, str) for one in told for value in one.values())  # KEDA takes nothing else


@helm_only
def test_a_pattern_of_topics_is_no_topic_to_keda(tmp_path: Path) -> None:
    kafka = {**KAFKA, "input": r"/sensors\..*/"}
    documents = rendered({"settings": {"kafka": kafka}, "keda": {"enabled": True}}, tmp_path)
    (trigger,) = only(documents, "ScaledObject")["spec"]["triggers"]
    assert "topic" not in trigger["metadata"]


@helm_only
def test_the_network_policy_lets_the_brokers_be_reached(tmp_path: Path) -> None:
    values = {
        "settings": {"kafka": {"bootstrap_servers": "a:9092, b:9094,c:9092"}},
        "networkPolicy": {"enabled": True, "kafkaPorts": [9095]},
        "checkpoints": {"url": "s3://bucket/path"},
    }
    policy = only(rendered(values, tmp_path), "NetworkPolicy")["spec"]
    ports = {port["port"] for rule in policy["egress"] for port in rule["ports"]}
    assert ports == {53, 443, 9092, 9094, 9095}


@helm_only
def test_prometheus_asks_the_port_that_the_daemon_has(tmp_path: Path) -> None:
    documents = rendered({"podMonitor": {"enabled": True}}, tmp_path)
    (endpoint,) = only(documents, "PodMonitor")["spec"]["podMetricsEndpoints"]
    (port,) = daemon(documents)["ports"]
    assert (port["name"], port["containerPort"]) == (endpoint["port"], Settings().web.port)


SIGNED_IN: Mapping[str, object] = {
    "secrets": {"webCertificate": {"name": "web"}, "webToken": {"name": "web-token"}},
    "podMonitor": {"enabled": True},
}


@helm_only
def test_a_web_port_of_https_and_a_token_is_asked_so_by_all(tmp_path: Path) -> None:
    documents = rendered(SIGNED_IN, tmp_path)
    web, container = settings_of(documents, tmp_path).web, daemon(documents)
    (mount,) = [one for one in container["volumeMounts"] if one["name"] == "web"]
    assert {str(Path(file).parent) for file in (web.tls_certfile, web.tls_keyfile)} == {mount["mountPath"]}
    assert web.token
    probes = [container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")]
    assert {one["scheme"] for one in probes} == {"HTTPS"}
    (endpoint,) = only(documents, "PodMonitor")["spec"]["podMetricsEndpoints"]
    assert endpoint["scheme"] == "https"
    assert endpoint["tlsConfig"] == {
        "serverName": "release-lstm-stream-web.default.svc",
        "ca": {"secret": {"name": "web", "key": "ca.crt"}},
    }
    assert endpoint["authorization"] == {"credentials": {"name": "web-token", "key": "token"}}
    assert all_variables(documents, "LSTM_STREAM_WEB__TOKEN") == {("web-token", "token")}


def all_variables(documents: Sequence[Document], name: str) -> set[tuple[str, str]]:
    """The Secret and the key in it that each container has a variable from; each has it."""
    found = [[one for one in container["env"] if one["name"] == name] for container in containers(documents)]
    assert all(len(one) == 1 for one in found)
    references = [one["valueFrom"]["secretKeyRef"] for (one,) in found]
    return {(one["name"], one["key"]) for one in references}


@helm_only
@pytest.mark.parametrize(("values", "scheme"), [({}, "http"), (SIGNED_IN, "https")])
def test_the_test_pod_asks_the_port_of_the_service(values: Mapping[str, object], scheme: str, tmp_path: Path) -> None:
    documents = rendered(values, tmp_path)
    (probe,) = only(documents, "Pod")["spec"]["containers"]
    url = probe["args"][probe["args"].index("--url") + 1]
    (service,) = [one for one in documents if one["kind"] == "Service" and one["metadata"]["name"].endswith("-web")]
    assert url == f"{scheme}://{service['metadata']['name']}:{service['spec']['ports'][0]['port']}"


@helm_only
def test_without_a_certificate_and_a_token_nobody_brings_one(tmp_path: Path) -> None:
    documents = rendered({"podMonitor": {"enabled": True}}, tmp_path)
    (endpoint,) = only(documents, "PodMonitor")["spec"]["podMetricsEndpoints"]
    assert endpoint["scheme"] == "http"
    assert not {"tlsConfig", "authorization"} & endpoint.keys()
    assert daemon(documents)["readinessProbe"]["httpGet"]["scheme"] == "HTTP"
    assert not [one for one in daemon(documents)["env"] if one["name"].startswith("LSTM_STREAM_WEB__T")]


@helm_only
def test_the_certificate_may_have_another_name_and_an_authority_that_all_know(tmp_path: Path) -> None:
    values = {
        "secrets": {"webCertificate": {"name": "web", "authority": ""}},
        "podMonitor": {"enabled": True, "serverName": "forecasts.example.com"},
    }
    (endpoint,) = only(rendered(values, tmp_path), "PodMonitor")["spec"]["podMetricsEndpoints"]
    assert endpoint["tlsConfig"] == {"serverName": "forecasts.example.com"}


@helm_only
def test_the_network_policy_lets_the_test_pod_ask_the_port(tmp_path: Path) -> None:
    documents = rendered({"networkPolicy": {"enabled": True}}, tmp_path)
    (rule,) = only(documents, "NetworkPolicy")["spec"]["ingress"]
    labels = only(documents, "Pod")["metadata"]["labels"]
    selected = [one["podSelector"]["matchLabels"] for one in rule["from"]]
    assert any(one.items() <= labels.items() for one in selected)


@helm_only
def test_rules_and_dashboards_go_along_as_they_are(tmp_path: Path) -> None:
    documents = rendered({"prometheusRule": {"enabled": True}, "dashboards": {"enabled": True}}, tmp_path)
    rules = [one["spec"] for one in documents if one["kind"] == "PrometheusRule"]
    files = sorted((CHART / "files" / "rules").glob("*.yml"))
    assert rules == [yaml.safe_load(path.read_text()) for path in files]
    told = [one["data"] for one in documents if one["kind"] == "ConfigMap" and "lstm-stream.toml" not in one["data"]]
    boards = sorted((CHART / "files" / "dashboards").glob("*.json"))
    assert [json.loads(text) for data in told for text in data.values()] == [
        json.loads(path.read_text()) for path in boards
    ]


@helm_only
def test_links_of_alerts_lead_where_the_values_say(tmp_path: Path) -> None:
    named = {"enabled": True, "runbook": "https://example.com/runbook", "grafana": "https://grafana.example.com/"}
    documents = rendered({"prometheusRule": named}, tmp_path)
    groups = [group for one in documents if one["kind"] == "PrometheusRule" for group in one["spec"]["groups"]]
    links = [rule["annotations"] for group in groups for rule in group["rules"] if "alert" in rule]
    assert links
    assert all(one["runbook_url"].startswith("https://example.com/runbook#lstmstream") for one in links)
    assert all(one["dashboard"].startswith("https://grafana.example.com/d/lstm-stream-") for one in links)


@helm_only
@pytest.mark.parametrize("release", ["lstm-stream", "a", "prod-lstm-stream-eu", "x" * 53])
def test_names_are_short_enough_for_kubernetes(release: str) -> None:
    done = helm(["template", release, str(CHART), "--set", "dashboards.enabled=true,prometheusRule.enabled=true"])
    assert done.returncode == 0, done.stderr
    for document in filter(None, yaml.safe_load_all(done.stdout)):
        longest = 52 if document["kind"] == "StatefulSet" else 63 if document["kind"] == "Service" else 253
        assert len(document["metadata"]["name"]) <= longest
        assert all(len(value) <= 63 for value in document["metadata"]["labels"].values())
