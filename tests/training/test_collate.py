from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from graspseg import Frame, InputError, Intrinsics, open_dataset
from graspseg.datasets.dataset import Sample
from graspseg.datasets.folder import FolderWriter
from graspseg.losses import weighted_cross_entropy
from graspseg.networks import build
from graspseg.training.collate import collate


@pytest.mark.parametrize("options", [{}, {"collate_fn": collate}], ids=["bare", "collate"])
@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_of_torch_over_a_data_set(tmp_path: Path, workers: int, options: dict[str, Any]) -> None:
    writer = FolderWriter(tmp_path, {"intrinsics": {"fx": 200.0, "fy": 200.0, "cx": 32.0, "cy": 24.0}})
    for number in range(5):
        labels = np.full((48, 64), number % 3, np.uint8)
        writer.write(str(number), Frame(np.full((48, 64), 500 + number, np.uint16)), labels)
    loader = DataLoader(cast(Any, open_dataset(tmp_path)), batch_size=2, num_workers=workers, **options)
    batches = list(loader)
    assert [batch["depth"].shape for batch in batches] == [(2, 1, 48, 64), (2, 1, 48, 64), (1, 1, 48, 64)]
    first = batches[0]
    torch.testing.assert_close(first["depth"][1], torch.full((1, 48, 64), 0.501))
    assert list(first) == ["depth", "pixel_angle", "labels"] and first["depth"].dtype == torch.float32
    torch.testing.assert_close(first["pixel_angle"], torch.tensor([1 / 200, 1 / 200]))
    assert first["labels"].dtype == torch.int64 and first["labels"][1].unique().tolist() == [1]
    if not workers:  # what it gives is what networks and losses take
        network = build("unet-small")
        logits = network(first["depth"], first["pixel_angle"])
        assert torch.isfinite(weighted_cross_entropy(logits, first["labels"], weights=(1.0, 5.0, 5.0)))


def test_a_bare_loader_says_which_frame_has_no_labels() -> None:
    sample = Sample("b", Frame(np.ones((4, 6), np.uint16)), None)
    assert list(sample) == ["depth", "pixel_angle", "labels"] and len(sample) == 3
    with pytest.raises(KeyError):
        sample["color"]
    with pytest.raises(InputError, match="b has no label image"):
        next(iter(DataLoader(cast(Any, [sample]))))


def test_what_makes_no_batch() -> None:
    camera = Intrinsics(100.0, 100.0, 1.0, 1.0)
    small, large = (Frame(np.ones((side, 6), np.uint16), 0.001, camera) for side in (4, 5))
    with pytest.raises(InputError, match="b has no label image"):
        collate([Sample("a", small, np.zeros((4, 6), np.uint8)), Sample("b", small, None)])
    with pytest.raises(InputError, match="a of 6x4, b of 6x5"):
        collate([Sample(n, f, np.zeros(f.depth.shape, np.uint8)) for n, f in (("a", small), ("b", large))])
