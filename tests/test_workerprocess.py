"""Laws of a worker's process: what it is told, what is heard of it, and that it never outlives its parent."""

import http.server
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from pipeline.clock import Clock
from pipeline.process import processors
from pipeline.settings import Events, Kafka, Model, Settings
from pipeline.workers.pipes import Ended, Order, read_order, read_said, written
from pipeline.workers.process import Starter, UnansweredError, WorkerProcess
from tests.servers import wait_until

PRELUDE = """
import json, os, signal, sys, time
order = json.loads(sys.stdin.buffer.readline())
def say(**message):
    sys.stdout.write(json.dumps(message) + "\\n")
    sys.stdout.flush()
"""


def program(*lines: str) -> Sequence[str]:
    """A worker that does that."""
    return (sys.executable, "-c", PRELUDE + "\n".join(map(textwrap.dedent, lines)))


def started(*lines: str, settings: Settings | None = None) -> WorkerProcess:
    starter = Starter(settings or Settings(), "1.2", rebuild=True, clock=Clock(), program=program(*lines))
    return starter.start(3, replaces=True)


def ended(process: WorkerProcess) -> int:
    wait_until(lambda: process.code is not None, "it to end")
    assert process.code is not None
    return process.code


def test_an_order_arrives_as_it_was_given() -> None:
    settings = Settings(
        kafka=Kafka(input=("a", "b"), group="ü\n"),
        events=Events(step=60.0, values=("x.y", "[0]")),
        model=Model(quantiles=(0.1, 0.9)),
    )
    order = Order(settings=settings, number=1, instance="i-1", parent=7, replaces=True, rebuild=False, version="1")
    read_end, write_end = os.pipe()
    os.write(write_end, written(order))
    with open(read_end, "rb", buffering=0) as pipe:
        assert read_order(pipe) == order
    os.close(write_end)


def test_each_worker_has_names_of_its_own_and_a_member_s_name_only_where_one_is_set() -> None:
    random = started(
        'say(type="Ended", code=0, message=order["instance"] + "|" + order["settings"]["kafka"]["instance"])'
    )
    assert ended(random) == 0
    assert random.ended is not None
    instance, _, member = random.ended.message.partition("|")
    assert instance.endswith("-3")
    assert len(instance) == len("0123456789ab-3")
    assert member == ""
    named = started(
        'say(type="Ended", code=0, message=order["instance"] + "|" + order["settings"]["kafka"]["instance"])',
        settings=Settings(kafka=Kafka(instance="eu")),
    )
    assert ended(named) == 0
    assert named.ended == Ended(0, "eu-3|eu-3")


def test_the_number_is_seen_by_who_lists_processes() -> None:
    process = started('say(type="Ended", code=0, message=sys.argv[1])')
    assert ended(process) == 0
    assert process.ended == Ended(0, "3")


def test_exit_codes_and_signals_are_told() -> None:
    assert ended(started("sys.exit(2)")) == 2
    assert ended(started("os.kill(os.getpid(), signal.SIGKILL)")) == -signal.SIGKILL
    stopped = started('say(type="Up", port=1)', "time.sleep(60)")
    wait_until(lambda: stopped.up_at is not None, "it to be up")
    stopped.stop()
    assert ended(stopped) == -signal.SIGTERM


def test_a_last_word_that_was_cut_short_is_none() -> None:
    process = started('sys.stdout.write(\'{"type": "Ended", "co\')')
    assert ended(process) == 0
    assert process.ended is None


def test_one_that_reads_no_order_ends_and_breaks_nothing() -> None:
    settings = Settings(events=Events(missing=tuple(f"word {number}" for number in range(50_000))))
    starter = Starter(settings, "1", False, Clock(), (sys.executable, "-c", "import os; os._exit(5)"))
    assert ended(starter.start(0, replaces=False)) == 5


