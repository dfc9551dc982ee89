"""Months are known in many languages, and none means two."""

import pytest

from pipeline.files.monthnames import _BY_LANGUAGE, MONTHS, in_english, month_of


def test_no_two_languages_disagree() -> None:
    for names in _BY_LANGUAGE:
        assert [MONTHS[name] for name in names.split()] == list(range(1, 13))


@pytest.mark.parametrize(
    ("written", "english"),
    [
        ("1. März 2024", "1 March 2024"),
        ("1er janv. 2024", "1 January 2024"),
        ("5 de mayo de 2024", "5 May 2024"),
        ("31-dic-2024", "31-December-2024"),
        ("août 2024", "August 2024"),
        ("Mi., 3. Mai 2024 13:00", "Mi., 3 May 2024 13:00"),
        ("2nd February 2024", "2 February 2024"),
        ("2024 Mrz", "2024 March"),
        ("marshmallow 2024", "marshmallow 2024"),
    ],
)
def test_a_date_is_brought_into_english(written: str, english: str) -> None:
    assert in_english(written) == english


def test_what_is_no_month_has_no_number() -> None:
    assert month_of("Lundi") is None
    assert month_of(" Sept. ") == 9
