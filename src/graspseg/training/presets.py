"""What a training run can be told, as frozen dataclasses, and the three presets. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

from graspseg.synth.preset_names import PresetName

PAPER_STEPS = 150 * 11_680
PRESET_NAMES = ("tiny", "lite", "paper")


@dataclass(frozen=True)
class ViewSettings:
    """How training samples are cut from frames.

    Attributes:
        kind: square windows of a frame (`window`) or frames as they are (`frame`, as in the paper).
        side: side length of a window in network pixels.
        per_frame: samples cut from one frame.
        first_look_share: share of windows around everything measured; the others are around hand and object.
        first_look_jitter: windows around everything are scaled by up to this share and shifted by a third of it.
        focus_margin: range of how much larger than hand and object the closer windows are.
        contact_share: share of the closer windows that surround the object and the hand near it, without the arm.
        contact_margin: range of how much larger than the object those windows are.
        focus_shift: largest shift of a closer window, as a share of its size.
        part_share: share of windows that show some part of the frame, with or without a hand, as a full pass of more
            pixels sees it.
        part_size: range of the size of those, as a share of everything measured.
        single_share: of the closer windows, the share around one of several hands.
        decoy_share: share of windows as wide as a hand and its surroundings that lie about some near surface which is
            neither hand nor object, as after a false find.
        decoy_m: range of the width of those at their surface, meters.
    """

    kind: Literal["window", "frame"] = "window"
    side: int = 160
    per_frame: int = 3
    first_look_share: float = 0.4
    first_look_jitter: float = 0.2
    focus_margin: tuple[float, float] = (0.05, 0.6)
    contact_share: float = 0.4
    contact_margin: tuple[float, float] = (0.4, 1.8)
    focus_shift: float = 0.12
    part_share: float = 0.0
    part_size: tuple[float, float] = (0.3, 0.8)
    single_share: float = 0.0
    decoy_share: float = 0.0
    decoy_m: tuple[float, float] = (0.15, 0.5)


@dataclass(frozen=True)
class AugmentSettings:
    """How training samples are varied; depth and labels only by nearest neighbor.

    Attributes:
        rotation_deg: largest rotation either way.
        upright_share: share of samples that are not rotated.
        mirror_share: share flipped left to right.
        flip_share: share flipped upside down.
        zoom: range of the factor on metric depth, which makes everything larger or smaller.
        window_share: share of samples that lose everything beyond a depth window behind the nearest surface.
        window_m: range of that depth window's length in meters.
        noise_m: largest standard deviation of the Gaussian depth noise in meters.
        occlusion_share: share of samples with a rectangle or half-plane without measurement.
    """

    rotation_deg: float = 180.0
    upright_share: float = 0.3
    mirror_share: float = 0.5
    flip_share: float = 0.0
    zoom: tuple[float, float] = (0.9, 1.1)
    window_share: float = 0.33
    window_m: tuple[float, float] = (0.16, 0.6)
    noise_m: float = 0.003
    occlusion_share: float = 0.12


@dataclass(frozen=True)
class OptimizerSettings:
    """Optimizer and the course of its learning rate, a pure function of the step.

    Attributes:
        name: AdamW with decoupled decay, or the paper's Adam.
        rate: highest learning rate.
        finetune_rate: highest learning rate when training starts from a model (`--init`).
        weight_decay: decoupled decay of convolution kernels (adamw).
        kernel_l2: L2 penalty on convolution kernels inside the gradient (adam; the paper's 0.001).
        schedule: linear warm-up then cosine (`cosine`), or times `decay_factor` every `decay_steps` (`steps`).
        warmup_share: share of all steps with a rising rate (cosine).
        final_share: last rate as a share of the highest (cosine).
        decay_factor: factor of one decay (steps).
        decay_steps: steps between decays for a run of the paper's length; scaled with the run's length (steps).
        clip_norm: gradient norm above which gradients are scaled down; 0 = never.
        average_decay: decay of the running mean of weights that is validated and saved; 0 = no mean.
    """

    name: Literal["adamw", "adam"] = "adamw"
    rate: float = 2e-3
    finetune_rate: float = 3e-4
    weight_decay: float = 0.02
    kernel_l2: float = 0.0
    schedule: Literal["cosine", "steps"] = "cosine"
    warmup_share: float = 0.05
    final_share: float = 0.01
    decay_factor: float = 0.8
    decay_steps: int = 80_000
    clip_norm: float = 5.0
    average_decay: float = 0.999


@dataclass(frozen=True)
class LossSettings:
    """Weighted cross-entropy, then in a last stage the same with the contour loss, another loss, or both.

    Attributes:
        class_weights: weights of background, hand and object.
        contour_share: last share of the steps, fine-tuned with the contour loss; 1 = the whole run.
        alpha: weight of the cross-entropy in that stage.
        beta: weight of the contour loss in that stage.
        contour_normalizer: contour loss per pixel around true outlines (`support`) or per pixel (`mean`, literally).
        contour_per_class: compare outlines class by class; False sums the classes first, as equation 3 is written.
        contour_input: outlines of `probabilities`, or of `logits` (equation 5 literally).
        extra: Lovasz-softmax or Kervadec's boundary loss, added in that stage, also without the contour loss.
        gamma: weight of `extra`; 1 for `lovasz` or 0.05 for `boundary` is half the gradient of the cross-entropy.
    """

    class_weights: tuple[float, float, float] = (1.0, 5.0, 5.0)
    contour_share: float = 0.12
    alpha: float = 1.0
    beta: float = 0.005
    contour_normalizer: Literal["support", "mean"] = "support"
    contour_per_class: bool = True
    contour_input: Literal["probabilities", "logits"] = "probabilities"
    extra: Literal["none", "lovasz", "boundary"] = "none"
    gamma: float = 1.0


@dataclass(frozen=True)
class ValidationSettings:
    """A fixed set of frames that is never trained on, judged view by view.

    Attributes:
        data: labeled folders or shards to validate on; none = the last tenth of `data`, or synthetic `val` frames.
        frames: most frames taken.
        every_steps: steps between validations.
        sheet_views: views on the contact sheet.
    """

    data: tuple[Path, ...] = ()
    frames: int = 64
    every_steps: int = 500
    sheet_views: int = 12


@dataclass(frozen=True)
class ComputeSettings:
    """Where and how fast; changes no result on one CPU, except `precision` and `devices`.

    Attributes:
        accelerator: passed to Lightning's Trainer.
        devices: number of devices, passed to Lightning's Trainer.
        strategy: passed to Lightning's Trainer, e.g. `ddp`.
        precision: passed to Lightning's Trainer; `auto` = bf16 where the hardware has it.
        compile: whether `torch.compile` makes the network faster; costs a minute at the start.
        workers: processes that make samples; 0 = in the training process.
        prefetch: batches made ahead by each worker.
        threads: CPU threads of torch; 0 = one for every core that no worker needs. Threads whose cores are wanted by
            others wait for each other and are many times slower than one.
        checkpoint_minutes: minutes between checkpoints.
        log_every_steps: steps between rows of the log.
    """

    accelerator: Literal["auto", "cpu", "gpu", "mps"] = "auto"
    devices: int = 1
    strategy: str = "auto"
    precision: Literal["auto", "bf16-mixed", "32-true"] = "auto"
    compile: bool = False
    workers: int = 2
    prefetch: int = 4
    threads: int = 0
    checkpoint_minutes: float = 5.0
    log_every_steps: int = 20


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides a training run.

    Attributes:
        preset: the settings to start from; options given beside it win.
        network: name in the table of networks (`graspseg networks`), or module:function of your own.
        attention: whether skips are gated by dense attention.
        contour: whether the last stage uses the contour loss; without it, it is cross-entropy for as many steps.
        data: labeled folders, shards, public data sets as NAME/SPLIT:FOLDER, or module:function of your own, to train
            on; none = synthetic frames made on the fly.
        recipes: presets of the generator that make the synthetic frames in turn; one named twice makes twice as many.
        backgrounds: folders of recorded depth frames without hands that synthetic scenes are put into; none = those
            that ship.
        left_out: frames of `backgrounds` that are not used, as SET/STEM: those in which a hand was found.
        frames: distinct synthetic frames; 0 = every frame is new.
        init: a model to start from: a `.safetensors` file or the name of a shipped model.
        pretrained: start with an encoder trained on ImageNet by others, downloaded once; else from scratch.
        seed: seed of weights, frames and samples.
        steps: optimizer steps, both stages together.
        max_minutes: choose `steps` so that training takes about this long; 0 = keep `steps`.
        batch: samples of one step, on each device.
    """

    preset: Literal["tiny", "lite", "paper"] = "lite"
    network: str = "denseattentionseg-lite"
    attention: bool = True
    contour: bool = True
    data: tuple[Path, ...] = ()
    recipes: tuple[PresetName, ...] = ("rooms", "rooms", "wild", "exam1")
    backgrounds: tuple[Path, ...] = ()
    left_out: tuple[str, ...] = ()
    frames: int = 0
    init: str | None = None
    pretrained: bool = False
    seed: int = 0
    steps: int = 9_000
    max_minutes: float = 0.0
    batch: int = 24
    views: ViewSettings = field(default_factory=ViewSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    validation: ValidationSettings = field(default_factory=ValidationSettings)
    compute: Annotated[ComputeSettings, tyro.conf.arg(name="")] = field(default_factory=ComputeSettings)

    @property
    def contour_start(self) -> int:
        """First step of the second stage, whether or not that stage uses the contour loss."""
        return self.steps - round(self.steps * self.loss.contour_share)

    @property
    def frames_per_step(self) -> int:
        """Frames one device needs for one step."""
        return -(-self.batch // self.views.per_frame)


def preset(name: Literal["tiny", "lite", "paper"]) -> TrainConfig:
    """Settings of a preset.

    `tiny` shows within a minute or two that everything works; `lite` trains the shipped model; `paper` follows
    section 4.5 of the paper with the gaps filled as docs say.
    """
    return {"tiny": _tiny, "lite": TrainConfig, "paper": _paper}[name]()


def _tiny() -> TrainConfig:
    lite = TrainConfig()
    return replace(
        lite,
        preset="tiny",
        recipes=("exam1",),
        frames=64,
        steps=60,
        batch=6,
        views=replace(lite.views, side=96),
        optimizer=replace(lite.optimizer, average_decay=0.9),
        validation=replace(lite.validation, frames=6, every_steps=30, sheet_views=6),
        compute=replace(lite.compute, precision="32-true", workers=0, threads=1, log_every_steps=5),
    )


def _paper() -> TrainConfig:
    return TrainConfig(
        preset="paper",
        network="denseattentionseg",
        recipes=("interseghands",),
        frames=46_720,
        steps=PAPER_STEPS,
        batch=4,
        views=ViewSettings(kind="frame", per_frame=1),
        augment=AugmentSettings(
            rotation_deg=30.0,
            upright_share=0.0,
            mirror_share=0.5,
            flip_share=0.5,
            zoom=(1.0, 1.0),
            window_share=1.0,
            window_m=(0.16, 0.16),
            noise_m=0.002,
            occlusion_share=0.0,
        ),
        optimizer=OptimizerSettings(
            name="adam",
            rate=1e-3,
            finetune_rate=1e-4,
            weight_decay=0.0,
            kernel_l2=1e-3,
            schedule="steps",
            clip_norm=0.0,
            average_decay=0.0,
        ),
        loss=LossSettings(contour_share=10 / 150),
        validation=ValidationSettings(frames=64, every_steps=11_680, sheet_views=8),
        compute=ComputeSettings(precision="32-true"),
    )
