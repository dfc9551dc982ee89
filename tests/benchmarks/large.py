"""A shard of many series: memory, and how long its checkpoint takes, stalls the loop, and takes to be loaded.

    python -m tests.benchmarks.large [--series 100000] [--folder FOLDER]

A bank takes one observation of each series, then as many as it can while its checkpoint is written beside it, as the
loop does: a call of observations, a look at the saver, and so on. `stall` is the longest time that the checkpoint kept
it from the next call. Then the checkpoint is loaded in a process of its own. Memory is the largest resident set so far,
and that while the checkpoint was written; the share of the page cache is not in it.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from lstm_stream import Bank, Hyperparameters
from pipeline.checkpoints import Address, Checkpoints
from pipeline.checkpoints.saver import Saver

ADDRESS = Address("benchmark", "events", "large", 0)
HOUR = 3_600_000_000
CALL = 500


class Load:
    """A bank that takes observations of its series in turn."""

    def __init__(self, series: int) -> None:
        self.bank, self.names, self.next = Bank(Hyperparameters()), [f"series {i}" for i in range(series)], 0
        self.order = np.arange(series)

    def shuffle(self) -> None:
        """Let them come in another order."""
        self.order = np.random.default_rng(0).permutation(self.order)

    def call(self) -> None:
        """Take some more."""
        which = np.arange(self.next, self.next + CALL)
        row, hour = self.order[which % len(self.names)], which // len(self.names)
        self.bank.observe([self.names[i] for i in row], hour * HOUR, np.sin(hour / 4 + row) + row % 7)
        self.next += CALL


def resident() -> str:
    """The largest resident set so far, and that of now, in GB."""
    told = dict(re.findall(r"(VmHWM|VmRSS):\s*(\d+) kB", Path("/proc/self/status").read_text()))
    return f"{int(told['VmHWM']) / 1e6:.2f} GB at most, {int(told['VmRSS']) / 1e6:.2f} GB now"


def write(series: int, folder: str, shuffled: bool) -> None:
    """Let series come, and write a checkpoint beside."""
    load = Load(series)
    begun, longest = time.perf_counter(), 0.0
    while load.next < series:
        at = time.perf_counter()
        load.call()
        longest = max(longest, time.perf_counter() - at) if load.next > series // 10 else 0.0
    print(f"{series:,} series came in {time.perf_counter() - begun:.1f} s, a call took {longest:.2f} s at most")
    print(f"memory: {resident()}")
    calling = 0.0
    if shuffled:
        load.shuffle()
    saver, stalls, kept, calls = Saver(Checkpoints(folder, 1), time.perf_counter), [0.0], 0, load.next
    at = begun = time.perf_counter()
    processor = time.process_time()
    saver.begin(ADDRESS, 1, load.bank.dump_in_parts())
    stalls.append(time.perf_counter() - at)
    while saver.is_saving(ADDRESS):
        at = time.process_time()
        load.call()
        calling += time.process_time() - at
        kept = max(kept, load.bank._dump.kept)
        at = time.perf_counter()
        saver.hand_over()
        (error,) = [one.error for one in saver.finished()] or [None]
        if error is not None:
            raise error
        stalls.append(time.perf_counter() - at)
    seconds, spent = time.perf_counter() - begun, time.process_time() - processor
    print(f"checkpoint: {seconds:.1f} s, {spent:.1f} s of CPU with the calls' {calling:.1f} s")
    print(f"beside {load.next - calls:,} observations, which kept {kept:,} series twice")
    print(f"stall: {max(stalls):.3f} s at most, {sum(stalls):.2f} s in all")
    print(f"memory: {resident()}")
    saver.close()


def read(folder: str) -> None:
    """Load it."""
    begun, processor = time.perf_counter(), time.process_time()
    checkpoint = Checkpoints(folder, 1).load(ADDRESS, 1)
    assert checkpoint is not None
    found = time.perf_counter()
    bank = Bank.load(checkpoint.header, checkpoint.arrays)
    loaded, spent = time.perf_counter() - found, time.process_time() - processor
    print(f"read: {found - begun:.1f} s, loaded: {loaded:.1f} s, {spent:.1f} s of CPU, {len(bank.names):,} series")
    print(f"memory: {resident()}")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=100_000)
    parser.add_argument(
        "--shuffled", action="store_true", help="while it is written, series come in another order than before"
    )
    parser.add_argument("--folder", help="where the checkpoint lies; a temporary folder")
    parser.add_argument("--read", action="store_true", help="only load what lies in the folder")
    options = parser.parse_args()
    if options.read:
        read(options.folder)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or temporary
        write(options.series, folder, options.shuffled)
        sys.stdout.flush()
        subprocess.run([sys.executable, "-m", "tests.benchmarks.large", "--read", "--folder", folder], check=True)


if __name__ == "__main__":
    main()
