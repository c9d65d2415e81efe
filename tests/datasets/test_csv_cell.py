import pytest

from graspseg.datasets.csv_cell import as_cell, from_cell


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''", "'", "\uff1d1"])
def test_what_a_spreadsheet_would_run_is_text_and_is_read_back(name: str) -> None:
    assert as_cell(name) == "'" + name and from_cell(as_cell(name)) == name


@pytest.mark.parametrize("name", ["", "0", "take/=1", "a-1", "a'"])
def test_other_names_stay(name: str) -> None:
    assert as_cell(name) == name == from_cell(name)


def test_quotes_of_tables_from_before_are_part_of_the_name() -> None:
    assert from_cell("'a") == "'a"
