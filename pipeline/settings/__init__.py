"""Every knob of the daemon, declared once, frozen.

A value comes from the default below, then the TOML file, then the environment (`LSTM_STREAM_KAFKA__GROUP`), then
`--set kafka.group=x`; the later wins. The help texts, the ranges, the sample file and the README's table all derive
from these declarations.
"""

from pipeline.settings.changes import fingerprint, reloaded
from pipeline.settings.daemon import Checkpoints, Delivery, Log, Metrics, Settings, Web
from pipeline.settings.events import Events
from pipeline.settings.kafka import INPUT, Kafka
from pipeline.settings.loading import load
from pipeline.settings.model import Model
from pipeline.settings.text import sample, secrets, table, to_toml
from pipeline.settings.values import PREFIX, SettingsError, variable

__all__ = [
    "INPUT",
    "PREFIX",
    "Checkpoints",
    "Delivery",
    "Events",
    "Kafka",
    "Log",
    "Metrics",
    "Model",
    "Settings",
    "SettingsError",
    "Web",
    "fingerprint",
    "load",
    "reloaded",
    "sample",
    "secrets",
    "table",
    "to_toml",
    "variable",
]
