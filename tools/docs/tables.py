"""The generated tables of the documentation, each from the recorded results in benchmarks/results/.

A table is a function of `Results`; `TABLES` has them by the name that markers use.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

TEST_SETS = {
    "val": "synthetic, other objects",
    "unseen": "synthetic, other objects and another hand",
    "wild_val": "people, rooms, two hands",
    "wild_unseen": "the same, other hand, soft things",
    "rooms_val": "recorded and modeled rooms, far hands",
    "rooms_unseen": "the same, other hand",
    "independent_hand": "another generator, hand without arm",
    "independent_arm": "another generator, hand with arm",
}
RULES = ("everything", "within_16cm", "nearest_component")


class Results:
    """Recorded results, read when they are asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        """Content of NAME.json; OSError or ValueError when it cannot be read."""
        if name not in self._read:
            self._read[name] = json.loads((self._folder / f"{name}.json").read_text(encoding="utf-8"))
        return self._read[name]


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others are numbers and stand right."""
    alignment = [":---", *["---:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, alignment, *rows))


def percent(share: float | None, digits: int = 1) -> str:
    """A share of 1 as percent, `-` where there was nothing to judge."""
    return "-" if share is None else f"{100 * share:.{digits}f}"


def number(value: float | None, form: str = ".1f") -> str:
    """A number, `-` where it was not measured."""
    return "-" if value is None else format(value, form)


def readme(results: Results) -> str:
    """The rows of README: real frames first."""
    sets, unseen = results["real"]["sets"], results["unseen"]
    judged = {
        "RealSense SR305, real: open hands, no object": "sr305_gestures",
        "ZED, real: a hand takes a bottle and pours": "zed_pour_water",
        "Stereo from above, real: two hands of 40 px in sleeves": "table_two_hands",
    }
    rows = [
        (title, str(sets[name]["frames"]), *(percent(sets[name]["iou"][label]) for label in ("hand", "object")), "-")
        for title, name in judged.items()
    ]
    everywhere, own = results["real"]["all"]["hand-free"], [sets["no_hand_desks"], sets["no_hand_bins"]]
    alarms, frames = (sum(each[key] for each in own) for key in ("false_alarms", "hand_free_frames"))
    rows += [
        ("No hand, real: desks and bins never trained on", str(frames), "-", "-", f"{alarms} of {frames}"),
        (
            "No hand, real: rooms and shelves, most of them surroundings in training",
            str(everywhere["hand_free_frames"] - frames),
            "-",
            "-",
            f"{everywhere['false_alarms'] - alarms} of {everywhere['hand_free_frames'] - frames}",
        ),
        (
            "Synthetic: a hand and objects never trained on",
            str(unseen["frames"]),
            percent(unseen["scores"]["iou_dataset"]["hand"]),
            percent(unseen["scores"]["iou_dataset"]["object"]),
            "-",
        ),
    ]
    return table(("frames", "number", "hand IoU, %", "object IoU, %", "false alarms"), rows)


def speed_line(results: Results) -> str:
    """README's one line about speed."""
    speed = results["speed"]
    total, inside, machine = speed["end_to_end_ms"], speed["segment_ms"], speed["machine"]
    width, height = speed["size"]
    return (
        f"Speed: {total['p50']:.1f} ms a frame of {width}x{height} (median; p99 {total['p99']:.1f} ms) from depth file "
        f"to label file, of which {inside['p50']:.1f} ms segment, on {machine['cores']} cores of an "
        f"{machine['processor']}, {speed['resident_mb']['end']:.0f} MB resident."
    )


def synthetic(results: Results) -> str:
    """The shipped model on frames with exact labels."""
    rows = []
    for name, what in TEST_SETS.items():
        scores = results[name]["scores"]
        rows.append(
            (
                f"{name}: {what}",
                str(results[name]["frames"]),
                *(percent(scores["iou_dataset"][key]) for key in ("hand", "object", "mean")),
                percent(scores["iou_image"]["mean"]),
                percent(scores["boundary_f"]["hand"]["2px"]),
                percent(scores["boundary_f"]["object"]["2px"]),
                percent(scores["hand_leak"]["rate"]),
            )
        )
    return table(
        (
            "frames",
            "number",
            "hand",
            "object",
            "mean",
            "mean per image",
            "hand outline F, 2 px",
            "object outline F, 2 px",
            "hand called object",
        ),
        rows,
    )


