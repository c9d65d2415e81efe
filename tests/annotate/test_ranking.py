from pathlib import Path

from graspseg.annotate.ranking import Ranking, as_table
from graspseg.datasets.confidence import parse_confidence


def test_the_end_of_a_job_says_how_sure_it_is_and_what_is_missing() -> None:
    good = Ranking((0.4, 0.811, 0.99), 1200, 3, 30).sentences()
    assert good == ["confidence 0.81 (median; 5 to 95 %: 0.40 to 0.99); no hand in 3 frames, no object in 30"]


def test_much_that_is_missing_gets_a_remedy() -> None:
    _, hand, held = Ranking((0.1, 0.2, 0.3), 120, 60, 120).sentences()
    assert hand.startswith("no hand was found in 50% of the frames") and "--calibrate --clicks" in hand
    assert held.startswith("no object was found in 100% of the frames (it may be called hand")
    assert len(Ranking((0.1, 0.2, 0.3), 120, 30, 30).sentences()) == 1


def test_no_spreadsheet_runs_a_name_of_the_table() -> None:
    table = as_table({"=1+1": {"hand_px": 5.0}, "a/b": {"hand_px": 0.0}}, [0.5, 0.25])
    assert table.decode().splitlines() == ["stem,confidence,hand_px", "'=1+1,0.5000,5", "a/b,0.2500,0"]
    assert [stem for stem, _ in parse_confidence(table, Path("confidence.csv"))] == ["=1+1", "a/b"]
