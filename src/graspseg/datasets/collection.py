"""A folder of data sets, each with a `dataset.json` of its own."""

from __future__ import annotations

from pathlib import Path

from graspseg.datasets.listing import natural_order


def data_sets_in(folder: str | Path) -> list[Path]:
    """Data sets right below a folder, in natural order: folders that hold `depth/` and `dataset.json`.

    Returns:
        Their paths; none when `folder` is a data set itself, or no folder.
    """
    folder = Path(folder)
    if not folder.is_dir() or (folder / "depth").is_dir() or (folder / "dataset.json").is_file():
        return []
    found = [path.parent for path in folder.glob("*/dataset.json") if (path.parent / "depth").is_dir()]
    return sorted(found, key=lambda path: natural_order(path.name))
