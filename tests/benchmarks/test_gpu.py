from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import gpu
import gpu_frames
import gpu_pack
import gpu_plan
import gpu_train
from gpu_evaluate import evaluate, report_rows
from gpu_frames import MappedFrames, frame_chunks, gathered, make_frames, step_frames
from gpu_pack import join, pack
from gpu_plan import MINIATURE, NETWORKS, PEER, RUNS, Clock, State
from gpu_report import REPORT_FILES, write_report
from gpu_train import CHECKPOINT, MODEL, read_progress, train
from gpu_training import Training
from graspseg.errors import InputError
from graspseg.networks import load_checkpoint
from graspseg.networks.table import network_spec
from graspseg.synth.generate import FrameMaker
from graspseg.synth.preset_names import EXAM_SEED
from graspseg.synth.recipe import Recipe

ENDLESS = 60.0


class StepClock(Clock):
    """A slice that is over after so many steps of training."""

    def __init__(self, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(ENDLESS)
        self.steps = steps
        advance = Training.advance

        def counted(training: Training, raw: gpu_frames.RawBatch) -> dict[str, torch.Tensor]:
            self.steps -= training.config.steps == MINIATURE.steps
            return advance(training, raw)

        monkeypatch.setattr(Training, "advance", counted)

    @property
    def over(self) -> bool:
        return self.steps <= 0


def _weights(state: State, run: str) -> dict[str, torch.Tensor]:
    return load_checkpoint(state.run_folder(run) / MODEL).network.state_dict()


@pytest.mark.parametrize("scale", [gpu_plan.FULL, MINIATURE], ids=["full", "miniature"])
@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_is_in_the_table(network, scale):
    assert network_spec(scale.network(network)).description


def test_the_papers_network_comes_first_and_the_contour_stage_has_a_fair_partner():
    first, second = RUNS[:2]
    assert (first.network, first.contour, first.branch_of) == ("denseattentionseg", True, None)
    assert (second.network, second.contour, second.branch_of) == ("denseattentionseg", False, first.name)


def test_frames_are_the_generators_and_made_once(tmp_path, monkeypatch):
    state = State(tmp_path, MINIATURE)
    monkeypatch.setattr(gpu_frames, "frame_chunks", lambda folder, scale: frame_chunks(folder, scale)[:1])
    assert make_frames(state, Clock(ENDLESS))
    made = FrameMaker("val", EXAM_SEED, recipe=Recipe.preset("interseghands")).make(1)
    depth, labels = MappedFrames(state, "val").raw(1)
    np.testing.assert_array_equal(depth, made.frame().depth[::10, ::10])
    np.testing.assert_array_equal(labels, made.labels[::10, ::10])
    assert depth.shape == (48, 64) and state.read("data.json")["frames"] == MINIATURE.exam_frames
    monkeypatch.setattr(gpu_frames, "make_chunk", lambda chunk: pytest.fail("made again"))
    assert make_frames(state, Clock(ENDLESS))


def test_making_frames_stops_with_the_slice_and_goes_on(tmp_path, monkeypatch):
    state, made = State(tmp_path, MINIATURE), []

    def quick(chunk):
        made.append(chunk.start)
        chunk.stem.parent.mkdir(parents=True, exist_ok=True)
        chunk.files[1].touch()
        return chunk.stop - chunk.start

    monkeypatch.setattr(gpu_frames, "make_chunk", quick)
    assert not make_frames(state, Clock(-1.0)) and len(made) == 1
    assert make_frames(state, Clock(ENDLESS)) and len(made) == len(frame_chunks(tmp_path, MINIATURE))
    assert state.read("data.json")["frames"] == MINIATURE.train_frames + 2 * MINIATURE.exam_frames


def test_frames_of_a_step_do_not_depend_on_where_a_slice_begins(state):
    frames = MappedFrames(state, "train")
    steps = list(step_frames(frames, seed=0, start=0, steps=6, pinned=False))
    later = list(step_frames(frames, seed=0, start=2, steps=6, pinned=False))
    assert len(steps) == 6 and len(later) == 4
    for step, again in zip(steps[2:], later, strict=True):
        assert torch.equal(step.depth, again.depth) and torch.equal(step.labels, again.labels)
    # A pass of six frames is three steps of two, each frame once.
    everything = gathered(frames, list(range(6)), pinned=False)
    for start in (0, 3):
        seen = torch.cat([step.labels for step in steps[start : start + 3]])
        assert sorted(map(bytes, seen.numpy())) == sorted(map(bytes, everything.labels.numpy()))


def test_a_stored_frame_is_what_training_on_a_cpu_takes(state):
    frame = MappedFrames(state, "train")[3].frame
    assert frame.depth_m().max() == pytest.approx(0.9)
    assert frame.intrinsics is not None and frame.intrinsics.fx == pytest.approx(47.5)


def test_training_in_slices_ends_with_the_same_weights(state, tmp_path, monkeypatch):
    whole = State(tmp_path / "whole", MINIATURE, ("denseattentionseg",))
    sliced = State(state.folder, MINIATURE, whole.networks)
    whole.folder.mkdir()
    (whole.folder / "frames").symlink_to(state.folder / "frames")
    assert train(whole, Clock(ENDLESS))
    assert not train(sliced, StepClock(1, monkeypatch))
    assert (sliced.run_folder("denseattentionseg") / CHECKPOINT).is_file()
    assert read_progress(sliced, RUNS[0])["step"] == 1
    assert train(sliced, Clock(ENDLESS))
    for run in ("denseattentionseg", "denseattentionseg-crossentropy"):
        one, other = _weights(whole, run), _weights(sliced, run)
        assert all(torch.equal(one[name], other[name]) for name in one)
    assert not (sliced.run_folder("denseattentionseg") / CHECKPOINT).exists()
    # The two runs share the first step and differ in the loss of the second.
    rows = [read_progress(sliced, run)["rows"][-1] for run in RUNS[:2]]
    assert "contour" in rows[0] and "contour" not in rows[1]
    assert rows[0]["cross_entropy"] == pytest.approx(rows[1]["cross_entropy"], rel=1e-4)


def test_a_batch_in_pieces_has_nearly_the_gradient_of_the_whole(state):
    frames, gradients = MappedFrames(state, "train"), []
    raw = gathered(frames, [0, 1], pinned=False)
    for pieces in (1, 2):
        config = state.config(RUNS[0], steps=2)
        training = Training(config, torch.device("cpu"), pixel_angle=0.02, pieces=pieces)
        # Normalization by running statistics, so that pieces see what the whole batch sees.
        training.task.eval()
        training.advance(raw)
        network = training.task.network
        gradients.append(torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None]))
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-3, atol=1e-5)


