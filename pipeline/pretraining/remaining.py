"""How long what is under way will still take, for a line of progress."""


def remaining(seconds: float, done: int, total: int) -> str:
    """What to add to a line; "" at the end and where too little is done to tell.

    >>> remaining(60, 250, 1000), remaining(5, 1, 1000), remaining(60, 1000, 1000)
    ('; about 3 min left', '; about 83 min left', '')
    """
    if not 0 < done < total:
        return ""
    left = seconds / done * (total - done)
    return f"; about {left / 60:.0f} min left" if left >= 90 else f"; about {left:.0f} s left"
