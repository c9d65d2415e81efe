"""Labels that another program wrote as COCO: masks (RLE) or polygons.

Format: https://cocodataset.org/#format-data.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool

from graspseg.datasets.description import read_object
from graspseg.datasets.images import MOST_PIXELS
from graspseg.frame import InputError
from graspseg.labels import IGNORE
from graspseg.review.shapes import VALUES, LabelledImage, fill_polygon, fill_runs


def read_annotations(path: Path) -> Iterator[LabelledImage]:
    """Labels of every image; where annotations overlap the later one counts.

    Raises:
        InputError: it is no such file, or has a category or mask that cannot be used.
    """
    content = read_object(path)
    try:
        values = {row["id"]: VALUES.get(row["name"]) for row in content["categories"]}
        shapes: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for annotation in content["annotations"]:
            shapes[annotation["image_id"]].append(annotation)
        images = [
            (str(row["file_name"]), int(row["height"]), int(row["width"]), row["id"]) for row in content["images"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} has no images, annotations and categories of COCO ({error!r}), expected them: export it again."
        ) from error
    for name, height, width, number in images:
        try:
            if not 0 < height * width <= MOST_PIXELS:
                raise ValueError(f"the size {width}x{height}")
            labels = np.zeros((height, width), np.uint8)
            for annotation in shapes[number]:
                value = values.get(annotation["category_id"])
                if value is None:
                    raise ValueError(f"the category {annotation['category_id']!r}, expected {', '.join(VALUES)}")
                labels[_inside(annotation["segmentation"], height, width)] = value
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{path}: the image {name!r} has a mask that cannot be used ({error}): correct it."
            ) from error
        yield LabelledImage(name, labels if shapes[number] else None, tells_ignore=IGNORE in values.values())


def _inside(segmentation: Any, height: int, width: int) -> Bool[np.ndarray, "h w"]:
    """The pixels of a mask: runs down the columns, packed or plain, or polygons.

    Raises:
        ValueError: it has another size, or another form.
    """
    if isinstance(segmentation, list):
        inside = np.zeros((height, width), bool)
        for polygon in segmentation:
            inside |= fill_polygon(np.array(polygon, np.float64).reshape(-1, 2), height, width)
        return inside
    if list(segmentation["size"]) != [height, width]:
        raise ValueError(f"the size {segmentation['size']}, expected {[height, width]}")
    counts = segmentation["counts"]
    runs = _unpack(counts) if isinstance(counts, str) else [int(count) for count in counts]
    return fill_runs(runs, width, height).T


def _unpack(text: str) -> list[int]:
    """Lengths of runs from COCO's text: 5 bits a letter from the low end, from the fourth on less the one two before.

    pycocotools does this too, but where the runs are too short for the mask it hands on memory nobody wrote to.
    """
    runs: list[int] = []
    value = shift = 0
    for letter in text.encode("ascii"):
        bits = letter - 48
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        value -= (1 << shift) if bits & 16 else 0
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    return runs
