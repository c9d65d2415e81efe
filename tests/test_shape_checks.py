import numpy as np
import pytest
from jaxtyping import TypeCheckError

from graspseg.metrics import Confusion


def test_shapes_in_signatures_are_checked_in_tests() -> None:
    flat = np.zeros(4, np.uint8)
    with pytest.raises(TypeCheckError, match="prediction"):
        Confusion().update(flat, flat)


def test_types_in_signatures_are_checked_in_tests() -> None:
    image = np.zeros((2, 2), np.uint8)
    with pytest.raises(TypeCheckError, match="target"):
        Confusion().update(image, image.astype(np.float32))
