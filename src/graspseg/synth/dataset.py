"""The generator as a data set: frames made on the fly. Imports none of its libraries before the first frame."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args, overload

from graspseg.datasets.dataset import ENDLESS, Dataset, Sample
from graspseg.datasets.description import Description
from graspseg.errors import InputError
from graspseg.synth.preset_names import DEPTH_UNIT_M, EXAM_SEED, PRESETS, PresetName

if TYPE_CHECKING:
    from graspseg.synth.generate import FrameMaker

_PREFIX = "synth:"

JudgedSplit = Literal["val", "unseen"]


class SyntheticDataset(Dataset):
    """Frames with exact labels, each a pure function of split, seed and index.

    Args:
        split: whose hands and objects.
        seed: every seed is another data set.
        recipes: presets of the generator, which make the frames in turn.
        count: number of frames; 0 = it never ends.
        depth_unit_m: meters per stored unit; None takes for each frame what fits, 0.1 mm or 1 mm.
        backgrounds: folders of recorded frames without hands; none = those that ship.
        left_out: frames of them that are not used, as `SET/STEM`.
    """

    def __init__(
        self,
        split: Literal["train", "val", "unseen"],
        seed: int,
        *,
        recipes: Sequence[PresetName] = ("exam1",),
        count: int = 0,
        depth_unit_m: float | None = None,
        backgrounds: Sequence[Path] = (),
        left_out: Sequence[str] = (),
    ) -> None:
        self.split: Literal["train", "val", "unseen"] = split
        self.seed = seed
        self.recipes = tuple(recipes)
        self.count = count or ENDLESS
        self.depth_unit_m = depth_unit_m
        self.backgrounds = tuple(backgrounds)
        self.left_out = tuple(left_out)
        self._makers: dict[PresetName, FrameMaker] = {}

    @property
    def name(self) -> str:
        """Presets and split, as in `synth:wild/val`."""
        return f"{_PREFIX}{'+'.join(self.recipes)}/{self.split}"

    @property
    def description(self) -> Description:
        """Unit and recipe; the camera belongs to each frame."""
        recipe = {"preset": list(self.recipes), "split": self.split, "seed": self.seed}
        return Description(self.depth_unit_m, content={"annotation": "synthetic", "recipe": recipe})

    @property
    def stems(self) -> Sequence[str]:
        """Split and index, made when they are requested."""
        return _Stems(self.split, range(self.count))

    def __len__(self) -> int:
        return self.count

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_makers": {}}

    def splits_of(self, index: int) -> tuple[str, ...]:
        """The split of all frames."""
        return (self.split,)

    def read(self, index: int) -> Sample:
        """Make one frame; the first of each recipe in a process loads the models."""
        made = self._maker(self.recipes[index % len(self.recipes)]).make(index)
        return Sample(self.stems[index], made.frame(depth_unit_m=self.depth_unit_m), made.labels, made.facts)

    def _maker(self, name: PresetName) -> FrameMaker:
        if name not in self._makers:
            from graspseg.synth.generate import FrameMaker
            from graspseg.synth.recipe import Recipe
            from graspseg.synth.scene.backgrounds import Backgrounds

            recorded = Backgrounds(self.backgrounds, left_out=self.left_out) if self.backgrounds else None
            self._makers[name] = FrameMaker(self.split, self.seed, recipe=Recipe.preset(name), backgrounds=recorded)
        return self._makers[name]


class _Stems(Sequence[str]):
    """Names of frames that are too many to list."""

    def __init__(self, split: str, numbers: range) -> None:
        self._split, self._numbers = split, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        found = self._numbers[index]
        return _Stems(self._split, found) if isinstance(found, range) else f"{self._split}-{found:05d}"


def is_synthetic(data: str) -> bool:
    """Whether a user's name of a data set means frames that are made on the fly."""
    return data.startswith(_PREFIX)


def open_judged(data: str) -> SyntheticDataset:
    """Frames to judge models on: `synth:SPLIT:COUNT` or `synth:PRESET/SPLIT:COUNT`, of a frozen seed.

    The split `val` has other objects than training, `unseen` other objects and another hand.

    Raises:
        InputError: no such split or preset, or no count.
    """
    name, _, count = data.removeprefix(_PREFIX).partition(":")
    for split, preset in product(get_args(JudgedSplit), PRESETS):
        if name in (f"{preset}/{split}", split) and count.isdecimal() and int(count) > 0:
            recipe: PresetName = "exam1" if name == split else preset
            return SyntheticDataset(split, EXAM_SEED, recipes=(recipe,), count=int(count), depth_unit_m=DEPTH_UNIT_M)
    raise InputError(
        f"{data} names no exam, expected synth:val:COUNT, synth:unseen:COUNT, or a preset before it as in "
        "synth:wild/val:COUNT: try synth:val:1000."
    )
