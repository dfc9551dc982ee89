"""Files to deploy with. Those that derive from the code and from each other are written by `python -m deploy`."""
