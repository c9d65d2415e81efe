"""Machines and stands that look like hands and arms: grippers, robot arms, lamps, racks. Meters, z up."""

from __future__ import annotations

import numpy as np

from graspseg.synth.objects.cast import Cast
from graspseg.synth.objects.solids import Solid, block, capsule, curve, ellipsoid, join, lathe, moved, rounded, tube
from graspseg.synth.render.scene_parts import random_rotation, rotation_of

_X, _Y, _Z = np.eye(3)


def _rod(start: np.ndarray, end: np.ndarray, half: float, *, square: float = 1.0) -> Solid:
    """A straight rod with flat ends, round or square."""
    return tube(np.stack([start, end]), half, sides=16, square=square)


def _finger(rng: np.random.Generator, links: int, length: float, thick: float, closing: float) -> Solid:
    """A finger of stiff links that starts at the origin along +x and bends toward -z."""
    square, wide = float(rng.choice([0.3, 0.55, 1.0])), thick * rng.uniform(0.8, 1.8)
    parts, place, angle = [], np.zeros(3), rng.uniform(-0.5, 0.1) if links > 1 else 0.0
    for i in range(links):
        step = length / links * np.array([np.cos(angle), 0.0, np.sin(angle)])
        shrink = 1 - 0.25 * i / links
        half = np.array([[wide, thick], [wide * 0.85, thick * rng.uniform(0.6, 1)]]) / 2 * shrink
        parts.append(tube(np.stack([place, place + step]), half, sides=12, square=square, up=_Z))
        if links > 1:
            parts.append(_rod(place - _Y * wide * 0.55, place + _Y * wide * 0.55, thick * 0.55))
        place, angle = place + step, angle - closing
    if rng.uniform() < 0.4:
        parts.append(block([thick * 0.8, wide * 1.15, length * 0.16], place - [thick * 0.3, 0, length * 0.05]))
    return join(parts)


def _gripper(rng: np.random.Generator, fingers: int, cast: Cast) -> Solid:
    """A palm of a size of 5 to 13 cm with its fingers along +x; now and then something between them."""
    across, length = rng.uniform(0.05, 0.13), rng.uniform(0.05, 0.13)
    deep, thick = rng.uniform(0.03, 0.08), rng.uniform(0.01, 0.026)
    spread = rng.uniform(0.15, 0.95) * across / 2 + thick
    links, closing = (
        (1, 0.0) if fingers == 2 and rng.uniform() < 0.6 else (int(rng.integers(2, 4)), rng.uniform(0.1, 0.6))
    )
    if fingers == 2:
        palm = block([deep, rng.uniform(0.3, 0.8) * across, across], [-deep / 2, 0, 0])
    else:
        palm = tube(np.array([[-deep, 0, 0], [0, 0, 0]]), across * rng.uniform(0.35, 0.5), sides=20)
    parts = [palm]
    for i in range(fingers):
        part = _finger(rng, links, length, thick, closing)
        angle = 2 * np.pi * i / fingers + (0.0 if fingers == 2 else rng.normal(0, 0.15))
        parts.append(moved(moved(part, np.eye(3), [0, 0, spread]), rotation_of(_X * angle)))
    if rng.uniform() < 0.25:
        vertices, faces = cast.clutter(rng)
        vertices = vertices @ random_rotation(rng).T
        shrink = min(1.0, 2 * (spread - thick / 2) / float(np.ptp(vertices[:, 2])))
        parts.append((vertices * shrink + _X * (length * 0.75), faces))
    return join(parts)