def paper_metrics(results: Results) -> str:
    """The four metrics of the paper's section 5.1, and outlines at three tolerances."""
    keys = ("pixel_accuracy", "mean_accuracy", "mean_iu", "frequency_weighted_iu")
    rows = []
    for name in TEST_SETS:
        scores = results[name]["scores"]
        outlines = (percent(scores["boundary_f"]["mean"][f"{px}px"]) for px in (1, 2, 3))
        rows.append((name, *(percent(scores[key]) for key in keys), *outlines))
    return table(
        ("frames", "pixel acc.", "mean acc.", "mean IU", "f.w. IU", "outline F, 1 px", "2 px", "3 px"),
        rows,
    )


def rules(results: Results) -> str:
    """Hand IoU of rules that need no training, on the same frames; their object IoU is 0."""
    rows = [
        (name, *(percent(results[name]["rules"][rule]["iou_dataset"]["hand"]) for rule in RULES)) for name in TEST_SETS
    ]
    return table(("frames", "all is hand", "within 16 cm of the nearest pixel", "nearest surface"), rows)


def speed(results: Results) -> str:
    """Where the time of a frame goes, and memory."""
    found = results["speed"]
    steps = {
        "read_ms": "read the depth file",
        "segment_ms": "segment",
        "write_ms": "write the label file",
        "end_to_end_ms": "together",
    }
    rows = [(what, number(found[key]["p50"]), number(found[key]["p99"])) for key, what in steps.items()]
    return table((f"step, ms ({found['machine']['processor']}, {found['machine']['cores']} cores)", "p50", "p99"), rows)


def engines(results: Results) -> str:
    """One window of the network by engine."""
    found = results["engines"]
    rows = [
        (row["engine"], number(row["p50_ms"]), number(row["p99_ms"]), percent(row["same_labels"], 2))
        for row in found["rows"]
    ]
    return table((f"engine, {found['threads']} threads", "p50 ms", "p99 ms", "same labels, %"), rows)


def generator(results: Results) -> str:
    """Frames a second of one core that the generator makes."""
    rows = []
    for preset, splits in results["synth_speed"]["presets"].items():
        for split, row in splits.items():
            steps = row["steps_ms"]
            rows.append(
                (
                    f"{preset} {split}",
                    number(row["in_memory"]["per_cpu_second"], ".0f"),
                    number(row["written"]["per_cpu_second"], ".0f"),
                    *(number(steps[step]) for step in ("scene", "draw", "sensor")),
                )
            )
    for name, row in results["synth_speed"]["colored"].items():
        rows.append((f"wild train, --color {name}", number(row["per_cpu_second"]), "-", "-", "-", "-"))
    return table(("frames", "frames/s in memory", "written", "scene ms", "drawing ms", "sensor ms"), rows)


def shards(results: Results) -> str:
    """What a frame costs when it is stored."""
    found, order = results["shard_speed"], results["shard_order"]
    rows = [
        (
            form,
            number(found[form]["bytes_per_frame"] / 1000, ".0f"),
            number(found[form]["written"]["per_cpu_second"], ".0f"),
            number(found[form]["read_at_random"]["per_cpu_second"], ".0f"),
        )
        for form in ("folder", "shards")
    ]
    first = table(("form", "kB a frame", "made and written, frames/s a core", "read at random, frames/s a core"), rows)
    names = [name for name in order if name.startswith("window_of_")]
    rows = [(name.removeprefix("window_of_"), f"{order[name]['disk_bytes_per_frame'] / 1000:.0f}") for name in names]
    second = table(("shards read in windows of frames", "kB read from disk a frame"), rows)
    many, row = 50_000_000, found["shards"]
    rows = [
        ("CPU hours to make and write", f"{many / row['written']['per_cpu_second'] / 3600:.0f}"),
        ("size, TB", f"{many * row['bytes_per_frame'] / 1e12:.1f}"),
        (
            "headers of all frames in memory, GB a process",
            f"{many * order['headers']['kept_bytes_per_frame'] / 1e9:.0f}",
        ),
        ("reading all headers once, minutes of one core", f"{many * order['headers']['cpu_us_per_frame'] / 6e7:.0f}"),
    ]
    return "\n\n".join((first, second, table(("50 million frames, by arithmetic", ""), rows)))


