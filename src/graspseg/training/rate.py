"""The learning rate as a pure function of the step, so that a resumed run repeats it. Imports no torch."""

from __future__ import annotations

from math import cos, pi

from graspseg.training.presets import PAPER_STEPS, OptimizerSettings


def rate_factor(step: int, *, steps: int, settings: OptimizerSettings) -> float:
    """Learning rate of a step as a share of the highest; the contour stage continues the same course.

    Paper: section 4.5 (`steps`). Differs: a run shorter than the paper's decays proportionally sooner.
    """
    if settings.schedule == "steps":
        interval = settings.decay_steps * steps / PAPER_STEPS
        return settings.decay_factor ** int(step / interval)
    warmup = round(steps * settings.warmup_share)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    progress = min((step - warmup) / max(steps - warmup, 1), 1.0)
    return settings.final_share + (1 - settings.final_share) * 0.5 * (1 + cos(pi * progress))
