"""What a bug report needs, in one archive: versions, settings, what a running daemon tells, and its last warnings.

No secret is in it: settings are masked, and each text that goes in is searched for the secrets of the settings.
"""

import importlib.metadata
import io
import json
import os
import platform
import re
import tarfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pipeline.cluster import ClusterError, describe
from pipeline.log_lines import masked
from pipeline.settings import PREFIX, Settings, Web, secrets, to_toml
from pipeline.web.client import WebClientError, ask

OK = 200
ASKED: Mapping[str, str] = {
    "metrics.txt": "/metrics",
    "status.json": "/api/status",
    "healthz.json": "/healthz",
    "readyz.json": "/readyz",
    "warnings.json": "/api/warnings",
}
"""What is asked of the daemon, by the file that it goes into."""
SHOWN = ("OMP_NUM_THREADS", "NUMBA_CACHE_DIR", "NUMBA_DISABLE_JIT", "MALLOC_ARENA_MAX")
"""Variables that change how it runs, and hold nothing secret."""
README = """What lstm-stream's `report` collected for a bug report. Have a look before you send it.

versions.txt    of lstm-stream, Python, this machine and the packages
settings.toml   in force; passwords, secrets and tokens are masked
environment.txt names of the variables that set something, not their values
kafka.txt       whether the cluster answers, and the topics of the settings
daemon/         what the running daemon answers: metrics, status, health, its last warnings and errors
problems.txt    what could not be collected, and why
"""


class Collected(NamedTuple):
    """The files of a report.

    Attributes
    ----------
    files
        Content by name.
    problems
        What could not be collected.
    """

    files: dict[str, str]
    problems: tuple[str, ...]


def collect(settings: Settings, url: str, version: str, environment: Mapping[str, str]) -> Collected:
    """Collect it; what fails is a problem, and the rest goes on.

    Parameters
    ----------
    settings
        Those of the daemon.
    url
        Where the daemon answers; "": where the settings say.
    version
        Of lstm-stream.
    environment
        Usually `os.environ`.
    """
    hidden = secrets(settings)
    files, problems = dict[str, str](), list[str]()
    files["README.txt"] = README
    files["versions.txt"] = "".join(f"{line}\n" for line in _versions(version))
    files["settings.toml"] = to_toml(settings)
    files["environment.txt"] = "".join(f"{line}\n" for line in _environment(environment))
    files["kafka.txt"] = _kafka(settings, problems)
    for name, path in ASKED.items():
        told = _told(url, path, settings.web, problems)
        if told is not None:
            files[f"daemon/{name}"] = told
    files["problems.txt"] = "".join(f"{line}\n" for line in problems)
    cleaned = {name: _without(text, hidden) for name, text in files.items()}
    return Collected(cleaned, tuple(_without(one, hidden) for one in problems))


def write(collected: Collected, path: Path, now: float) -> None:
    """Write it as a .tar.gz, readable by its owner only; `now` in seconds since the epoch."""
    folder = path.name.removesuffix(".tar.gz").removesuffix(".tgz")
    with (
        open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file,
        tarfile.open(fileobj=file, mode="w:gz") as archive,
    ):
        for name, text in collected.files.items():
            content = text.encode()
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size, member.mtime, member.mode = len(content), int(now), 0o600
            archive.addfile(member, io.BytesIO(content))


def name_of(now: float) -> str:
    """The usual name of a report."""
    return time.strftime("lstm-stream-report-%Y%m%dT%H%M%SZ.tar.gz", time.gmtime(now))


SIGNED_IN = re.compile(r"(\w[\w+.-]*://)([^/@\s\"']+)@")  # a URL with a name and a password


def _without(text: str, hidden: tuple[str, ...]) -> str:
    return SIGNED_IN.sub(r"\1********@", masked(text, hidden))


def _versions(version: str) -> Iterator[str]:
    yield f"lstm-stream {version}"
    yield f"Python {platform.python_version()} ({platform.python_implementation()})"
    yield f"{platform.platform()}, {platform.machine()}, {os.cpu_count()} processors"
    if hasattr(os, "sysconf"):
        yield f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB of memory"
    yield ""
    packages = {one.metadata["Name"]: one.version for one in importlib.metadata.distributions()}
    yield from sorted((f"{name} {found}" for name, found in packages.items() if name), key=str.lower)


def _environment(environment: Mapping[str, str]) -> Iterator[str]:
    yield from (f"{name} is set" for name in sorted(environment) if name.startswith(PREFIX))
    yield from (f"{name}={environment[name]}" for name in SHOWN if name in environment)


def _kafka(settings: Settings, problems: list[str]) -> str:
    kafka = settings.kafka
    try:
        description = describe(settings)
    except ClusterError as error:
        problems.append(f"Kafka: {error}")
        return f"{error}\n"
    ours = (*kafka.inputs, kafka.forecasts, kafka.dead_letters)
    lines = [f"cluster {description.id}"]
    for name in ours:
        topic = description.topics.get(name)
        lines.append(f"{name}: " + ("missing" if topic is None else f"{topic.partitions} partitions, id {topic.id}"))
    return "".join(f"{line}\n" for line in lines)


def _told(url: str, path: str, web: Web, problems: list[str]) -> str | None:
    """What the daemon answers; also where it is unwell."""
    try:
        answer = ask(web, path, url)
    except WebClientError as error:
        problems.append(f"{path}: {error}")
        return None
    if answer.code != OK:
        problems.append(f"{path}: answered with {answer.code}")
    return _indented(answer.body)


def _indented(text: str) -> str:
    """JSON for people; other text as it is."""
    try:
        return json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n"
    except ValueError:
        return text
