"""How results look."""

from collections.abc import Iterable, Mapping, Sequence


def grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table: names to the left, numbers to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *rows))


def verdict(value: float, bar: float) -> str:
    """A number beside the most it may be."""
    return f"{value:.4f} (bar {bar:g}: {'met' if value <= bar else 'MISSED'})"


def by_set(values: Mapping[str, Mapping[int, float]]) -> str:
    """A row a set, a column a horizon."""
    horizons = list(next(iter(values.values())))
    rows = ([name, *(f"{own[h]:.3f}" for h in horizons)] for name, own in values.items())
    return grid(["set", *(f"H = {h}" for h in horizons)], rows)
