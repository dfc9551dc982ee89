"""Generated series, and the training of a network on them before it sees any real one."""
