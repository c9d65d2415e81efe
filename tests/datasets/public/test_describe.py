from pathlib import Path

from graspseg.datasets.public.describe import COLUMNS, page, table_rows
from graspseg.datasets.public.registry import DATASETS

PAGE = Path(__file__).parents[3] / "docs" / "data" / "public.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python tools/docs/public_data.py"


def test_a_row_for_every_data_set() -> None:
    rows = table_rows()
    assert [row[0] for row in rows] == list(DATASETS)
    assert all(len(row) == len(COLUMNS) and all(row) for row in rows)
    facts = dict(zip((row[0] for row in rows), (row[COLUMNS.index("facts")] for row in rows), strict=True))
    assert facts["dexycb"] == "unverified: licence"
    assert "depth unit" in facts["handseg"]
