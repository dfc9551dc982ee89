"""What columns of times are called."""

import re

TIME_NAME = re.compile(
    r"(^|[^a-z])(ts|ds|t|dt|time|date|datetime|timestamp|epoch|unix|period|year|month|day|week|datum|zeit|zeitpunkt|fecha"
    r"|jour|jahr|monat|tag|woche|ann[eé]e|mois|semaine|a[nñ]o|mes|data|ora|yr|quarter|quartal|fy|season"
    r"|y{2,4}[-_/]?m{2}([-_/]?d{2})?(h{2}(m{2})?)?|yearmoda)([^a-z]|$)",
    re.I,
)
"""A column of this name may hold times as bare numbers."""
PART_OF_A_TIME_NAME = re.compile(r"time|date|stamp|epoch|unix|zeit|datum|fecha|jahr|year", re.I)
"""One of this name, too, where its numbers are of recent times."""
UNNAMED = re.compile(r"|unnamed: \d+|index|__index_level_\d+__", re.I)
WEEK_NAME = re.compile(r"week|woche|semaine|semana|(^|[^a-z])kw([^a-z]|$)", re.I)
