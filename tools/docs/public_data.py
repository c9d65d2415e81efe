"""Write docs/data/public.md anew from the list of public data sets."""

from __future__ import annotations

from pathlib import Path

from graspseg.datasets.public.describe import page

if __name__ == "__main__":
    (Path(__file__).parents[2] / "docs" / "data" / "public.md").write_text(page(), encoding="utf-8")
