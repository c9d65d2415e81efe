"""Labels that another program wrote as COCO: masks (RLE) or polygons.

Format: https://cocodataset.org/#format-data.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool

from graspseg.datasets.images import MOST_PIXELS
from graspseg.errors import InputError
from graspseg.labels import IGNORE
from graspseg.review.server.shapes import VALUES, Drawing, DrawnImage, NoArea, Shape, fill_polygon, fill_runs

_LONGEST_RUN_BITS = 60


def read_annotations(content: Mapping[str, Any], path: Path) -> Drawing:
    """Images with their shapes; where annotations overlap the later one counts.

    Args:
        content: what the file holds.
        path: what messages call it.

    Raises:
        InputError: it has no such content, or an image or category twice.
    """
    try:
        names = _unique([(row["id"], str(row["name"])) for row in content["categories"]], "category")
        images = _unique([(row["id"], _size_of(row)) for row in content["images"]], "image")
        shapes: dict[Any, list[Shape]] = defaultdict(list)
        for row in content["annotations"]:
            shapes[row["image_id"]].append(_shape(row, names))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path} has no images, annotations and categories of COCO ({error!r:.200}), expected them: export it "
            "again."
        ) from error
    tells_ignore = any(VALUES.get(name.strip().casefold()) == IGNORE for name in names.values())
    lost = Counter({number: len(rows) for number, rows in shapes.items() if number not in images})
    strays = [
        f"{path} has {count} annotations of the image {number!r:.80}, which it does not list: correct their image_id."
        for number, count in lost.items()
    ]
    drawn = [
        DrawnImage(name, height, width, shapes.get(number, ()), tells_ignore)
        for number, (name, height, width) in images.items()
    ]
    return Drawing(drawn, strays)


def _unique(rows: list[tuple[Any, Any]], what: str) -> dict[Any, Any]:
    found = dict(rows)
    if len(found) < len(rows):
        twice, _ = Counter(number for number, _ in rows).most_common(1)[0]
        raise ValueError(f"the {what} {twice!r:.80} twice")
    return found


def _size_of(row: Mapping[str, Any]) -> tuple[str, int, int]:
    height, width = int(row["height"]), int(row["width"])
    if not (height > 0 and width > 0 and height * width <= MOST_PIXELS):
        raise ValueError(f"an image of the size {width}x{height}")
    return str(row["file_name"]), height, width


def _shape(row: Mapping[str, Any], names: Mapping[Any, str]) -> Shape:
    number = row["category_id"]
    title = f"the annotation {row.get('id', 'without id')!r:.40}"
    return Shape(names.get(number, f"category {number!r:.40}"), title, partial(_fill, row.get("segmentation")))


def _fill(segmentation: Any, height: int, width: int) -> Bool[np.ndarray, "h w"]:
    """The pixels of a mask: runs down the columns, packed or plain, or polygons.

    Raises:
        NoArea: there is no mask.
        ValueError: it has another size, or another form.
    """
    if not segmentation or segmentation == [[]]:
        raise NoArea("an annotation without mask, such as a box or key points, expected a mask or polygon: draw one")
    if isinstance(segmentation, list):
        inside = np.zeros((height, width), bool)
        for polygon in segmentation:
            if not isinstance(polygon, list) or len(polygon) % 2:
                raise ValueError(f"a polygon {polygon!r:.60}, expected a list of x and y in turn")
            inside |= fill_polygon(np.array(polygon, np.float64).reshape(-1, 2), height, width)
        return inside
    if not isinstance(segmentation, dict) or segmentation.get("size") != [height, width]:
        size = segmentation.get("size") if isinstance(segmentation, dict) else segmentation
        raise ValueError(f"a mask of the size {size!r:.60}, expected {[height, width]}")
    counts = segmentation.get("counts")
    if isinstance(counts, str):
        return fill_runs(_unpack(counts), width, height).T
    if not isinstance(counts, list) or not all(type(count) is int for count in counts):
        raise ValueError(f"counts {counts!r:.60}, expected text or whole numbers")
    return fill_runs(counts, width, height).T


def _unpack(text: str) -> list[int]:
    """Lengths of runs from COCO's text: 5 bits a letter from the low end, from the fourth on less the one two before.

    pycocotools does this too, but where the runs are too short for the mask it hands on memory nobody wrote to.

    Raises:
        ValueError: it is no such text.
    """
    runs: list[int] = []
    value = shift = 0
    for letter in text.encode("ascii"):
        bits = letter - 48
        if not 0 <= bits < 64 or shift > _LONGEST_RUN_BITS:  # a number of any length would take time by its square
            raise ValueError(f"counts with {chr(letter)!r} in a place where no such letter can be")
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        value -= (1 << shift) if bits & 16 else 0
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError("counts that break off")
    return runs
