"""The web port: metrics, health, the live page and its JSON."""
