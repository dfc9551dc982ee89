"""A process that is told to stop ends: by itself, or when its time is over."""

import signal
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import logging, sys, threading, time
from pipeline.process import start_log, stopped_by_signals
from pipeline.settings import Log
start_log(Log())
over = threading.Event()
with stopped_by_signals(over.set, {within}):
    print("ready", flush=True)
    over.wait()
    time.sleep({takes})
print("ended by itself", flush=True)
"""


def stopped(within: float, takes: float) -> tuple[int, str, str]:
    """The exit code, what it printed and what it logged, of one that takes so long to stop."""
    command = [sys.executable, "-c", SCRIPT.format(within=within, takes=takes)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_who_stops_in_time_ends_by_itself() -> None:
    code, out, err = stopped(within=30.0, takes=0.0)
    assert (code, out) == (0, "ended by itself\n")
    assert "stopping after this cycle" in err


def test_who_does_not_stop_in_time_is_ended_and_says_so() -> None:
    code, out, err = stopped(within=0.2, takes=600.0)
    assert (code, out) == (1, "")
    assert "not stopped within 0.2 s (delivery.stop_within): ending as it stands; nothing is lost" in err