def papers_data_set(results: Results) -> str:
    """Preset `interseghands` at full size, counted."""
    columns = [results[f"interseghands-{split}"] for split in ("train", "val")]
    lines: list[tuple[str, Callable[[Any], str]]] = [
        ("frames", lambda found: f"{found['frames']:,}"),
        ("hand pixels a frame, median", lambda found: f"{found['hand_px']['median']:,.0f}"),
        ("the same, 5 %", lambda found: f"{found['hand_px']['p5']:,.0f}"),
        ("the same, 95 %", lambda found: f"{found['hand_px']['p95']:,.0f}"),
        ("hand and object in view, % of frames", lambda found: percent(found["interaction"])),
        ("objects", lambda found: str(found["objects"])),
        ("background, % of pixels", lambda found: percent(found["class_share"]["background"])),
        ("hand, % of pixels", lambda found: percent(found["class_share"]["hand"])),
        ("object, % of pixels", lambda found: percent(found["class_share"]["object"])),
        ("measured, % of pixels", lambda found: percent(found["measured_share"])),
        ("depth, median, m", lambda found: number(found["depth_m"]["median"], ".2f")),
    ]
    return table(("", "train", "val"), [(what, *(cell(found) for found in columns)) for what, cell in lines])


def networks(results: Results) -> str:
    """Size of every network in the table."""
    rows = [
        (f"`{name}`", number(row["parameters_millions"], ".2f"), number(row["gflop"]))
        for name, row in results["networks"].items()
    ]
    return table(("network", "parameters, millions", "GFLOP at 640x480"), rows)


def forest(results: Results) -> str:
    """The random forest that ships."""
    names = {
        "forest_unseen": "synth:unseen:300",
        "forest_interseghands_unseen": "synth:interseghands/unseen:300",
        "forest_independent_hand": "another generator, hand without arm",
        "forest_independent_arm": "another generator, hand with arm",
    }
    rows = []
    for name, what in names.items():
        scores = results[name]["scores"]
        rows.append(
            (
                what,
                str(results[name]["frames"]),
                percent(scores["iou_dataset"]["hand"]),
                percent(scores["iou_dataset"]["object"]),
                percent(scores["f1_dataset"]["hand"]),
            )
        )
    first = table(("frames", "number", "hand IoU", "object IoU", "hand F1"), rows)
    parts = results["forest_speed"]["parts"]
    what = {
        "find": "find hands",
        "segment_and_filter": "segment and filter",
        "label": "full-size labels",
        "all": "together",
    }
    times = [(what[key], *(number(parts[key][f"cpu_ms_{p}"]) for p in ("p50", "p99"))) for key in what]
    return first + "\n\n" + table(("step, ms of one core", "p50", "p99"), times)