class Answers(http.server.BaseHTTPRequestHandler):
    """What a worker's port answers."""

    def do_GET(self) -> None:
        body = {
            "/metrics": b"lstm_stream_forecasts_total 4.0\n",
            "/api/status": b'{"state":"ready","group":"g","instance":"i","version":"1","started":1}',
            "/healthz": b'{"healthy":false,"reason":"it hangs"}',
        }[self.path]
        self.send_response(503 if self.path == "/healthz" else 200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


SERVING = """
import http.server
sys.path.insert(0, {top!r})
from tests.test_workerprocess import Answers
server = http.server.HTTPServer(("127.0.0.1", 0), Answers)
say(type="Up", port=server.server_port)
"""


@pytest.fixture
def serving() -> str:
    return SERVING.format(top=str(Path(__file__).parent.parent))


def test_it_is_looked_at_and_its_last_page_is_kept(serving: str) -> None:
    process = started(
        serving,
        "for _ in range(3): server.handle_request()",
        'say(type="Ended", code=0, metrics="lstm_stream_forecasts_total 9.0")',
    )
    wait_until(lambda: process.ended is not None or bool(process.seen and process.seen.status), "a look")
    assert ended(process) == 0
    assert process.seen is not None
    assert process.seen.metrics == "lstm_stream_forecasts_total 9.0"
    if process.seen.status is not None:  # else it had ended before the answers were read
        assert (process.seen.status.state, process.seen.trouble) == ("ready", "it hangs")
    with pytest.raises(UnansweredError):
        process.ask("/metrics")


PARENT = """
import os, sys, time
from pipeline.clock import Clock
from pipeline.settings import Settings
from pipeline.workers.process import PROGRAM, Starter
program = PROGRAM if sys.argv[1] == "ours" else (sys.executable, "-c", sys.argv[1])
process = Starter(Settings(), "1", False, Clock(), program).start(0, False)
while sys.argv[1] == "ours" and process.up_at is None:
    time.sleep(0.05)
print(process.pid, flush=True)
time.sleep(120)
"""


def test_the_pipe_tells_a_worker_that_its_parent_is_gone() -> None:
    """Where the kernel does not end it."""
    waiting = "import io; from pipeline.workers.child import _wait_for_the_end; _wait_for_the_end(io.FileIO(0))"
    _outlived(waiting)


def test_a_worker_ends_with_its_parent() -> None:
    _outlived("ours")


def _outlived(child: str) -> None:
    top = str(Path(__file__).parent.parent)
    parent = subprocess.Popen([sys.executable, "-c", PARENT, child], stdout=subprocess.PIPE, cwd=top)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert Path(f"/proc/{pid}").exists() or sys.platform != "linux"
    parent.kill()
    parent.wait()
    wait_until(lambda: not _runs(pid), "the worker to end")


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")


def test_a_package_of_the_same_name_where_it_is_started_is_not_taken_for_ours(tmp_path: Path) -> None:
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "pipeline" / "__init__.py").write_text("raise SystemExit('the wrong one')")
    top = str(Path(__file__).parent.parent)
    script = (
        f"import sys; sys.path[0] = {top!r}\n"
        "from pipeline.clock import Clock; from pipeline.settings import Settings; import time\n"
        "from pipeline.workers.process import Starter\nfrom pipeline.settings import Kafka\n"
        "one = Starter(Settings(kafka=Kafka(connect_timeout=.1)), '1', False, Clock()).start(0, False)\n"
        "while one.up_at is None and one.code is None: time.sleep(.1)\nprint(one.code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=180
    )
    assert done.stdout.strip() == "None", done.stderr


@pytest.mark.parametrize(("limit", "most"), [("max 100000", 1 << 20), ("50000 100000", 1), ("150000 100000", 2)])
@pytest.mark.parametrize("name", ["", "system.slice/lstm-stream.service"])
def test_processors_are_those_that_the_container_or_unit_may_use(
    tmp_path: Path, limit: str, most: int, name: str
) -> None:
    (tmp_path / name).mkdir(parents=True, exist_ok=True)
    (tmp_path / name / "cpu.max").write_text(f"{limit}\n")
    (tmp_path / "ours").write_text(f"1:name=systemd:/elsewhere\n0::/{name}\n")
    there = processors(tmp_path, tmp_path / "none")
    assert there >= 1
    assert processors(tmp_path, tmp_path / "ours") == min(there, most)


def test_a_word_of_another_kind_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        read_said(b'{"type": "Down"}')
