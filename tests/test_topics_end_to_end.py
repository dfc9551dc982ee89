"""What becomes of input topics on a real cluster: what is gone is told once with the fix, and the rest is read."""

import logging
from pathlib import Path

import pytest
from kafka import KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType

from pipeline.cluster import TopicPartition, create_topics
from tests.servers import ApacheKafka, wait_until
from tests.test_mishaps import admin_of, forecasts, make_anew, settings_for, working, write


def test_records_that_retention_removed_before_they_were_read_are_told_once_with_the_fix(
    apache_kafka: ApacheKafka, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_for(apache_kafka, "retained", tmp_path)
    topic = settings.kafka.inputs[0]
    producer = KafkaProducer(bootstrap_servers=apache_kafka.bootstrap_servers)
    for number in range(20):
        producer.send(topic, b"%d" % number, partition=0)
    producer.flush()
    with working(settings):
        wait_until(lambda: len(forecasts(settings)) == 20, "the first forecasts")
    for number in range(50):
        producer.send(topic, b"%d" % number, partition=0)
    producer.close()
    with admin_of(settings) as admin:
        admin.delete_records({TopicPartition(topic, 0): 60})
    with working(settings) as worker:
        wait_until(worker.ready, "the worker to be ready")
        wait_until(lambda: len(forecasts(settings)) == 30, "those that are left")
    troubles = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    (told,) = [line for line in troubles if "retained-in/0" in line]
    assert "retention removed records 20 to 59 before they were read" in told
    assert "raise retention.ms" in told


def test_a_topic_that_is_compacted_is_told_once_with_the_fix(
    apache_kafka: ApacheKafka, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_for(apache_kafka, "compacted", tmp_path)
    with admin_of(settings) as admin:
        for topic in (settings.kafka.inputs[0], settings.kafka.forecasts):
            admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"cleanup.policy": "compact"})])
    write(settings, b"1", b"2")
    with working(settings):
        wait_until(lambda: len(forecasts(settings)) == 2, "the forecasts")
    (told,) = [line for line in caplog.text.splitlines() if "compacted (" in line]
    assert "topic `compacted-in` is compacted" in told
    assert "set cleanup.policy = delete" in told


def test_batches_of_each_codec_and_with_the_brokers_times_are_read(apache_kafka: ApacheKafka, tmp_path: Path) -> None:
    settings = settings_for(apache_kafka, "codecs", tmp_path)
    topic = settings.kafka.inputs[0]
    with admin_of(settings) as admin:
        stamped = {"message.timestamp.type": "LogAppendTime"}
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, stamped)])
    for codec in ("gzip", "snappy", "lz4", "zstd"):
        producer = KafkaProducer(bootstrap_servers=apache_kafka.bootstrap_servers, compression_type=codec, linger_ms=50)
        for number in range(25):
            producer.send(topic, codec.encode() + b"%d" % number + b"x" * 100)
        producer.close()
    with working(settings):
        wait_until(lambda: len(forecasts(settings)) == 100, "all forecasts")


def test_what_a_producer_aborts_is_no_event_and_holds_nothing_back(apache_kafka: ApacheKafka, tmp_path: Path) -> None:
    settings = settings_for(apache_kafka, "aborted", tmp_path)
    producer = KafkaProducer(bootstrap_servers=apache_kafka.bootstrap_servers, transactional_id="aborting")
    producer.init_transactions()
    for cycle in range(4):
        producer.begin_transaction()
        for number in range(10):
            producer.send(settings.kafka.inputs[0], b"%d" % number, partition=cycle % 2)
        producer.flush()
        if cycle < 2:
            producer.commit_transaction()
        else:
            producer.abort_transaction()
    producer.close()
    for _ in range(2):
        with working(settings) as worker:
            wait_until(worker.ready, "the worker to be ready beyond what was aborted")
    assert len(forecasts(settings)) == 20


def test_a_topic_that_is_made_anew_while_nobody_reads_is_begun_anew(apache_kafka: ApacheKafka, tmp_path: Path) -> None:
    settings = settings_for(apache_kafka, "anew-alone", tmp_path)
    for before, records in enumerate((30, 10, 50)):
        if before:
            make_anew(settings)
            create_topics(settings)
        write(settings, *(b"%d" % number for number in range(records)))
        with working(settings) as worker:
            wait_until(worker.ready, "the worker to have read this topic")
        assert len(forecasts(settings)) == sum((30, 10, 50)[: before + 1])
