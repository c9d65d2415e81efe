"""What a data set holds, in the figures of the paper's Table 1 and some more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Int64

from graspseg.datasets.dataset import Dataset, Sample
from graspseg.datasets.description import Description
from graspseg.datasets.read_ahead import read_ahead
from graspseg.errors import InputError
from graspseg.labels import BACKGROUND, HAND, IGNORE, OBJECT

_CLASSES = {"background": BACKGROUND, "hand": HAND, "object": OBJECT, "ignore": IGNORE}
_FAILURES_KEPT = 20


@dataclass
class Statistics:
    """Counts over frames; memory does not grow but for one number a frame.

    Attributes:
        frames, labeled, colored: number of frames, of those with labels, and of those with a picture.
        with_object: frames that show a hand and an object.
        sizes: frames by `WIDTHxHEIGHT`.
        splits: frames by split.
        pixels: labeled pixels by label value.
        hand_px: hand pixels of every frame that shows a hand.
        depth: by unit in meters, how many pixels hold each of the 65,536 stored values.
        objects, hands, subjects: names met.
        objects_a_frame: frames that name their objects, by how many.
        interactions: frames by what hands do in them.
        failed, failures: number of frames that could not be read, and the first reasons.
    """

    frames: int = 0
    labeled: int = 0
    colored: int = 0
    with_object: int = 0
    sizes: Counter[str] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)
    pixels: Int64[np.ndarray, "256"] = field(default_factory=lambda: np.zeros(256, np.int64))
    hand_px: list[int] = field(default_factory=list)
    depth: dict[float, Int64[np.ndarray, "65536"]] = field(default_factory=dict)
    objects: set[str] = field(default_factory=set)
    hands: set[str] = field(default_factory=set)
    subjects: set[str] = field(default_factory=set)
    objects_a_frame: Counter[int] = field(default_factory=Counter)
    interactions: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    failures: list[str] = field(default_factory=list)

    def add(self, sample: Sample, *, splits: Iterable[str] = (), colored: bool = False) -> None:
        """Count one frame."""
        depth = sample.frame.depth
        self.frames += 1
        self.colored += colored
        self.sizes[f"{depth.shape[1]}x{depth.shape[0]}"] += 1
        self.splits.update(splits)
        self.depth.setdefault(sample.frame.depth_unit_m, np.zeros(1 << 16, np.int64))
        self.depth[sample.frame.depth_unit_m] += np.bincount(depth.ravel(), minlength=1 << 16)
        self._know(sample.facts)
        objects, interaction = sample.facts.get("objects"), sample.facts.get("interaction")
        if isinstance(objects, list):
            self.objects_a_frame[len(objects)] += 1
        if isinstance(interaction, str):
            self.interactions[interaction] += 1
        if sample.labels is None:
            return
        counts = np.bincount(sample.labels.ravel(), minlength=256)
        self.labeled += 1
        self.pixels += counts
        if counts[HAND]:
            self.hand_px.append(int(counts[HAND]))
            self.with_object += bool(counts[OBJECT])

    def fail(self, reason: str) -> None:
        """Count a frame that could not be read."""
        self.failed += 1
        if len(self.failures) < _FAILURES_KEPT:
            self.failures.append(reason)

    def describe(self, description: Description) -> None:
        """Learn which objects, hands and people the data set as a whole names for the splits met.

        Objects that a split may show are counted only where frames do not name those that they do show.
        """
        facts = description.content.get("split_facts")
        for split, known in facts.items() if isinstance(facts, dict) else ():
            if isinstance(known, dict) and (split in self.splits or not self.splits):
                self._know({key: known[key] for key in known if key != "objects" or not self.objects_a_frame})

    def _know(self, facts: Any) -> None:
        for names, key in ((self.objects, "objects"), (self.hands, "hand"), (self.subjects, "subject")):
            value = facts.get(key)
            names.update(str(name) for name in (value if isinstance(value, list) else [value]) if name is not None)


def collect(dataset: Dataset, *, threads: int = 1, progress: Callable[[], None] | None = None) -> Statistics:
    """Read every frame and count.

    Args:
        dataset: what to count.
        threads: frames read at once.
        progress: called after every frame.

    Raises:
        InputError: not one frame could be read.
    """
    found = Statistics()
    for index, sample in read_ahead(dataset.__getitem__, range(len(dataset)), threads=threads):
        if isinstance(sample, InputError):
            found.fail(str(sample))
        else:
            found.add(sample, splits=dataset.splits_of(index) or _own_split(sample), colored=dataset.has_color(index))
        if progress is not None:
            progress()
    if not found.frames:
        raise InputError(f"None of {len(dataset)} frames could be read, the first because: {found.failures[0]}")
    found.describe(dataset.description)
    return found


def _own_split(sample: Sample) -> tuple[str, ...]:
    """The split that a frame itself names, where its data set names none."""
    split = sample.facts.get("split")
    return (split,) if isinstance(split, str) else ()


def as_json(found: Statistics, description: Description) -> dict[str, Any]:
    """Every figure, `None` where nothing is known.

    `hand_px` are pixels of hand a frame, over the frames that show one: the paper's "hand resolution", which it only
    calls low, middle or high. `interaction` is the share of those frames that show an object too. Depth is in meters,
    over all measured pixels. `objects_a_frame` and `interactions` count the frames that say so themselves.
    """
    labeled_px = int(found.pixels.sum())
    shares = {name: int(found.pixels[label]) / max(labeled_px, 1) for name, label in _CLASSES.items()}
    hands = len(found.hand_px)
    return {
        "type": _kind(found, description),
        "annotation": description.content.get("annotation") if found.labeled else "none",
        "licence": description.content.get("licence"),
        "frames": found.frames,
        "labelled": found.labeled,
        "with_color": found.colored,
        "unreadable": found.failed,
        "splits": dict(sorted(found.splits.items())),
        "resolution": dict(found.sizes.most_common()),
        "hand_px": _quantiles(np.array(found.hand_px)) if hands else None,
        "with_hand": hands,
        "interaction": found.with_object / hands if hands else None,
        "objects": len(found.objects) if found.objects or found.objects_a_frame else None,
        "objects_a_frame": {str(count): found.objects_a_frame[count] for count in sorted(found.objects_a_frame)},
        "interactions": dict(found.interactions.most_common()),
        "hands": sorted(found.hands) or None,
        "subjects": len(found.subjects) or None,
        "class_share": shares if labeled_px else None,
        **_depth(found.depth),
    }


def _kind(found: Statistics, description: Description) -> str:
    if not found.colored:
        return "depth"
    return "depth and color" if description.color_is_aligned else "depth and color of a camera beside it"


def _quantiles(values: np.ndarray) -> dict[str, float]:
    return {name: float(np.percentile(values, q)) for name, q in (("median", 50), ("p5", 5), ("p95", 95))}


def _depth(counts: dict[float, np.ndarray]) -> dict[str, Any]:
    """Share of measured pixels, and quantiles of their depth in meters."""
    meters = np.concatenate([np.arange(1, 1 << 16) * unit for unit in counts])
    pixels = np.concatenate([count[1:] for count in counts.values()])
    total = sum(int(count.sum()) for count in counts.values())
    order = np.argsort(meters)
    below = np.cumsum(pixels[order])
    if not below[-1]:
        return {"measured_share": 0.0, "depth_m": None}
    names = {"min": 0.0, "p1": 0.01, "median": 0.5, "p99": 0.99, "max": 1.0}
    places = {name: np.searchsorted(below, max(1, int(np.ceil(share * below[-1])))) for name, share in names.items()}
    depth_m = {name: round(float(meters[order][place]), 6) for name, place in places.items()}
    return {"measured_share": int(below[-1]) / total, "depth_m": depth_m}


def as_text(figures: dict[str, Any]) -> str:
    """The figures of `as_json` as lines that a person reads."""
    px, depth, shares = figures["hand_px"], figures["depth_m"], figures["class_share"]
    interaction = figures["interaction"]
    splits = _counts(figures["splits"])
    lines = {
        "type": figures["type"],
        "annotation": figures["annotation"] or "unknown",
        "licence": figures["licence"] or "unknown",
        "frames": f"{figures['frames']:,}" + (f" ({splits})" if splits else ""),
        "labelled": f"{figures['labelled']:,}",
        "resolution": ", ".join(f"{size} ({count:,})" for size, count in figures["resolution"].items()),
        "hand resolution": f"{px['median']:,.0f} px a frame (median; 5-95 %: {px['p5']:,.0f}-{px['p95']:,.0f})"
        if px
        else "no hand",
        "object interaction": "no hand" if interaction is None else f"{interaction:.1%} of the frames with a hand",
        "objects": _objects(figures),
        "interactions": _counts(figures["interactions"]) or "unknown",
        "hands": ", ".join(figures["hands"] or ["unknown"]),
        "subjects": figures["subjects"] or "unknown",
        "class balance": ", ".join(f"{name} {share:.2%}" for name, share in shares.items()) if shares else "no labels",
        "measured": f"{figures['measured_share']:.1%} of the pixels",
        "depth": f"{depth['p1']:.3f}-{depth['p99']:.3f} m (1-99 %), median {depth['median']:.3f} m"
        if depth
        else "none",
    }
    width = max(map(len, lines))
    return "\n".join(f"{name:<{width}}  {text}" for name, text in lines.items())


def _objects(figures: dict[str, Any]) -> str:
    if figures["objects"] is None:
        return "unknown"
    held = ", ".join(f"{count} in {frames:,}" for count, frames in figures["objects_a_frame"].items())
    return f"{figures['objects']}" + (f" (a frame: {held})" if held else "")


def _counts(frames: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in frames.items())