def test_a_network_that_fails_leaves_the_others_their_time(state, monkeypatch):
    advance = Training.advance

    def broken(training, raw):
        losses = advance(training, raw)
        return {**losses, "loss": losses["loss"] * float("nan")} if training.task.config.contour else losses

    state = State(state.folder, MINIATURE, ("denseattentionseg", "denseattentionseg-noattention"))
    monkeypatch.setattr(Training, "advance", broken)
    assert train(state, Clock(ENDLESS))
    first, partner, other = (read_progress(state, run) for run in state.runs)
    assert first["failed"] == "the loss was nan at step 2" and "failed" not in partner and "failed" not in other
    monkeypatch.setattr(gpu_train, "_train_slice", lambda *_: pytest.fail("tried again"))
    assert train(state, Clock(ENDLESS))


def test_a_network_too_large_for_the_card_is_cut_into_pieces_then_given_up(state, monkeypatch):
    class Card:
        largest = 1

        def __init__(self, config, device, *, pixel_angle, pieces):
            self.pieces = pieces
            if config.batch // pieces > self.largest:
                raise torch.cuda.OutOfMemoryError

    monkeypatch.setattr(gpu_train, "Training", Card)
    monkeypatch.setattr(gpu_train, "_timed", lambda training, frames: {"pieces": training.pieces})
    config, frames = state.config(RUNS[0], steps=2), MappedFrames(state, "train")
    assert gpu_train._tried(config, frames, torch.device("cpu")) == {"pieces": 2}
    Card.largest = 0
    assert "out of memory" in gpu_train._tried(config, frames, torch.device("cpu"))["failed"]


def test_steps_fit_into_the_minutes_of_all(state):
    full = State(state.folder, gpu_plan.FULL, ("denseattentionseg", PEER), train_minutes=10.0)
    full.write("pace.json", {"denseattentionseg": {"seconds": 0.2}, PEER: {"failed": "out of memory"}})
    # 1.2 times 0.2 s a step, because the contour stage is done twice, once with and once without its loss.
    assert gpu_train.decided_steps(full) == int(600 * 0.95 / 0.24)
    full.write("pace.json", {"denseattentionseg": {"seconds": 9.0}, PEER: {"seconds": 9.0}})
    assert gpu_train.decided_steps(full) == int(600 * 0.95 / 0.24)


