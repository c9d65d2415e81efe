"""The help of every command: short, without the parser's own words, with examples that work, and complete."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from typing import Any

import pytest
import tyro

from graspseg.cli import (
    annotate,
    compare,
    dataset,
    evaluate,
    export,
    info,
    live,
    networks,
    record,
    review,
    segment,
    speed,
    synth,
    train,
    train_forest,
)
from graspseg.cli import main as cli
from graspseg.cli.help import Usage
from graspseg.cli.options import options_of, parse
from graspseg.errors import InputError
from graspseg.training.presets import TrainConfig

COMMANDS: dict[str, tuple[Any, Usage]] = {
    "segment": (segment.Options, segment.USAGE),
    "live": (live.Options, live.USAGE),
    "record": (record.Options, record.USAGE),
    "synth": (synth.Options, synth.USAGE),
    "annotate": (annotate.Options, annotate.USAGE),
    "review": (review.Options, review.USAGE),
    **{f"review {name}": command for name, command in review.COMMANDS.items()},
    **{f"dataset {name}": command for name, command in dataset.COMMANDS.items()},
    "train": (train.Arguments, train.USAGE),
    "train --network forest": (train_forest.Arguments, train_forest.USAGE),
    "evaluate": (evaluate.Arguments, evaluate.USAGE),
    "compare": (compare.Options, compare.USAGE),
    "export": (export.Options, export.USAGE),
    "speed": (speed.Options, speed.USAGE),
    "networks": (networks.Options, networks.USAGE),
    "info": (info.Options, info.USAGE),
}
every_command = pytest.mark.parametrize("name", COMMANDS)


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(list(arguments)) == 0
    return capsys.readouterr().out


def options_in(text: str) -> set[str]:
    return set(re.findall(r"^  (--[a-z][\w.-]*)", text, re.MULTILINE))


def test_every_command_is_looked_at() -> None:
    assert {name.split()[0] for name in COMMANDS} == set(cli.COMMANDS)


@every_command
def test_help_is_short_and_plain(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    text, everything = shown(capsys, *name.split(), "--help"), shown(capsys, *name.split(), "--help-all")
    few, all_of_them = options_in(text), options_in(everything)
    assert few <= all_of_them
    assert len(few) <= 15 and (len(few) >= 8 or few == all_of_them)
    assert few == all_of_them or f"--help-all shows {len(all_of_them) - len(few)} more options" in text
    for each in (text, everything):
        assert "default: None" not in each and "{None}" not in each and "MISSING" not in each
        assert max(map(len, each.partition("\nexamples:")[0].splitlines()[2:])) <= 100
        assert all(len(line) > 2 for line in each.splitlines() if line.startswith("  "))


@every_command
def test_help_all_names_every_option_that_is_read(name: str) -> None:
    kind, usage = COMMANDS[name]
    default: dict[str, Any] = {"default": train.Arguments(TrainConfig(), train.Path("runs"))} if name == "train" else {}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), pytest.raises(SystemExit):
        tyro.cli(kind, args=["--help"], prog=usage.prog, **default)
    plain = re.sub(r"\x1b\[[\d;]*m", "", printed.getvalue())
    read = set(re.findall(r"^[│|+ ]+(?:-h, )?(--(?!no-)[a-z][\w.-]*)", plain, re.MULTILINE)) - {"--help"}
    ours = {flag for option in options_of(kind, default.get("default")) for flag in option.flags}
    assert read == {flag for flag in ours if not flag.startswith("--no-")}


@every_command
def test_examples_are_read(name: str) -> None:
    kind, usage = COMMANDS[name]
    assert len(usage.examples) >= 2
    for example in usage.examples:
        program, *words = shlex.split(example)
        assert program == "graspseg" and example.startswith(usage.prog)
        arguments = words[len(usage.prog.split()) - 1 :]
        if name == "train":
            train.parse_arguments(arguments)
        else:
            assert isinstance(parse(kind, arguments, usage), kind)


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["segmnet"], "did you mean 'segment'?"),
        (["dataset", "stat"], "did you mean 'stats'?"),
        (["review", "exports", "x"], "did you mean 'export'?"),
        (["segment", "x", "--outt", "y"], "There is no option --outt of graspseg segment: did you mean '--out'?"),
        (["train", "--optimizer.rat=1"], "did you mean '--optimizer.rate'?"),
        (["train", "--preset", "lit"], "did you mean 'lite'?"),
        (["synth", "--out", "x", "--preset", "room"], "did you mean 'rooms'?"),
        (["segment", "x", "--out", "y", "--save", "cloud", "handles"], "did you mean 'handless'?"),
        (["info", "ltie"], "did you mean 'lite'?"),
        (["evaluate", "ho3", "--model", "none"], "ho3"),
        (["evaluate", "h03d:somewhere"], "did you mean 'ho3d'?"),
        (["segment", "h03d:somewhere", "--out", "x"], "did you mean 'ho3d'?"),
        (["segment", "x"], "--out is missing, expected --out PATH"),
        (["synth", "--out", "x", "--count", "many"], "--count is 'many', expected a whole number"),
        (["export", "x", "--looks", "4"], "--looks is '4', expected one of 1, 2, 3"),
    ],
)
def test_what_is_mistyped_gets_one_sentence(
    arguments: list[str], found: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert found in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["x", "--export", "coco", "--out", "y"], ["export", "x", "--out", "y", "--to", "coco"]),
        (["--export=png", "x", "--out", "y"], ["export", "x", "--out", "y", "--to", "png"]),
        (["x", "--import", "a.xml", "--model", "none"], ["import", "x", "a.xml"]),
    ],
)
def test_options_that_became_commands_still_mean_them(
    old: list[str], new: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    codes, errors = [], []
    for arguments in (old, new):
        codes.append(cli.main(["review", *arguments]))
        errors.append(capsys.readouterr().err.splitlines())
    assert codes == [2, 2] and "is a command of its own now" in errors[0][0]
    assert errors[0][1:] == errors[1] and "x" in errors[1][0]


def test_values_are_not_taken_for_options() -> None:
    options = parse(synth.Options, ["--out", "x", "--color-error-px=0.5", "--seed", "7"], synth.USAGE)
    assert options.seed == 7 and options.color_error_px == 0.5
    with pytest.raises(InputError, match=r"--seed is '1\.5', expected a whole number"):
        parse(synth.Options, ["--out", "x", "--seed=1.5"], synth.USAGE)
    assert parse(synth.Options, ["--out", "x", "--workers", "None"], synth.USAGE).workers is None
