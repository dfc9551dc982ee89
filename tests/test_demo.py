"""The demo runs the real daemon on a real broker, and tells what came of it."""

import json
import subprocess
import sys
from pathlib import Path


def test_the_demo_accounts_for_every_event_on_a_real_broker() -> None:
    command = [sys.executable, "-m", "pipeline", "demo", "--for", "6", "--rate", "150", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["events"] == told["forecasts"] + told["dead_letters"] + told["late"] + told["repeated"]
    assert min(told["events"], told["dead_letters"], told["late"], told["repeated"]) > 0
    assert "events/s" in done.stderr


def test_the_demo_replays_a_file_in_place_of_its_own_data(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    rows = (f"2024-05-{1 + row // 24:02d}T{row % 24:02d}:00,{row % 24},{row % 7}\n" for row in range(200))
    file.write_text("timestamp,x,y\n" + "".join(rows))
    command = [sys.executable, "-m", "pipeline", "demo", "--csv", str(file), "--rate", "1000", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["events"], told["forecasts"], told["skill_fleet"]) == (400, 400, None)