def test_what_was_trained_is_judged_reported_and_brought_back(state, tmp_path, monkeypatch):
    assert train(state, Clock(ENDLESS))
    assert evaluate(state, Clock(ENDLESS))
    names = [row.name for row in report_rows(state)]
    assert names == ["denseattentionseg", "denseattentionseg-before-contour", "denseattentionseg-crossentropy", PEER]
    monkeypatch.setattr(gpu_pack, "PART_BYTES", 1 << 20)
    monkeypatch.setattr(gpu_pack, "BYTES_PER_LOT", 8 << 20)
    lots = pack(state, tmp_path / "back" / "1", call=1)
    assert lots > 1
    (tmp_path / "back" / "0").mkdir()
    (tmp_path / "back" / "0" / "report.json").write_text("of an earlier call")
    with pytest.raises(InputError, match="expected 1 to"):
        pack(state, tmp_path / "none", call=lots + 1)
    assert "denseattentionseg.safetensors" in join(tmp_path / "back", tmp_path / "joined")
    for call in range(2, lots + 1):
        pack(state, tmp_path / "back" / str(call), call=call)
    for lot in (path.parent for path in (tmp_path / "back").rglob("manifest.json")):
        sizes = [path.stat().st_size for path in lot.iterdir()]
        assert len(sizes) <= 8 and max(sizes) <= 1 << 20 and sum(sizes) <= 9 << 20
    assert join(tmp_path / "back", tmp_path / "joined") == []
    assert {path.name for path in (tmp_path / "joined").iterdir()} == {
        *REPORT_FILES,
        *(f"{name}.safetensors" for name in names),
    }
    trained, brought = (
        load_checkpoint(folder / name).network.state_dict()
        for folder, name in ((state.run_folder(PEER), MODEL), (tmp_path / "joined", f"{PEER}.safetensors"))
    )
    for name, value in trained.items():
        torch.testing.assert_close(brought[name], value, rtol=2e-3, atol=1e-6)
    _check_report(state, tmp_path / "joined")
    part = next((tmp_path / "back").rglob("denseattentionseg.safetensors.00"))
    part.write_bytes(part.read_bytes()[::-1])
    with pytest.raises(InputError, match="bring its lot back again"):
        join(tmp_path / "back", tmp_path / "joined")


def _check_report(state: State, folder: Path) -> None:
    report = json.loads((folder / "report.json").read_text())
    assert [run["step"] for run in report["training"]] == [MINIATURE.steps] * len(state.runs)
    scores = {row["row"]: row["unseen"] for row in report["scores"]}
    with np.load(folder / "frames.npz") as kept:
        matrices = kept[f"{PEER}.unseen"]
    assert matrices.shape == (MINIATURE.exam_frames, 3, 3)
    accuracy = np.trace(matrices.sum(axis=0)) / (MINIATURE.exam_frames * MINIATURE.width * MINIATURE.height)
    assert scores[PEER]["pixel_accuracy"] == pytest.approx(accuracy)
    difference = next(d for d in report["differences"] if d["row"] == "denseattentionseg" and d["split"] == "unseen")
    ious = [scores[name]["iou_dataset"]["mean"] for name in ("denseattentionseg", PEER)]
    assert difference["minus"] == PEER and difference["points"] == pytest.approx(100 * (ious[0] - ious[1]), abs=2e-3)
    text = (folder / "report.md").read_text()
    assert f"| {PEER} | 2 of 2 | 4 |" in text and "finished" in text


def test_an_empty_state_has_a_report(state, tmp_path):
    files = write_report(state, tmp_path / "out")
    assert [path.name for path in files] == ["report.json", "report.md"]


def test_next_does_one_stage_after_the_other(tmp_path, monkeypatch, capsys):
    done: list[str] = []

    def do(stage, state, clock):
        done.append(stage)
        return done.count(stage) == (2 if stage == "train" else 1)

    monkeypatch.setattr(gpu, "do", do)
    monkeypatch.setattr(gpu_pack, "pack", lambda state, out, *, call: 2)
    command = ["next", "--state", str(tmp_path / "state"), "--out", str(tmp_path / "out"), "--miniature"]
    assert gpu.main(command) == 0
    assert done == ["data", "train"] and (tmp_path / "out" / "report.md").is_file()
    assert gpu.main(command) == 0
    assert done == ["data", "train", "train", "evaluate", "speed"]
    assert capsys.readouterr().out.endswith("next: call again for another lot\n")
    assert gpu.main(command) == 0
    assert len(done) == 5 and capsys.readouterr().out.endswith("next: that was the last lot\n")


def test_a_state_keeps_its_options(tmp_path, capsys):
    options = ["--state", str(tmp_path / "state"), "--out", str(tmp_path), "--minutes", "0"]
    arguments = gpu.tyro.cli(gpu.Arguments, args=["train", *options, "--miniature"])
    gpu.opened_state(arguments)
    assert gpu.main(["train", *options]) == 2
    assert "begun with other options" in capsys.readouterr().err


def test_an_unknown_network_is_named(tmp_path, capsys):
    assert gpu.main(["train", "--state", str(tmp_path), "--out", str(tmp_path), "--networks", "resnet"]) == 2
    assert "resnet, expected some of denseattentionseg" in capsys.readouterr().err


def test_the_plan_names_the_command(tmp_path, capsys):
    assert gpu.main(["all", "--state", "S", "--out", "O", "--networks", "fcn8s", "--steps", "900"]) == 0
    assert "gpu.py next --state S --out O --minutes 8.5 --steps 900 --networks fcn8s" in capsys.readouterr().out


def test_runs_of_chosen_networks_only():
    chosen = State(Path("unused"), MINIATURE, gpu_plan.chosen_networks(["fcn8s", "denseattentionseg"]))
    assert [run.name for run in chosen.runs] == ["denseattentionseg", "denseattentionseg-crossentropy", "fcn8s"]
