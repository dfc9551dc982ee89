"""What the dashboards ask Prometheus for, in the few shapes that it comes in."""

J = 'job=~"$job"'
"""Of the job that is chosen on top of a dashboard."""
WINDOW = "$__rate_interval"


def rate(counter: str, by: str = "", window: str = WINDOW) -> str:
    """How much a counter grows a second."""
    return f"{_over('sum', by)}(rate({of(f'{counter}_total')}[{window}]))"


def hourly(counter: str, by: str = "") -> str:
    """How much a counter has grown in the last hour."""
    return f"{_over('sum', by)}(increase({of(f'{counter}_total')}[1h]))"


def share(counter: str, of_counter: str, by: str = "") -> str:
    """The growth of one counter over another's, in a quarter of an hour."""
    return f"{rate(counter, by, '15m')} / {rate(of_counter, by, '15m')}"


def most(gauge: str, by: str = "") -> str:
    """The largest."""
    return f"{_over('max', by)}({of(gauge)})"


def least(gauge: str, by: str = "") -> str:
    """The smallest."""
    return f"{_over('min', by)}({of(gauge)})"


def mean(gauge: str, by: str = "") -> str:
    """The mean."""
    return f"{_over('avg', by)}({of(gauge)})"


def total(gauge: str, by: str = "") -> str:
    """All together."""
    return f"{_over('sum', by)}({of(gauge)})"


def quantile(level: str, histogram: str) -> str:
    """A quantile of what a histogram has seen of late."""
    return f"histogram_quantile({level}, sum by (le) (rate({of(f'{histogram}_bucket')}[{WINDOW}])))"


def median_and_worst(histogram: str) -> tuple[tuple[str, str], ...]:
    """Two lines of a histogram, with their legends."""
    return (quantile(".5", histogram), "50 %"), (quantile(".99", histogram), "99 %")


def of(metric: str, more: str = "") -> str:
    """One of our metrics, of the job; `more` are labels that it has beside."""
    return f"lstm_stream_{metric}{{{J}{f', {more}' if more else ''}}}"


def _over(how: str, by: str) -> str:
    return f"{how} by ({by}) " if by else how
