import pytest

from graspseg.cameras.pairing import pair_by_time


def test_every_depth_gets_the_nearest_color() -> None:
    depth = [0.0, 0.033, 0.066, 0.1]
    color = [0.01, 0.043, 0.076, 0.11]
    assert pair_by_time(depth, color) == [(0, 0), (1, 1), (2, 2), (3, 3)]


def test_depth_without_color_in_time_is_left_out() -> None:
    # Color every 40 ms, the fourth is lost: 30 ms are the most a pair may be apart.
    depth, color = [0.0, 0.04, 0.08, 0.12, 0.16, 0.2], [0.0, 0.04, 0.08, 0.16, 0.2]
    assert pair_by_time(depth, color) == [(0, 0), (1, 1), (2, 2), (4, 3), (5, 4)]
    assert pair_by_time([0.0, 1.0], [0.05]) == [(0, 0)]
    assert pair_by_time([0.0], []) == []


def test_slow_color_serves_several_depths_and_order_of_color_does_not_matter() -> None:
    assert pair_by_time([0.0, 0.02, 0.04, 0.06], [0.04, 0.0]) == [(0, 1), (1, 1), (2, 0), (3, 0)]


@pytest.mark.parametrize(("apart", "paired"), [(0.0999, 1), (0.1001, 0)])
def test_color_of_another_moment_never_counts(apart: float, paired: int) -> None:
    assert len(pair_by_time([5.0], [5.0 + apart, 9.0])) == paired
