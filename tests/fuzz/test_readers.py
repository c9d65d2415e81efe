"""No damaged file ends in a traceback or, where the truth is known, in a wrong result.

The same files at every run, within a fixed budget; benchmarks/robustness/fuzz.py tries many more.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from fuzz import FAULTS, Sample, judge, make_sample
from fuzz_kind import Kind
from fuzz_kinds import KINDS
from fuzz_mutations import OPERATIONS, Change, damaged, is_cut

EXAMPLES = 12  # of each kind: all of them take seconds
SLOW = ("checkpoint safetensors", "model onnx")

BYTE = st.integers(0, 255)
PLACE = st.floats(0, 1, exclude_max=True, width=32)
CUT = st.builds(Change, st.just("cut"), PLACE, BYTE, BYTE).map(lambda change: [change])
OTHERS = st.lists(st.builds(Change, st.sampled_from(OPERATIONS[1:]), PLACE, BYTE, BYTE), min_size=1, max_size=3)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Kind], Sample]:
    @cache
    def made(name: str) -> Sample:
        kind = next(kind for kind in KINDS if kind.name == name)
        return make_sample(kind, tmp_path_factory.mktemp("fuzz") / "good")

    return lambda kind: made(kind.name)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.name not in SLOW], ids=lambda kind: kind.name)
def test_damaged_files(kind: Kind, sample: Callable[[Kind], Sample]) -> None:
    good = sample(kind)

    @settings(
        derandomize=True,
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
    )
    @given(changes=CUT | OTHERS)
    def check(changes: list[Change]) -> None:
        verdict = judge(kind, good, changes)
        assert verdict.outcome not in FAULTS, verdict

    check()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.variant], ids=lambda kind: kind.name)
def test_the_same_content_written_in_another_way(kind: Kind, sample: Callable[[Kind], Sample]) -> None:
    for number in (1, 4, 15):
        verdict = judge(kind, sample(kind), number)
        assert verdict.outcome == "same", (number, verdict)


def test_what_readers_do_wrong_is_noticed(tmp_path: Path) -> None:
    def make(folder: Path) -> Path:
        (folder / "a").write_bytes(b"0123456789")
        return folder / "a"

    def kind_that(read: Callable[[bytes], list[str]], *, said_loss: bool = False) -> Kind:
        from fuzz_kind import Reading

        return Kind("a", make, lambda path: Reading(read(path.read_bytes()), said_loss and len(path.read_bytes()) < 10))

    def outcome(kind: Kind, name: str) -> str:
        return judge(kind, make_sample(kind, tmp_path / name), [Change("cut", 0.5, 0, 0)]).outcome

    assert outcome(kind_that(lambda data: [str(byte) for byte in data]), "short") == "wrong"
    assert outcome(kind_that(lambda data: [str(byte) for byte in data], said_loss=True), "said") == "partial"
    assert outcome(kind_that(lambda data: [str(len(data))]), "other") == "wrong"
    assert outcome(kind_that(lambda data: [str(data[9])]), "error") == "traceback"
    assert outcome(kind_that(lambda data: [str(data[0])]), "same") == "same"


def test_damage_is_the_same_each_time() -> None:
    data = bytes(range(256)) * 4
    for operation in OPERATIONS:
        change = Change(operation, 0.3, 77, 201)
        assert damaged(data, [change]) == damaged(data, [change]) != data
        assert is_cut([change]) == (operation == "cut")
        assert damaged(b"", [change]) is not None
