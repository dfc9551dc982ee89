"""Send the demo's events to the input topic, until it is ended: `python demo_producer.py [EVENTS A SECOND]`.

Settings come from the environment, as the daemon's do (LSTM_STREAM_KAFKA__BOOTSTRAP_SERVERS).
"""

import os
import sys

from pipeline.cluster import Writer
from pipeline.feed import built_in
from pipeline.replay import paced
from pipeline.settings import load

BATCH = 50  # events from one flush to the next


def produce(rate: float) -> None:
    """Write so many events a second."""
    settings = load(None, os.environ, [])
    with Writer(settings, settings.kafka.inputs[0]) as writer:
        for number, event in enumerate(paced(built_in(), lambda index, _: index / rate)):
            writer.write(event)
            if number % BATCH == 0:
                writer.flush()


if __name__ == "__main__":
    produce(float(sys.argv[1]) if len(sys.argv) > 1 else 100.0)
