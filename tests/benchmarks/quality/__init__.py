"""Forecast quality on real series, and what a bank withstands.

The protocol is prequential and leak-free: rows [0, scale) give each series' unit, rows [score_from, score_to) are
scored, each row is the next step, and the forecast of row i is taken before row i + 1 is shown. All settings are the
defaults, for every set. Each file holds one part: what it measures, what came of it, and how that looks.
"""
