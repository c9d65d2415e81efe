"""TACO: two hands, a tool and an object, with depth from the head-mounted camera only."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from graspseg.datasets.files import read_file
from graspseg.datasets.images import read_depth
from graspseg.datasets.public.dataset import Card, PublicDataset, Source
from graspseg.datasets.public.reading import intrinsics_of, read_lines, read_video_frame, video_length
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics

_TOOLKIT = "https://github.com/leolyliu/TACO-Instructions/blob/master"
_DEPTH = "Egocentric_Depth_Videos"
_VIDEO = "egocentric_depth.avi"
_LIST = "v1_overall_data_train_test_split.txt"
_UNIT_M = 1 / 4000


class Taco(PublicDataset):
    """TACO's egocentric depth; see `card`. A stem is `triplet/sequence/frame`."""

    card = Card(
        name="taco",
        title="TACO",
        frames="2,317 sequences (2,212 with depth)",
        sensor="head-mounted depth camera, 1920x1080",
        layout="Egocentric_Depth_Videos/<triplet>/<sequence>/egocentric_depth.avi and Egocentric_Camera_Parameters/",
        depth="16-bit video (FFV1), or PNG files made of it beside it, 4000 units a meter; egocentric_intrinsic.txt",
        classes="none",
        labels="none: the masks it has belong to the twelve third-person color cameras, which have no depth",
        splits=("train", "test_1", "test_2", "test_3", "test_4"),
        licence="CC BY 4.0.",
        where="https://taco2024.github.io",
        citation="Liu et al., TACO: Benchmarking Generalizable Bimanual Tool-ACtion-Object Understanding, CVPR 2024",
        sources=(
            Source("layout", f"{_TOOLKIT}/README.md (Data Organization)"),
            Source("depth coding", f"{_TOOLKIT}/README.md (Parse Egocentric Depth Videos)"),
            Source("depth unit", "https://github.com/leolyliu/TACO-Instructions/issues/15 (maintainer: scale 4000)"),
            Source("intrinsics", f"{_TOOLKIT}/dataset_utils/project_pose_to_egocentric_view.py"),
            Source(
                "labels", "twelve files a sequence in 2D_Segmentation.zip as other people list them", official=False
            ),
            Source("splits", f"{_TOOLKIT}/data_lists/{_LIST}"),
            Source("licence", f"{_TOOLKIT}/README.md (License)"),
        ),
    )

    @classmethod
    def matches(cls, root: Path) -> bool:
        """Whether there is egocentric depth."""
        return (root / _DEPTH).is_dir()

    def _find(self) -> list[str]:
        chosen = None if self.split is None else self._listed(self.split)
        stems = []
        for sequence in sorted((self.path / _DEPTH).glob("*/*")):
            if sequence.is_dir() and (chosen is None or sequence.name in chosen):
                numbers = sorted(path.stem for path in sequence.glob("*.png"))
                if not numbers and (sequence / _VIDEO).is_file():
                    numbers = [f"{index:05d}" for index in range(video_length(sequence / _VIDEO))]
                stems += [f"{sequence.parent.name}/{sequence.name}/{number}" for number in numbers]
        return stems

    def _listed(self, split: str) -> set[str]:
        lines = read_lines(self.path / _LIST, f"{_TOOLKIT}/data_lists/{_LIST}")
        return {line.partition(",")[0] for line in lines if line.strip().partition(",")[2] == split}

    def frame(self, stem: str) -> Frame:
        """Read the depth of one frame: a PNG where the video was decoded, else out of the video."""
        sequence, _, number = stem.rpartition("/")
        camera = _camera(self.path / "Egocentric_Camera_Parameters" / sequence / "egocentric_intrinsic.txt")
        folder = self.path / _DEPTH / sequence
        if (folder / f"{number}.png").is_file():
            return read_depth(folder / f"{number}.png", depth_unit_m=_UNIT_M, intrinsics=camera)
        return Frame(read_video_frame(folder / _VIDEO, int(number)), _UNIT_M, camera)


@lru_cache(maxsize=1024)
def _camera(path: Path) -> Intrinsics:
    try:
        return intrinsics_of([float(number) for number in read_file(path).split()], path)
    except InputError:
        raise
    except ValueError as error:
        raise InputError(
            f"{path} is no readable 3 x 3 matrix, expected one of Egocentric_Camera_Parameters.zip: download it again."
        ) from error
