"""Pictures and Markdown tables of `benchmarks/sensors/sensors.py`."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np

from graspseg.evaluation.sensor_statistics import SIDES, Settings
from graspseg.evaluation.sensor_summary import SensorSummary
from graspseg.synth.sensor.profiles import SENSORS

mpl.use("agg")
import matplotlib.pyplot as plt  # the backend is chosen first

REAL, MADE = "tab:blue", "tab:orange"


def draw(path: Path, real_m: np.ndarray, made_m: np.ndarray, halves: list[SensorSummary], settings: Settings) -> None:
    """A real and a synthetic frame, void widths on three sides, losses beside edges and noise by depth.

    Args:
        path: PNG to write.
        real_m: A real frame in meters.
        made_m: A synthetic frame in meters.
        halves: Held-out real frames, synthetic frames.
        settings: What both were summarized with.
    """
    real, made = halves
    figure, axes = plt.subplots(2, 4, figsize=(12, 5.2), layout="constrained")
    low, high = np.quantile(real_m[real_m > 0], (0.01, 0.9))
    for axis, depth_m, title in ((axes[0, 0], real_m, "real"), (axes[1, 0], made_m, "synthetic")):
        axis.imshow(np.where(depth_m > 0, depth_m, np.nan), vmin=low, vmax=high, cmap="turbo", interpolation="nearest")
        axis.set(title=title, facecolor="black", xticks=[], yticks=[])
    for axis, side in zip((axes[0, 1], axes[0, 2], axes[0, 3]), SIDES, strict=True):
        for summary, color, label in ((real, REAL, "real"), (made, MADE, "synthetic")):
            widths, weights = summary.voids(side, like=real)
            share = np.cumsum(np.bincount(widths, weights)) / weights.sum()
            axis.step(np.arange(len(share)), share, color=color, label=label)
        axis.set(title=f"void, far side {side}", xlabel="width, px", ylabel="share up to", ylim=(0, 1))
    axes[0, 1].legend()
    tables = ((real.table(), REAL), (made.table(like=real), MADE))
    for axis, where in ((axes[1, 1], "far"), (axes[1, 2], "near")):
        for table, color in tables:
            shares = [table[f"invalid {distance} px {where}"] for distance in settings.distances_px]
            axis.plot(settings.distances_px, shares, "o-", color=color)
        axis.set(
            title=f"without depth, {where} side", xlabel="distance from the edge, px", ylim=(0, None), xscale="log"
        )
    for table, color in tables:
        noise = [value for name, value in table.items() if name.startswith("noise at")]
        middles = np.convolve(settings.noise_bins_m, [0.5, 0.5], "valid")
        axes[1, 3].plot(middles, noise, "o-", color=color)
    axes[1, 3].set(title="noise on smooth patches", xlabel="depth, m", ylabel="mm", ylim=(0, None))
    figure.savefig(path, dpi=70)
    plt.close(figure)


def write_tables(path: Path, result: dict) -> None:
    """Write the Markdown tables of a result: a section for each sensor, one for the list of profiles."""
    parts = {"Sensor profiles": _sensors(result["milliseconds_per_frame"])}
    parts |= {f"Calibration of {sensor}": _calibration(table) for sensor, table in result["tables"].items()}
    path.write_text("\n".join(f"## {title}\n\n{part}" for title, part in parts.items()), encoding="utf-8")


def _calibration(table: dict[str, dict[str, float]]) -> str:
    lines = [
        "| statistic | real, fitted half | real, held-out half | synthetic | difference |",
        "|---|---|---|---|---|",
    ]
    for name, row in table.items():
        off = row["relative_difference"]
        mark = "**" if abs(off) > 0.25 else ""
        values = " | ".join(f"{row[key]:.3g}" for key in ("real_fitted", "real_held_out", "synthetic"))
        lines.append(f"| {name} | {values} | {mark}{100 * off:+.0f} %{mark} |")
    within = sum(abs(row["relative_difference"]) <= 0.25 for row in table.values())
    lines += ["", f"{within} of {len(table)} statistics lie within 25 % of the held-out half.", ""]
    return "\n".join(lines)


def _sensors(milliseconds: dict[str, float]) -> str:
    lines = ["| `--sensor` | principle | what | calibrated | CPU ms a frame | sources |", "|---|---|---|---|---|---|"]
    words = {True: "yes", False: "uncalibrated", None: "-"}
    for name, profile in SENSORS.items():
        cells = (f"`{name}`", profile.principle, profile.description, words[profile.calibrated])
        lines.append(f"| {' | '.join(cells)} | {milliseconds.get(name, '-')} | {'; '.join(profile.sources) or '-'} |")
    return "\n".join(lines) + "\n"
