"""How checkpoints of unfinished runs get to the disk."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from graspseg.datasets.atomic import write_bytes
from graspseg.errors import InputError


class AtomicCheckpointIO(TorchCheckpointIO):
    """Checkpoints that are whole or not there; Lightning's own are copied from the system's temporary folder."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write a checkpoint.

        Raises:
            OutputError: it cannot be written; the one before stays.
        """
        data = io.BytesIO()
        torch.save(checkpoint, data)
        write_bytes(Path(path), data.getbuffer())


def check_whole(checkpoint: Path) -> None:
    """See that a checkpoint has its end.

    Raises:
        InputError: it has not.
    """
    if not zipfile.is_zipfile(checkpoint):
        raise InputError(
            f"{checkpoint} is no whole checkpoint, expected one that graspseg train wrote: remove it to start the run "
            "from its beginning."
        )
