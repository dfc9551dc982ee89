"""Several workers under one parent, each a process of its own."""
