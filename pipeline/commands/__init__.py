"""The commands that stand alone, each in a module of its own; `pipeline.cli` puts them together."""
