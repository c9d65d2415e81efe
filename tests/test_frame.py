import pickle

import jaxtyping
import numpy as np
import pytest

from graspseg.errors import InputError, printable
from graspseg.frame import Frame, Intrinsics


@pytest.fixture
def shapes_unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a user, who has no checking hook in front of our own sentences."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def test_depth_in_meters_is_value_times_unit() -> None:
    frame = Frame(np.array([[0, 1000], [4000, 65535]], np.uint16), depth_unit_m=0.000125)
    np.testing.assert_allclose(frame.depth_m(), [[0, 0.125], [0.5, 8.191875]], rtol=1e-6)
    assert frame.depth_m().dtype == np.float32


def test_default_camera_scales_with_the_width() -> None:
    camera = Intrinsics.default(320, 240)
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (237.5, 237.5, 159.5, 119.5)
    assert Frame(np.ones((240, 320), np.uint16)).intrinsics_or_default() == camera


def test_a_given_camera_is_kept() -> None:
    camera = Intrinsics(600.0, 601.0, 10.0, 20.0)
    assert Frame(np.ones((2, 2), np.uint16), intrinsics=camera).intrinsics_or_default() is camera


@pytest.mark.parametrize("values", [(0.0, 1.0, 0.0, 0.0), (1.0, -1.0, 0.0, 0.0), (1.0, 1.0, float("nan"), 0.0)])
def test_impossible_cameras_are_refused(values: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="expected finite numbers"):
        Intrinsics(*values)


@pytest.mark.parametrize(
    ("depth", "found"),
    [
        (np.ones((2, 2), np.uint8), "uint8"),
        (np.ones((2, 2, 3), np.uint16), r"\(2, 2, 3\)"),
        (np.ones((0, 4), np.uint16), "at least one pixel"),
        (np.ma.masked_greater(np.ones((2, 2), np.uint16), 5), r"a masked array of uint16 .*array.filled\(0\)"),
    ],
)
@pytest.mark.usefixtures("shapes_unchecked")
def test_arrays_that_are_no_depth_image_are_refused(depth: np.ndarray, found: str) -> None:
    with pytest.raises(InputError, match=found):
        Frame(depth)


@pytest.mark.parametrize("unit", [0.0, -0.001, float("nan"), float("inf")])
def test_impossible_units_are_refused(unit: float) -> None:
    with pytest.raises(InputError, match="depth unit"):
        Frame(np.ones((2, 2), np.uint16), unit)


@pytest.mark.usefixtures("shapes_unchecked")
def test_color_of_another_size_is_refused() -> None:
    with pytest.raises(InputError, match="align"):
        Frame(np.ones((2, 2), np.uint16), color=np.zeros((4, 4, 3), np.uint8))


@pytest.mark.usefixtures("shapes_unchecked")
def test_other_things_of_a_frame_that_are_none_are_refused() -> None:
    depth = np.ones((2, 2), np.uint16)
    with pytest.raises(InputError, match="The timestamp is a str"):
        Frame(depth, timestamp_s="now")  # pyright: ignore[reportArgumentType]
    for color, found in (([[1]], "a list"), (np.zeros((2, 2, 3)), "an array of float64")):
        with pytest.raises(InputError, match=f"Color is {found}"):
            Frame(depth, color=color)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match=r"a masked array of float64 .*filled\(numpy.nan\)"):
        Frame.from_meters(np.ma.masked_less(np.ones((2, 2)), 2))


def test_meters_are_stored_with_a_tenth_of_a_millimeter() -> None:
    frame = Frame.from_meters(np.array([[0, 0.5], [np.nan, np.inf]], np.float32))
    assert frame.depth_unit_m == 0.0001
    np.testing.assert_array_equal(frame.depth, [[0, 5000], [0, 0]])
    assert frame.oddities() == ["2 pixels are NaN or infinite and count as not measured"]


@pytest.mark.parametrize(
    ("meters", "unit", "stored"),
    [([6.5535, 1], 0.0001, [65535, 10000]), ([7, 1], 0.001, [7000, 1000]), ([200, 1], 0.001, [0, 1000])],
)
def test_unit_fits_the_scene(meters: list[float], unit: float, stored: list[int]) -> None:
    frame = Frame.from_meters(np.array([meters], float))
    assert frame.depth_unit_m == unit
    np.testing.assert_array_equal(frame.depth, [stored])


def test_scene_far_away_keeps_its_depth() -> None:
    frame = Frame.from_meters(np.array([[300.0, 600.0]]))
    np.testing.assert_allclose(frame.depth_m(), [[300, 600]])
    assert "300 m" in frame.oddities()[0]
    assert "--depth-unit" in frame.oddities()[0]


