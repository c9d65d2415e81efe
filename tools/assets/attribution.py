"""The sections of ATTRIBUTION.md that the baking scripts write."""

from __future__ import annotations

import re
from pathlib import Path


def write_section(path: Path, section: str) -> None:
    """Put a section that starts with its `## ` title in place of the one of that title, or at the end."""
    title = section.splitlines()[0]
    text = path.read_text(encoding="utf-8") if path.exists() else "# Attribution\n"
    parts = [part.rstrip() + "\n" for part in re.split(r"(?m)^(?=## )", text)]
    titles = [part.splitlines()[0] for part in parts]
    if title in titles:
        parts[titles.index(title)] = section
    else:
        parts.append(section)
    path.write_text("\n".join(parts), encoding="utf-8")
