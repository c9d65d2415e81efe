"""The list of public data sets as table rows for a terminal and as the page `docs/data/public.md`."""

from __future__ import annotations

import re
import textwrap
from typing import Any

from graspseg.datasets.public.registry import describe_all

COLUMNS = ("name", "frames", "sensor", "classes", "licence", "facts", "where")
_INTRODUCTION = """\
# Public data sets

graspseg reads these data sets as they are downloaded. It ships none of them: get one from its makers, agree to its
license, unpack it, and name the folder.

    graspseg train --data dexycb/train:/data/dexycb --validation.data dexycb/val:/data/dexycb --out run
    graspseg evaluate ho3d/train:/data/HO3D_v3 --limit 1000

`NAME:PATH` takes every frame that is there, `NAME/SPLIT:PATH` one of the makers' splits. In Python:

    from graspseg.datasets.public.registry import open_public

    frames = open_public("dexycb", "/data/dexycb", split="val")
    sample = frames[0]  # sample.frame (depth, unit, intrinsics), sample.labels

Labels become 0 background, 1 hand, 2 object and 255 ignore; commands leave out frames without labels. Masks that were
rendered from a hand model end at the wrist, so that a bare forearm counts as background there, other than in our own
frames.

Every fact a reader relies on has a source. "Unverified" are those for which no document or code of the makers was
found: they come from other people's readers or are inferred, and are worth checking on a frame before a long training.

HOI4D and TACO store depth as video. It is read as it is, but only frame after frame is quick: for training, decode it
first with the makers' command (HOI4D's `utils/decode.py`; TACO's `ffmpeg` line, into the folder of the video).

Split lists that are published beside the data (HOI4D's `release.txt` and `testset.txt`, TACO's
`v1_overall_data_train_test_split.txt`, HO-Cap's `hocap_hpe.json` and `hocap_info.yaml`) go into the data set's folder.
"""


def facts(record: dict[str, Any]) -> str:
    """How far a data set's reader is confirmed by its makers."""
    return "all verified" if record["verified"] else f"unverified: {', '.join(record['unverified'])}"


def table_rows() -> list[tuple[str, ...]]:
    """One row of `COLUMNS` for each data set."""
    return [tuple({**record, "facts": facts(record)}[column] for column in COLUMNS) for record in describe_all()]


def as_text(*, columns: int = 100) -> str:
    """What there is, as paragraphs that fit a terminal: a line of head for each data set, and what follows indented.

    Args:
        columns: characters of a line; a web address is not cut.
    """
    lines: list[str] = []
    for record in describe_all():
        told = {
            "what": f"{record['frames']} frames, {record['sensor']}; {record['classes']}",
            "licence": record["licence"],
            "facts": facts(record),
            "where": record["where"],
        }
        lines += ["", f"{record['name']}  ({record['title']})"]
        for name, text in told.items():
            wrapped = textwrap.wrap(text, columns - 11, break_long_words=False, break_on_hyphens=False)
            lines += [f"  {name if not number else '':<9}{part}" for number, part in enumerate(wrapped)]
    return "\n".join([*lines[1:], "", "Use one as NAME:FOLDER or NAME/SPLIT:FOLDER, for example ho3d/train:HO3D_v3."])


def page() -> str:
    """`docs/data/public.md`; write it anew with `python tools/docs/public_data.py`."""
    lines = [_INTRODUCTION, "| " + " | ".join(COLUMNS) + " |", "|" + " --- |" * len(COLUMNS)]
    lines += ["| " + " | ".join(row) + " |" for row in table_rows()]
    for record in describe_all():
        splits = ", ".join(f"`{split}`" for split in record["splits"]) or "none"
        lines += [
            "",
            f"## {record['title']} (`{record['name']}`)",
            "",
            f"- Get it: <{record['where']}>. {record['licence']}",
            f"- Cite: {record['citation']}.",
            f"- Layout: {_plain(record['layout'])}.",
            f"- Depth: {_plain(record['depth'])}.",
            f"- Labels: {_plain(record['labels'])}.",
            f"- Splits: {splits}.",
            "- Read in:",
        ]
        for source in record["sources"]:
            unverified = "" if source["official"] else " (**unverified**)"
            lines.append(f"    - {source['fact']}: {_plain(source['where'])}{unverified}")
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Text whose signs mean nothing to Markdown."""
    return re.sub(r"([<*])", r"\\\1", text)