def test_negative_meters_are_refused() -> None:
    with pytest.raises(InputError, match=r"-0\.5"):
        Frame.from_meters(np.array([[-0.5, 1]]))


def test_a_given_unit_is_used_and_far_pixels_dropped() -> None:
    frame = Frame.from_meters(np.array([[0.1235, 100]]), depth_unit_m=0.001)
    np.testing.assert_array_equal(frame.depth, [[124, 0]])


def test_frame_without_measurement_is_legal_but_odd() -> None:
    assert Frame(np.zeros((4, 4), np.uint16)).oddities() == ["no pixel has a measurement, all is background"]


def test_nearest_depth_that_no_hand_camera_gives_names_the_option() -> None:
    (odd,) = Frame(np.full((4, 4), 30, np.uint16)).oddities()
    assert "0.03 m" in odd
    assert "--depth-unit (now 0.001)" in odd


def test_single_wrong_pixels_are_not_the_nearest_surface() -> None:
    depth = np.full((100, 100), 600, np.uint16)
    depth[:2, :4] = 3
    assert Frame(depth).oddities() == []
    depth[:2, :10] = 3
    assert len(Frame(depth).oddities()) == 1


@pytest.mark.parametrize(
    ("stored", "unit", "fits"),
    [
        (4500, 0.001, ["0.0001 would make it 0.45 m", "0.000125 would make it 0.56 m", "0.00025 would make it 1.1 m"]),
        (450, 0.0001, ["0.001 would make it 0.45 m", "0.00025 would make it 0.11 m"]),
        (60000, 0.001, []),
    ],
)
def test_a_forgotten_unit_is_named(stored: int, unit: float, fits: list[str]) -> None:
    """Also where a few pixels are wrong: near ones before a far scene, or the other way round."""
    depth = np.full((100, 100), stored, np.uint16)
    depth[:2, :5] = 500 if stored > 450 else 65535
    (warning,) = Frame(depth, unit).warnings()
    assert warning.about == "unit" and f"(now {unit:g})" in warning.sentence
    assert warning.sentence.split("; ")[1:] == fits


@pytest.mark.parametrize("nearest", [80, 300, 1500])
def test_depth_where_hands_are_raises_no_doubt(nearest: int) -> None:
    depth = np.full((100, 100), 4000, np.uint16)
    depth[:10] = nearest
    assert Frame(depth).warnings() == []
    depth[depth == 4000] = 0
    assert Frame(depth).warnings() == []


@pytest.mark.parametrize(
    ("camera", "found"),
    [
        (Intrinsics(475.0, 475.0, 319.5, 239.5), []),
        (Intrinsics(3700.0, 475.0, 319.5, 239.5), ["fx is 3700, so 640 pixels see 9.89 degrees"]),
        (Intrinsics(0.74, 0.99, 0.5, 0.5), ["fx is 0.74", "fy is 0.99"]),  # in widths and heights
        (Intrinsics(1.93, 1.93, 320.0, 240.0), ["fx is 1.93", "fy is 1.93"]),  # in millimeters
        (Intrinsics(920.0, 920.0, 640.0, 360.0), ["the principal point 640, 360 is outside the image of 640x480"]),
        (Intrinsics(475.0, 475.0, 319.5, -3.0), ["the principal point 319.5, -3 is outside"]),
    ],
)
def test_intrinsics_that_no_camera_has(camera: Intrinsics, found: list[str]) -> None:
    warnings = Frame(np.full((480, 640), 600, np.uint16), intrinsics=camera).warnings()
    assert [warning.about for warning in warnings] == ["camera"] * len(found)
    for warning, beginning in zip(warnings, found, strict=True):
        assert warning.sentence.startswith(beginning) and "--fx" in warning.sentence


def test_an_assumed_focal_length_follows_the_longer_side() -> None:
    """The same camera, held upright, sees the same angle along its longer side."""
    assert Intrinsics.default(640, 480).fx == Intrinsics.default(480, 640).fx == 475.0
    assert Intrinsics.default(1280, 720).fx == Intrinsics.default(720, 1280).fy == 950.0


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("a\nb\rc\td", r"a\nb\rc\td"),
        ("\x9b2J\x7f\0", r"\x9b2J\x7f\x00"),
        ("gnp.\u202etxt", r"gnp.\u202etxt"),
        ("\udce9.png", r"\udce9.png"),
        ("手 é ñ.png", "手 é ñ.png"),
    ],
)
def test_control_characters_never_reach_a_terminal(name: str, shown: str) -> None:
    assert printable(name) == shown == str(InputError(name))
    assert printable(printable(name)) == shown
    assert pickle.loads(pickle.dumps(InputError(name))).args == (name,)


def test_lines_of_a_report_stay_lines() -> None:
    assert printable("a\n\x1bb\n", lines=True) == "a\n\\x1bb\n"
