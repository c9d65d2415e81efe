import numpy as np
import pytest

from graspseg import labels as lb


def test_colors_follow_the_palette() -> None:
    image = np.array([[lb.BACKGROUND, lb.HAND], [lb.OBJECT, lb.IGNORE], [7, 0]], np.uint8)
    colors = lb.colorize(image)
    for position, value in np.ndenumerate(image):
        assert tuple(colors[position]) == lb.PALETTE.get(int(value), (0, 0, 0))


def test_near_is_brighter_and_unmeasured_is_black() -> None:
    depth = np.array([[0, 400, 800, 1600]], np.uint16)
    gray = lb.shade_depth(depth)[0, :, 0]
    assert gray[0] == 0
    assert gray[1] > gray[2] > gray[3] > 0


@pytest.mark.parametrize("value", [0, 1, 65535])
def test_flat_depth_can_be_shaded(value: int) -> None:
    picture = lb.shade_depth(np.full((3, 5), value, np.uint16))
    assert picture.shape == (3, 5, 3)
    assert (picture > 0).all() == (value > 0)


def test_overlay_tints_hand_and_object_only() -> None:
    depth = np.full((1, 3), 500, np.uint16)
    picture = lb.overlay(depth, np.array([[lb.BACKGROUND, lb.HAND, lb.OBJECT]], np.uint8), alpha=1.0)
    np.testing.assert_array_equal(picture[0, 0], lb.shade_depth(depth)[0, 0])
    assert tuple(picture[0, 1]) == lb.PALETTE[lb.HAND]
    assert tuple(picture[0, 2]) == lb.PALETTE[lb.OBJECT]


def test_contact_sheet_puts_pictures_in_rows() -> None:
    images = [np.full((2, 3, 3), value, np.uint8) for value in (10, 20, 30)]
    sheet = lb.contact_sheet(images, 2, gap_px=1)
    assert sheet.shape == (5, 7, 3)
    assert sheet[0, 0, 0] == 10
    assert sheet[0, 4, 0] == 20
    assert sheet[3, 0, 0] == 30
    assert sheet[4, 6, 0] == 24


def test_contact_sheet_takes_pictures_of_several_sizes() -> None:
    sheet = lb.contact_sheet([np.zeros((2, 9, 3), np.uint8), np.zeros((8, 2, 3), np.uint8)], 5, gap_px=0)
    assert sheet.shape == (8, 18, 3)


def test_contact_sheet_without_pictures_is_refused() -> None:
    with pytest.raises(ValueError, match="pictures"):
        lb.contact_sheet([], 3)
