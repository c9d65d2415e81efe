"""What `graspseg synth` is to make: a job, the chunks it is done in, and the folder it is written to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from graspseg.datasets.atomic import make_folder
from graspseg.datasets.chunked_writer import Chunk, ChunkedJob, Format, Written
from graspseg.datasets.folder import FACTS_FOLDER, FolderWriter
from graspseg.datasets.manifest import MANIFEST, read_manifest, write_manifest
from graspseg.datasets.output_folder import refuse_foreign
from graspseg.datasets.shard_writer import SHARD_SIZE
from graspseg.errors import InputError
from graspseg.frame import Intrinsics
from graspseg.synth.color.picture import ColorSettings, calibration
from graspseg.synth.colored import ColorMaker, ColorMode, color_settings
from graspseg.synth.generate import HEIGHT, WIDTH, FrameMaker
from graspseg.synth.objects.cast import Cast
from graspseg.synth.objects.objects import Split
from graspseg.synth.preset_names import DEPTH_UNIT_M
from graspseg.synth.recipe import RECIPES, PresetName, Recipe, SleevePolicy
from graspseg.synth.scene.backgrounds import Backgrounds
from graspseg.synth.scene.motion import RATE_HZ
from graspseg.synth.sensor.profiles import SensorName

CHUNK = 16
KINDS = ("depth", "labels", "color")
GENERATOR_VERSION = 1

Cameras = Literal["one", "many"]


@dataclass(frozen=True)
class Job(ChunkedJob):
    """A data set to make: `count` frames of a split from a seed, stored one way.

    Attributes:
        out, count, seed, split, format, shard_size: see `graspseg synth`.
        preset: the recipe of the scenes.
        sleeve: label of cloth on arms.
        cameras: one for all frames, or another for every frame (or clip), which only shards can store.
        clip_length: 0 makes single frames; else clips of so many frames, one after the other.
        sensor: what measures; None is the preset's.
        color: also make pictures that fit the depth, or those of a camera beside it.
        color_error_px: most by which a picture misses what its calibration promises.
        backgrounds: folders of recorded frames without hands; none = those that ship, where the preset takes any.
        left_out: frames of them that are not used, as `SET/STEM`.

    Raises:
        InputError: a folder, which has one camera, is to hold frames of many; or backgrounds are given to a preset
            that takes none, or that cannot go with them.
    """

    out: Path
    count: int
    seed: int
    split: Split
    format: Format = "folder"
    shard_size: int = SHARD_SIZE
    preset: PresetName = "exam1"
    sleeve: SleevePolicy = "background"
    cameras: Cameras = "one"
    clip_length: int = 0
    sensor: SensorName | None = None
    color: ColorMode = "none"
    color_error_px: float = 0.0
    backgrounds: tuple[Path, ...] = ()
    left_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        recorded = RECIPES[self.preset].recorded_share > 0
        if self.backgrounds and not recorded:
            taking = ", ".join(name for name, recipe in RECIPES.items() if recipe.recorded_share > 0)
            raise InputError(
                f"--backgrounds was given with --preset {self.preset}, which puts nothing into recorded frames: use "
                f"--preset {taking}."
            )
        if recorded and (self.color != "none" or self.clip_length):
            raise InputError(
                f"--preset {self.preset} takes recorded depth frames, which have no color and do not move: leave out "
                "--color and --clips."
            )
        if self.cameras == "many" and self.format == "folder":
            raise InputError(
                "--cameras many was given with --format folder, which stores one camera for all frames: "
                "use --format shards or leave --cameras out."
            )

    def recipe(self) -> dict[str, Any]:
        """What decides how each frame looks: options that differ make another data set."""
        chosen = {"preset": self.preset, "split": self.split, "seed": self.seed, "sleeve": self.sleeve}
        chosen |= {"sensor": self._scenes().sensor}
        chosen |= {"cameras": self.cameras, "clip_length": self.clip_length, "color": self.color}
        if self.backgrounds:
            chosen |= {"backgrounds": [folder.name for folder in self.backgrounds], "left_out": list(self.left_out)}
        return chosen | {"color_error_px": self.color_error_px}

    def description(self) -> dict[str, Any]:
        """What `dataset.json` or the manifest says of all frames."""
        recipe = ", ".join(f"{name} {value}" for name, value in self.recipe().items())
        described: dict[str, Any] = {
            "depth_unit_m": DEPTH_UNIT_M,
            "licence": "CC-BY-4.0",
            "annotation": "synthetic",
            "provenance": f"graspseg synth, generator {GENERATOR_VERSION}, {recipe}",
            "recipe": self.recipe(),
        }
        camera = self.camera()
        if camera is not None:
            described["intrinsics"] = asdict(camera)
        if self.clip_length:
            described["rate_hz"] = RATE_HZ
        settings = self._color_settings()
        if settings is not None and settings.rig is not None:
            described["color"] = calibration(settings.rig.intrinsics, settings.rig.color_from_depth)
        return described

    def camera(self) -> Intrinsics | None:
        """The camera of all frames, None where each has its own."""
        return Intrinsics.default(WIDTH, HEIGHT) if self.cameras == "one" else None

    def maker(self) -> FrameMaker | ColorMaker:
        """What makes its frames.

        Raises:
            InputError: the options do not go together.
        """
        frames = FrameMaker(
            self.split,
            self.seed,
            intrinsics=self.camera(),
            recipe=self._scenes(),
            sleeve=self.sleeve,
            clip_length=self.clip_length,
            backgrounds=Backgrounds(self.backgrounds, left_out=self.left_out) if self.backgrounds else None,
        )
        settings = self._color_settings()
        return frames if settings is None else ColorMaker(frames, settings, clip_length=self.clip_length)

    def _scenes(self) -> Recipe:
        preset = RECIPES[self.preset]
        return preset if self.sensor is None else replace(preset, sensor=self.sensor)

    def _color_settings(self) -> ColorSettings | None:
        """How color is made, None without it."""
        return None if self.color == "none" else color_settings(self.color, self.seed, error_px=self.color_error_px)

    @property
    def chunk_size(self) -> int:
        """Frames of a chunk of a folder; a clip is never cut."""
        return max(CHUNK, self.clip_length)

    @property
    def shard_name(self) -> str:
        """The split."""
        return self.split

    @property
    def folders(self) -> tuple[str, ...]:
        """Folders of pictures and of what is known of them."""
        return (*KINDS, FACTS_FOLDER)

    def stem(self, index: int) -> str:
        """File name of frame `index`, without suffix, and its key in a shard."""
        if self.clip_length:
            clip, number = divmod(index, self.clip_length)
            return f"{self.split}-clip-{clip:05d}-frame-{number:05d}"
        return f"{self.split}-{index:07d}"

    def index(self, stem: str) -> int | None:
        """The frame that `stem` names, None when it is none of such a job."""
        numbers = [int(number) for number in re.findall(r"\d{5,}", stem)]
        if len(numbers) != 1 + bool(self.clip_length):
            return None
        index = numbers[0] * self.clip_length + numbers[1] if self.clip_length else numbers[0]
        return index if self.stem(index) == stem else None

    def chunks(self) -> Sequence[Chunk[Job]]:
        """The work in pieces; see `ChunkedJob`."""
        return self.chunks_of(self.count)


def begin(job: Job) -> None:
    """Make the folder ready for the chunks of a job, which may be there in part.

    Raises:
        InputError: the folder holds another data set, or cannot be written to.
    """
    check_folder(job)
    job.maker()
    make_folder(job.out)
    job.clear()
    if job.format == "folder":
        if not job.description_file.is_file():  # else somebody may have added splits to it
            FolderWriter(job.out, job.description())
    elif _begun_count(job) != job.count:
        write_manifest(job.out, _manifest_fields(job), (), complete=False)


def finish(job: Job, done: Iterable[Written]) -> None:
    """Remove what lost workers left half-written, and say in the manifest that all chunks are there."""
    job.finish(_manifest_fields(job), done)


def _manifest_fields(job: Job) -> dict[str, Any]:
    """What the manifest says beyond `dataset.json`: how to make the same again, and what the split may show."""
    recipe = RECIPES[job.preset]
    shown = Cast(job.split, recipe.most_objects, edition=recipe.edition)
    return {
        **job.description(),
        "generator_version": GENERATOR_VERSION,
        "recipe": {**job.recipe(), "count": job.count, "shard_size": job.shard_size},
        "seed_range": {"seed": job.seed, "first": 0, "last": job.count - 1},
        "split_facts": {job.split: {"hand": shown.hand_name, "objects": shown.names}},
    }


def check_folder(job: Job) -> None:
    """Refuse to mix two data sets, or two ways to store one, in one folder.

    Raises:
        InputError: what is there was not written by this job.
    """
    there = job.description_file
    if job.other_description.is_file():
        raise job.stored_otherwise()
    if not there.is_file():
        refuse_foreign(job.out, (there.name, *(f"{kind}/*.*" for kind in KINDS), "*.tar"), "graspseg synth")
        return
    found, expected = _identity(there), job.description()["provenance"]
    if found != expected:
        raise InputError(
            f"{job.out} holds another data set ({found}), expected an empty folder or one begun by {expected}: "
            "choose another --out."
        )
    if job.format == "shards":
        _check_recipe(job)
    else:
        _check_count(job)


def _identity(path: Path) -> object:
    """Where a data set says it is from."""
    try:
        return json.loads(path.read_text(encoding="utf-8")).get("provenance")
    except (OSError, ValueError, RecursionError, AttributeError) as error:
        raise InputError(f"{path} is no readable description ({error}): choose another --out.") from error


def _check_recipe(job: Job) -> None:
    """Shards of another size or of more frames would stay behind beside those of this job."""
    size, count = _recipe(job).get("shard_size"), _begun_count(job)
    if size != job.shard_size or not isinstance(count, int) or count > job.count:
        raise InputError(
            f"{job.out} was begun with --shard-size {size} --count {count}, expected --shard-size {job.shard_size} and "
            f"at most {job.count} frames: give the same size and as many frames or more, or choose another --out."
        )


def _check_count(job: Job) -> None:
    """Frames that this job does not have would stay behind beside its own."""
    for path in (job.out / "depth").glob(f"{job.split}-*.png"):
        index = job.index(path.stem)
        if index is not None and index >= job.count:
            raise InputError(
                f"{job.out} holds {path.stem}, expected frames 0 to {job.count - 1} only: ask for as many as it was "
                "begun with or more, or choose another --out."
            )


def _begun_count(job: Job) -> object:
    return _recipe(job).get("count")


def _recipe(job: Job) -> dict[str, Any]:
    """How the shards that are there were begun, empty where none are."""
    manifest = read_manifest(job.out / MANIFEST)
    recipe = manifest.description.content.get("recipe") if manifest else None
    return recipe if isinstance(recipe, dict) else {}
