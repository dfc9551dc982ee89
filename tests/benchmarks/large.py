"""A shard of many series: memory, and how long its checkpoint takes, stalls the loop, and takes to be loaded.

    python -m tests.benchmarks.large [--series 100000] [--folder FOLDER]

A bank takes one observation of each series, then as many as it can while its checkpoint is written beside it, as the
loop does: a call of observations, a look at the saver, and so on. `stall` is the longest time that the checkpoint kept
it from the next call. Then the checkpoint is loaded in a process of its own. Memory is the largest resident set so far,
and that while the checkpoint was written; the share of the page cache is not in it.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from lstm_stream import Bank, Hyperparameters
from pipeline.checkpoints import Address, Checkpoints
from pipeline.saver import Saver

ADDRESS = Address("benchmark", "events", "large", 0)
HOUR = 3_600_000_000
CALL = 500


class Load:
    """A bank that takes observations of its series in turn."""

    def __init__(self, series: int, shuffled: bool) -> None:
        self.bank, self.names, self.next = Bank(Hyperparameters()), [f"series {i}" for i in range(series)], 0
        self.order = np.random.default_rng(0).permutation(series) if shuffled else np.arange(series)

    def call(self) -> None:
        """Take some more."""
        which = np.arange(self.next, self.next + CALL)
        row, hour = self.order[which % len(self.names)], which // len(self.names)
        self.bank.observe([self.names[i] for i in row], hour * HOUR, np.sin(hour / 4 + row) + row % 7)
        self.next += CALL


def resident() -> str:
    """The largest resident set so far, and that of now, in GB."""
    now = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e9
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB at most, {now:.2f} GB now"


def write(series: int, folder: str, shuffled: bool) -> None:
    """Let series come, and write a checkpoint beside."""
    load = Load(series, shuffled)
    begun, longest = time.perf_counter(), 0.0
    while load.next < series:
        at = time.perf_counter()
        load.call()
        longest = max(longest, time.perf_counter() - at) if load.next > series // 10 else 0.0
    print(f"{series:,} series came in {time.perf_counter() - begun:.1f} s, a call took {longest:.2f} s at most")
    print(f"memory: {resident()}")
    saver, stalls, kept, calls = Saver(Checkpoints(folder, 1), time.perf_counter), [0.0], 0, load.next
    at = begun = time.perf_counter()
    saver.begin(ADDRESS, 1, load.bank.dump_in_parts())
    stalls.append(time.perf_counter() - at)
    while saver.is_saving(ADDRESS):
        load.call()
        kept = max(kept, load.bank._dump.kept)
        at = time.perf_counter()
        saver.hand_over()
        if saver.is_free and not kept:
            time.sleep(0.01)
        (error,) = [one.error for one in saver.finished()] or [None]
        if error is not None:
            raise error
        stalls.append(time.perf_counter() - at)
    seconds = time.perf_counter() - begun
    print(f"checkpoint: {seconds:.1f} s beside {load.next - calls:,} observations, which kept {kept:,} series twice")
    print(f"stall: {max(stalls):.3f} s at most, {sum(stalls):.2f} s in all")
    print(f"memory: {resident()}")
    saver.close()


def read(folder: str) -> None:
    """Load it."""
    begun = time.perf_counter()
    checkpoint = Checkpoints(folder, 1).load(ADDRESS, 1)
    assert checkpoint is not None
    found = time.perf_counter()
    bank = Bank.load(checkpoint.header, checkpoint.arrays)
    print(f"read: {found - begun:.1f} s, loaded: {time.perf_counter() - found:.1f} s, {len(bank.names):,} series")
    print(f"memory: {resident()}")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=100_000)
    parser.add_argument("--shuffled", action="store_true", help="series come in no order")
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
