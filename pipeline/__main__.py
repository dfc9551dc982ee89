"""``python -m pipeline`` is ``lstm-stream``."""

from pipeline.cli import main

main(prog_name="lstm-stream")
