import threading

import pytest

from graspseg.datasets.read_ahead import read_ahead
from graspseg.errors import InputError


@pytest.mark.parametrize("threads", [1, 3])
def test_order_is_kept_and_errors_are_handed_on(threads: int) -> None:
    def read(index: int) -> int:
        if index == 5:
            raise InputError("five is damaged")
        return index * index

    found = list(read_ahead(read, range(20), threads=threads))
    assert [index for index, _ in found] == list(range(20))
    assert str(found[5][1]) == "five is damaged"
    assert [value for index, value in found if index != 5] == [index * index for index in range(20) if index != 5]


def test_several_are_read_at_once_and_few_ahead() -> None:
    meeting = threading.Barrier(2, timeout=10)
    started: list[int] = []

    def read(index: int) -> int:
        started.append(index)
        if index < 2:
            meeting.wait()
        return index

    frames = read_ahead(read, range(100), threads=2)
    assert next(frames) == (0, 0)
    assert len(started) < 20
    assert len(list(frames)) == 99


def test_other_errors_are_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        list(read_ahead(lambda index: 1 // index, [0], threads=1))
