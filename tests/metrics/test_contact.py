import numpy as np
import pytest
from scipy.spatial.distance import cdist

from graspseg.labels import HAND, IGNORE, OBJECT
from graspseg.metrics import ContactLine, Outlines
from graspseg.metrics.contact import contact_line


def halves(border: int, *, rows: int = 10, columns: int = 20) -> np.ndarray:
    """Hand left of a column, object from there on."""
    labels = np.full((rows, columns), OBJECT, np.uint8)
    labels[:, :border] = HAND
    return labels


def score(prediction: np.ndarray, target: np.ndarray) -> dict[str, float | int | None]:
    contact = ContactLine()
    contact.update(Outlines.of(prediction, target))
    return contact.summary()


def test_elements_lie_between_pixels() -> None:
    labels = np.array([[1, 2, 0], [1, 1, 2]], np.uint8)
    # Hand | object in both rows, and object above hand in the middle column.
    assert np.argwhere(contact_line(labels)).tolist() == [[0, 1], [1, 2], [2, 3]]


def test_a_border_shifted_by_two_pixels_is_right_from_two_pixels_on() -> None:
    assert score(halves(10), halves(8)) == {"1px": 0.0, "2px": 1.0, "3px": 1.0, "images": 1}
    assert score(halves(10).T.copy(), halves(8).T.copy()) == {"1px": 0.0, "2px": 1.0, "3px": 1.0, "images": 1}


def test_precision_and_recall_worked_by_hand() -> None:
    prediction = halves(8)
    prediction[6:, :8] = 0  # 6 of 10 elements; those missing are 1, 2, 3, 4 rows away from the nearest one
    found = score(prediction, halves(8))
    assert found["1px"] == pytest.approx(2 * 1 * 0.7 / 1.7)
    assert found["3px"] == pytest.approx(2 * 1 * 0.9 / 1.9)


def test_only_where_hand_and_object_touch() -> None:
    apart = halves(8)
    apart[:, 8] = 0
    assert score(apart, apart) == {"1px": None, "2px": None, "3px": None, "images": 0}
    assert score(halves(8), apart) == {"1px": 0.0, "2px": 0.0, "3px": 0.0, "images": 1}
    assert score(apart, halves(8)) == {"1px": 0.0, "2px": 0.0, "3px": 0.0, "images": 1}
    nothing = np.zeros((4, 5), np.uint8)
    assert score(nothing, nothing)["images"] == 0


def test_ignored_pixels_have_no_part() -> None:
    target = halves(8)
    target[5:, 6:] = IGNORE
    prediction = halves(8)
    prediction[5:] = HAND
    assert score(prediction, target)["1px"] == 1.0
    target[:, 8] = IGNORE
    assert score(prediction, target)["images"] == 0


def test_agrees_with_counting_every_pair() -> None:
    rng = np.random.default_rng(3)
    contact, halves_of_it = ContactLine(), (ContactLine(), ContactLine())
    expected = []
    for number in range(4):
        base = rng.integers(0, 3, (6, 7)).astype(np.uint8)
        labels = [np.kron(base, np.ones((5, 5), np.uint8)) for _ in range(2)]
        labels[0] = np.roll(labels[0], (number, 1), (0, 1))
        elements = []
        for image in labels:
            rows, columns = image.shape
            sites = [((y, x), (y, x + 1)) for y in range(rows) for x in range(columns - 1)]
            sites += [((y, x), (y + 1, x)) for y in range(rows - 1) for x in range(columns)]
            met = [np.add(a, b) / 2 for a, b in sites if {int(image[a]), int(image[b])} == {HAND, OBJECT}]
            elements.append(np.array(met))
        apart = cdist(*elements)
        by_tolerance = []
        for tolerance in (1, 2, 3):
            precision, recall = (apart.min(axis=1) <= tolerance).mean(), (apart.min(axis=0) <= tolerance).mean()
            by_tolerance.append(2 * precision * recall / (precision + recall))
        expected.append(by_tolerance)
        for counter in (contact, halves_of_it[number % 2]):
            counter.update(Outlines.of(*labels))
    assert list(contact.summary().values())[:3] == pytest.approx(np.mean(expected, axis=0))
    halves_of_it[0].merge(halves_of_it[1])
    assert halves_of_it[0].summary() == pytest.approx(contact.summary())
    with pytest.raises(ValueError, match="tolerances differ"):
        contact.merge(ContactLine((1,)))