def annotation(results: Results) -> str:
    """Annotators on synthetic RGB-D with truth, in percent."""
    names = {
        "trivial_all_hand": "everything within 16 cm is hand",
        "trivial_redder_half": "the redder half is hand",
        "hsv": "`hsv`, fixed thresholds",
        "hsv_calibrated": "`hsv`, calibrated",
        "model_without_depth_edges": "`model`, each pixel for itself",
        "model": "`model`",
        "model_calibrated_on_held": "`model`, calibrated on frames with objects",
    }
    rows = []
    for name, what in names.items():
        scores = results["annotation"]["scores"][name]
        tones = [scores[key]["iou_dataset"]["mean"] for key in scores if key.startswith("tone_")]
        rows.append(
            (
                what,
                *(number(scores["all"]["iou_dataset"][key]) for key in ("hand", "object", "mean")),
                number(scores["all"]["accepted_percent"]),
                number(scores["skin_colored_true"]["iou_dataset"]["mean"]),
                number(min(tones)),
                number(scores["with_sleeves"]["iou_dataset"]["mean"]),
            )
        )
    header = ("annotator", "hand", "object", "mean", "accepted", "skin-colored objects", "worst skin tone", "sleeves")
    measured = results["annotation"]["speed"]
    speeds = [(f"`{name}`", number(row["per_cpu_second"], ".0f")) for name, row in measured.items()]
    return table(header, rows) + "\n\n" + table(("annotator", "frames/s of one core"), speeds)


def annotation_choice(results: Results) -> str:
    """Mean IoU of hand and object, by way of telling skin; real takes first."""
    found = results["annotation_choice"]
    synthetic_rows = found["synthetic"]
    rows = [
        (f"real, {name}", *(number(take[way]["mean"]) for way in ("hsv", "model", "auto")), f"`{take['way']}`")
        for name, take in found["real"].items()
    ]
    ways = ", ".join(f"`{way}` {count}" for way, count in synthetic_rows["ways"].items())
    rows.append(
        (
            f"synthetic, {synthetic_rows['recordings']} recordings",
            *(number(synthetic_rows[way]["mean"]) for way in ("hsv", "model", "auto")),
            ways,
        )
    )
    return table(("recording", "`hsv`", "`model`", "`auto`", "chosen by `auto`"), rows)


def annotation_confidence(results: Results) -> str:
    """How well confidence ranks frames by their true IoU."""
    scores = {
        "alone": "confidence",
        "with_model": "with the shipped model",
        "object_px": "size of the object",
    }
    rows = []
    for skin in ("model", "hsv"):
        for frames, by_score in results["annotation_confidence"][skin].items():
            for key, what in scores.items():
                row = by_score[key]
                rows.append(
                    (
                        f"`{skin}`, {frames}: {what}",
                        str(row["frames"]),
                        percent(row["accepted"]),
                        number(row["rank_correlation"], ".2f"),
                        percent(row["bad_in_first_20_percent"], 0),
                        percent(row["most_possible"], 0),
                    )
                )
    header = ("annotator, frames: score", "number", "accepted", "rank correlation", "bad in first fifth", "at most")
    return table(header, rows)


def annotation_loop(results: Results) -> str:
    """One round of annotate, review, train, judged on held-out frames."""
    found = {skin: results["annotation_loop"][skin] for skin in ("hsv", "model")}
    lines: list[tuple[str, Callable[[Any], str]]] = [
        ("frames decided", lambda row: str(row["accepted"] + row["rejected"])),
        ("of them accepted", lambda row: str(row["accepted"])),
        ("annotator, mean IoU per image", lambda row: percent(row["held_out"]["annotator"]["iou_image"]["mean"])),
        ("shipped model", lambda row: percent(row["held_out"]["shipped"]["iou_image"]["mean"])),
        ("fine-tuned on accepted frames", lambda row: percent(row["held_out"]["fine-tuned"]["iou_image"]["mean"])),
        ("rank correlation of what is left", lambda row: number(row["left"]["alone"]["rank_correlation"], ".2f")),
        (
            "the same with the fine-tuned model",
            lambda row: number(row["left"]["with_model"]["rank_correlation"], ".2f"),
        ),
    ]
    return table(("", "`hsv`, calibrated", "`model`"), [(what, *(map(cell, found.values()))) for what, cell in lines])


TABLES: dict[str, Callable[[Results], str]] = {
    each.__name__: each
    for each in (
        synthetic,
        paper_metrics,
        rules,
        speed,
        engines,
        generator,
        shards,
        papers_data_set,
        networks,
        forest,
        annotation,
        annotation_choice,
        annotation_confidence,
        annotation_loop,
    )
}
