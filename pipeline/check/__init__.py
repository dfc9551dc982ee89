"""`lstm-stream check`: what a topic holds, what would be lost, and which settings would read it."""
