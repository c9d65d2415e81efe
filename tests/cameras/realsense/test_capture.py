import numpy as np

from graspseg.cameras.pixels import RawPicture
from graspseg.cameras.realsense.capture import Matcher, Taken


def taken(number: int, time_s: float) -> Taken:
    return Taken(number, RawPicture(np.zeros(2, np.uint8), 1, 1, "z16", time_s))


def numbers(pairs: list[tuple[Taken, Taken]]) -> list[tuple[int, int]]:
    return [(depth.number, color.number) for depth, color in pairs]


def test_pairs_are_of_one_moment_and_come_once() -> None:
    matcher = Matcher(0.02)
    assert numbers(matcher.add(taken(1, 0.0), taken(1, 0.005))) == [(1, 1)]
    assert matcher.add(taken(1, 0.0), taken(1, 0.005)) == []  # the SDK hands some over twice
    assert numbers(matcher.add(taken(2, 0.033), taken(2, 0.038))) == [(2, 2)]


def test_depth_waits_for_late_color() -> None:
    matcher = Matcher(0.02)
    assert numbers(matcher.add(taken(1, 0.0), taken(1, 0.0))) == [(1, 1)]
    assert matcher.add(taken(2, 0.033), taken(1, 0.0)) == []
    assert matcher.add(taken(3, 0.067), None) == []
    assert numbers(matcher.add(None, taken(2, 0.033))) == [(2, 2)]
    assert numbers(matcher.add(None, taken(3, 0.067))) == [(3, 3)]


def test_depth_whose_color_is_lost_is_dropped() -> None:
    matcher = Matcher(0.02)
    assert matcher.add(taken(1, 0.0), None) == []
    assert numbers(matcher.add(taken(2, 0.033), taken(2, 0.033))) == [(2, 2)]


def test_depth_does_not_wait_forever() -> None:
    matcher = Matcher(0.02)
    matcher.add(taken(1, 0.0), taken(1, 0.0))
    for number in range(2, 12):  # color stopped
        assert matcher.add(taken(number, number / 30), None) == []
    assert numbers(matcher.add(taken(12, 12 / 30), taken(12, 12 / 30))) == [(12, 12)]