def _arm(rng: np.random.Generator, links: int) -> tuple[Solid, np.ndarray, np.ndarray]:
    """Links of a robot from the floor up, where they end, and the unit direction of the last one."""
    thick = rng.uniform(0.02, 0.06)
    place, heading = np.zeros(3), _Z
    parts = [lathe(np.array([[thick * 2, 0], [thick * 2, thick], [thick * 1.3, thick], [thick * 1.3, thick * 2]]))]
    place = place + _Z * thick * 2
    turned = rotation_of(_Z * rng.uniform(0, 6.3))
    for i in range(links):
        length = rng.uniform(0.08, 0.28)
        end = place + heading * length
        half = thick * (1 - 0.15 * i)
        square = float(rng.choice([0.35, 1.0]))
        parts.append(_rod(place, end, half * rng.uniform(0.6, 1), square=square))
        hinge = turned @ _Y
        parts.append(_rod(end - hinge * half * 1.5, end + hinge * half * 1.5, half * 1.1))
        bend = rng.choice([-1.0, 1.0]) * rng.uniform(0.2, 1.3)
        heading = rotation_of(hinge * bend) @ heading
        if end[2] + heading[2] * 0.25 < 0.1:
            heading = rotation_of(-hinge * bend * 2) @ heading
        if rng.uniform() < 0.3:
            turned = rotation_of(heading * rng.uniform(-1.5, 1.5)) @ turned
        place = end
    parts.append(_rod(place, place + heading * 0.05, thick * 0.6))
    return join(parts), place + heading * 0.05, heading


def _toward(direction: np.ndarray, roll: float) -> np.ndarray:
    """A rotation that turns +x to a unit direction."""
    other = _Z if abs(direction[2]) < 0.9 else _Y
    side = np.cross(other, direction)
    side /= np.linalg.norm(side)
    return np.stack([direction, side, np.cross(direction, side)], axis=1) @ rotation_of(_X * roll)


def _robot(rng: np.random.Generator, cast: Cast, fingers: int) -> Solid:
    """A gripper on a whole arm, on a stump, or by itself, pointing anywhere but up through its own base."""
    grip = _gripper(rng, fingers, cast)
    kind = rng.uniform()
    if kind < 0.45:
        arm, end, heading = _arm(rng, int(rng.integers(1, 4)))
        return join([arm, moved(grip, _toward(heading, rng.uniform(0, 6.3)), end + heading * 0.04)])
    if kind < 0.85:
        stump = rng.uniform(0.05, 0.4)
        width = rng.uniform(0.02, 0.05)
        grip = join([grip, _rod(-_X * stump, np.zeros(3), width), _rod(-_X * 0.06, -_X * 0.03, width * 1.3)])
    direction = random_rotation(rng) @ _X
    return moved(grip, _toward(direction, rng.uniform(0, 6.3)))


def two_finger_gripper(rng: np.random.Generator, cast: Cast) -> Solid:
    """A gripper with two fingers, parallel or hinged."""
    return _robot(rng, cast, 2)


def three_finger_gripper(rng: np.random.Generator, cast: Cast) -> Solid:
    """A gripper with three hinged fingers."""
    return _robot(rng, cast, 3)


def lamp(rng: np.random.Generator, _: Cast) -> Solid:
    """A desk lamp: foot, one or two links or a gooseneck, and a shade."""
    foot = rng.uniform(0.06, 0.11)
    parts = [lathe(np.array([[foot, 0], [foot, 0.012], [foot * 0.8, 0.025], [0.012, 0.03]]))]
    thick = rng.uniform(0.004, 0.012)
    tall, reach = rng.uniform(0.2, 0.42), rng.uniform(0.08, 0.3)
    knee = np.array([rng.uniform(-0.15, 0.02), 0, tall])
    tip = knee + np.array([reach, 0, rng.uniform(-0.1, 0.12)])
    if rng.uniform() < 0.4:
        parts.append(tube(curve([[0, 0, 0.02], [0, 0, tall * 0.6], knee, tip], 30), thick, sides=10))
    else:
        parts += [capsule([0, 0, 0.02], knee, thick), capsule(knee, tip, thick)]
        parts.append(_rod(knee - _Y * thick * 2, knee + _Y * thick * 2, thick * 2))
    deep, narrow, wide = rng.uniform(0.06, 0.14), rng.uniform(0.02, 0.04), rng.uniform(0.045, 0.1)
    shade = lathe(np.array([[0.005, 0.02], [narrow, 0.0], [narrow, -0.02], [wide, -deep]]), closed=False)
    parts.append(moved(shade, rotation_of(np.array([0, rng.uniform(-0.9, 0.3), 0])), tip))
    if rng.uniform() < 0.6:
        parts.append(ellipsoid(tip - [0, 0, deep * 0.6], [0.025, 0.025, 0.035]))
    vertices, faces = join(parts)
    return vertices * rng.uniform(0.75, 1.2), faces


