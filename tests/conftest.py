"""Brokers that several tests share."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from pipeline.embedded import EmbeddedBroker
from tests.servers import ApacheKafka

settings.register_profile("untimed", deadline=None)  # how long an example takes says nothing on a busy machine
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def model_is_compiled() -> None:
    """The model's code is in the cache, so that no test waits for a daemon that compiles."""
    subprocess.run([sys.executable, "-m", "pipeline", "compile"], check=True, cwd=Path(__file__).parent.parent)


@pytest.fixture(scope="session")
def tansu(request: pytest.FixtureRequest) -> Iterator[EmbeddedBroker]:
    """The embedded broker."""
    request.getfixturevalue("model_is_compiled")
    with EmbeddedBroker() as broker:
        yield broker


@pytest.fixture(scope="session")
def apache_kafka(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheKafka]:
    """Apache Kafka, where the environment variable KAFKA_HOME names a distribution of it."""
    request.getfixturevalue("model_is_compiled")
    home = os.environ.get("KAFKA_HOME")
    if not home:
        pytest.skip("KAFKA_HOME names no distribution of Apache Kafka")
    with ApacheKafka(Path(home), tmp_path_factory.mktemp("kafka")) as broker:
        yield broker
