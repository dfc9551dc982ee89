"""How well series are forecast: prequential scores of a file or a topic, beside those of baselines and peers."""