def rack(rng: np.random.Generator, _: Cast) -> Solid:
    """A coat rack, hook rail or hanger whose hooks stand out like fingers."""
    thick = rng.uniform(0.005, 0.014)
    parts = []
    if rng.uniform() < 0.5:
        tall = rng.uniform(0.25, 0.7)
        parts += [capsule([0, 0, 0], [0, 0, tall], thick * 1.5), lathe(np.array([[0.1, 0], [0.1, 0.01], [0.02, 0.02]]))]
        for angle in np.arange(count := int(rng.integers(3, 7))) * (2 * np.pi / count):
            out = np.array([np.cos(angle), np.sin(angle), 0]) * rng.uniform(0.05, 0.12)
            start = _Z * tall * rng.uniform(0.75, 0.98)
            hook = curve([start, start + out * 0.7, start + out, start + out * 1.1 + _Z * rng.uniform(0.02, 0.08)], 9)
            parts.append(rounded(hook, thick))
    else:
        count, gap = int(rng.integers(3, 7)), rng.uniform(0.02, 0.07)
        parts.append(block([gap * count, 0.012, rng.uniform(0.02, 0.06)]))
        for i in range(count):
            start = np.array([(i - (count - 1) / 2) * gap, 0, 0])
            out = np.array([0, rng.uniform(0.03, 0.09), 0])
            parts.append(rounded(curve([start, start + out, start + out + _Z * rng.uniform(0.01, 0.06)], 8), thick))
    return join(parts)


def stand(rng: np.random.Generator, _: Cast) -> Solid:
    """A tripod, microphone or camera stand; or a clamp on an arm."""
    thick, tall = rng.uniform(0.005, 0.016), rng.uniform(0.12, 0.6)
    head = np.array([0, 0, tall])
    parts = [capsule([0, 0, tall * 0.6], head, thick * 1.2)]
    for angle in rng.uniform(0, 2) + np.arange(3) * (2 * np.pi / 3):
        foot = np.array([np.cos(angle), np.sin(angle), 0]) * tall * rng.uniform(0.35, 0.55)
        parts.append(capsule([0, 0, tall * 0.75], foot, thick, thick * 0.8))
    turned = rotation_of(rng.normal(0, 0.5, 3))
    kind = rng.integers(3)
    if kind == 0:
        top = join([block(rng.uniform([0.06, 0.03, 0.03], [0.16, 0.09, 0.1])), _rod(np.zeros(3), _Y * 0.08, 0.025)])
    elif kind == 1:
        top = join([capsule([-0.08, 0, 0], [0.05, 0, 0], 0.012, 0.016), ellipsoid([0.07, 0, 0], [0.028, 0.024, 0.024])])
    else:
        gap = rng.uniform(0.02, 0.05)
        jaws = [
            curve([[0, 0, 0], [0, s * gap, 0.02], [0, s * gap, 0.06], [0, s * gap * 0.5, 0.09]], 8) for s in (-1, 1)
        ]
        top = join([rounded(jaw, 0.007) for jaw in jaws])
    return join([*parts, moved(top, turned, head)])


def prongs(rng: np.random.Generator, _: Cast) -> Solid:
    """A rake, fork, whisk or scrubber: some prongs side by side on a handle, spread like fingers."""
    count, thick = int(rng.integers(3, 7)), rng.uniform(0.004, 0.011)
    wide, length = rng.uniform(0.03, 0.1), rng.uniform(0.05, 0.13)
    parts = [capsule([-0.025 - rng.uniform(0.08, 0.35), 0, 0], [0, 0, 0], rng.uniform(0.008, 0.018))]
    fan, hook = rng.uniform(0.6, 1.8), rng.uniform(-0.02, 0.05)
    if rng.uniform() < 0.5:
        parts.append(block([0.015, wide + thick, rng.uniform(0.008, 0.02)]))
    for y in np.linspace(-wide / 2, wide / 2, count):
        points = [[0, y * 0.9, 0], [length * 0.5, y * (1 + fan) / 2, 0], [length, y * fan, -hook]]
        parts.append(rounded(curve(points, 8), thick, thick * rng.uniform(0.5, 1)))
    return moved(join(parts), rotation_of(_X * rng.choice([0.0, np.pi, rng.uniform(0, 6.3)])))
