"""Recordings that are damaged, foreign, or lie about their sizes end in one sentence."""

import bz2
import re
import shutil
import sqlite3
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from graspseg.cameras.recordings import open_recording
from graspseg.cameras.ros import chunks
from graspseg.cameras.ros.chunks import DamagedError, decompress
from graspseg.cameras.ros.rvl import decode_rvl
from graspseg.cli.main import main
from graspseg.errors import InputError
from ros_samples import (
    DEPTH,
    FORMS,
    START_NS,
    Form,
    RosWriter,
    compressed_depth,
    depth_mm,
    write_take,
)

SUFFIXES = {"bag": ".bag", "db3": ".db3", "mcap": ".mcap"}


def sentence(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What `graspseg segment` says of a recording that it cannot use at all; it ends with 2 and writes nothing."""
    assert main(["segment", str(path), "--out", str(tmp_path / "out")]) == 2
    assert not (tmp_path / "out").exists()
    reported = capsys.readouterr().err.strip()
    assert re.fullmatch(r"graspseg: [^\n]+, expected [^\n]+: [^\n]+\.", reported), reported
    return reported


def test_an_mcap_named_bag(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "take.bag").write_bytes(b"\x89MCAP0\r\n\x00\x01")
    assert "take.bag is an MCAP file, expected a ROS 1 bag (.bag): rename it to end in .mcap" in sentence(
        tmp_path / "take.bag", tmp_path, capsys
    )


BINARY = {
    "empty": b"",
    "noise": np.random.default_rng(0).integers(0, 256, 4096, np.uint8).tobytes(),
    "text": b"hello\n",
    "zip": b"PK\x03\x04" + bytes(60),
    "sqlite": b"SQLite format 3\0" + bytes(400),
    "mcap": b"\x89MCAP0\r\n",
    "mcap twice": b"\x89MCAP0\r\n" * 8,
    "bag": b"#ROSBAG V2.0\n",
    "old bag": b"#ROSBAG V1.2\n\x10\0\0\0",
    "new bag": b"#ROSBAG V9.9\n",
    "cut bag": b"#ROSBAG V2.0\n\x45\0\0\0\x07\0\0\0op=\x03",
    "zeros": bytes(5000),
}


@pytest.mark.parametrize("suffix", [*SUFFIXES.values(), ".BAG"])
@pytest.mark.parametrize("content", BINARY)
def test_files_that_are_no_recordings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str, content: str
) -> None:
    path = tmp_path / f"take{suffix}"
    path.write_bytes(BINARY[content])
    assert f"take{suffix}" in sentence(path, tmp_path, capsys)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("suffix", SUFFIXES.values())
def test_recordings_of_another_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: Form, suffix: str
) -> None:
    kind = SUFFIXES[form.partition("-")[0]]
    if kind == suffix:
        suffix = ".mcap" if suffix == ".bag" else ".bag"
    made = write_take(tmp_path / f"made{kind if form != 'db3-file' else ''}", form, frames=1)
    path = tmp_path / f"take{suffix}"
    shutil.copy(next(made.glob("*.zstd")) if made.is_dir() else made, path)
    remedy = "extract or convert it" if form == "db3-file" else f"rename it to end in {kind}"
    assert remedy in sentence(path, tmp_path, capsys)


def prefix(path: Path, count: int) -> None:
    """All that can be read of a recording is as it was written, and what is lost is said."""
    recording = open_recording(path)
    assert 0 < len(recording) <= count and recording.cut is not None and "lost" in recording.cut
    for index in range(len(recording)):
        np.testing.assert_array_equal(recording.frame(index).depth, depth_mm(index))


@pytest.mark.parametrize("share", [0.5, 0.7, 0.95])
@pytest.mark.parametrize("form", ["bag", "bag-lz4", "db3", "mcap"])
def test_what_comes_before_a_cut_is_read(tmp_path: Path, form: Form, share: float) -> None:
    frames = 40 if form.startswith(("bag", "db3")) else 2200  # chunks of MCAP are a megabyte
    path = write_take(tmp_path / f"take{SUFFIXES[form.partition('-')[0]]}", form, frames=frames, color=False)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    if form == "mcap":
        recording = open_recording(path)
        assert recording.cut is not None and "was cut" in recording.cut and 500 < len(recording) < 2200
        last = len(recording) - 1
        np.testing.assert_array_equal(recording.frame(last).depth, depth_mm(last))
    else:
        prefix(path, frames)


@pytest.mark.parametrize("form", FORMS)
def test_a_cut_recording_ends_with_1(
    tmp_path: Path, form: Form, depth_rule_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "take" if form == "db3-file" else f"take{SUFFIXES[form.partition('-')[0]]}"
    path = write_take(tmp_path / name, form, frames=30)
    file = next(path.glob("*.zstd")) if path.is_dir() else path
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 8 // 10])
    out = tmp_path / "out"
    code = main(["segment", str(path), "--out", str(out), "--model", str(depth_rule_model), "--no-overlays"])
    reported = capsys.readouterr().err
    count = len(list(out.glob("labels/take/*.png")))
    assert (code, count) == (2, 0) if count == 0 else code == 1
    assert "Traceback" not in reported and (count == 0 or "lost" in reported)


def test_an_encrypted_bag(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_take(tmp_path / "take.bag", "bag", frames=1)
    data = path.read_bytes()
    size = struct.unpack_from("<I", data, 13)[0]
    field = b"encryptor=rosbag/AesCbcEncryptor"
    head = data[17 : 17 + size] + struct.pack("<I", len(field)) + field
    path.write_bytes(data[:13] + struct.pack("<I", len(head)) + head + data[17 + size :])
    assert "it is encrypted with rosbag/AesCbcEncryptor" in sentence(path, tmp_path, capsys)


def test_an_unknown_compression(tmp_path: Path) -> None:
    path = write_take(tmp_path / "take.bag", "bag-bz2", frames=3)
    path.write_bytes(path.read_bytes().replace(b"compression=bz2", b"compression=xyz"))
    with pytest.raises(InputError, match=r"take.bag is no readable recording"):
        open_recording(path)
    path = write_take(tmp_path / "take.mcap", "mcap-zstd", frames=3)
    path.write_bytes(path.read_bytes().replace(b"\x04\0\0\0zstd", b"\x04\0\0\0gzip"))
    with pytest.raises(InputError, match=r"chunks are compressed with 'gzip'"):
        open_recording(path).frame(0)


def test_a_chunk_that_does_not_fit_its_checksum(tmp_path: Path) -> None:
    path = write_take(tmp_path / "take.mcap", "mcap", frames=3)
    data = bytearray(path.read_bytes())
    chunk = data.index(b"\x06", 40)
    start = chunk + 9 + 24
    data[start : start + 4] = b"\1\2\3\4"  # rosbags leaves it out
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"a chunk does not fit its checksum"):
        open_recording(path).frame(0)


def test_folders_that_are_not_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_take(tmp_path / "take", "folder-mcap", frames=2)
    metadata, (file,) = path / "metadata.yaml", list(path.glob("*.mcap"))
    whole = metadata.read_text()
    for text, reported in (
        ("", "metadata.yaml is damaged"),
        ("[" * 5000, "metadata.yaml is damaged"),
        (whole[:40], "metadata.yaml is damaged"),
        (whole.replace(file.name, "gone.mcap"), "holds none of the 1 files that its metadata.yaml names (gone.mcap)"),
        (whole.replace(file.name, "../../etc/passwd"), "metadata.yaml names passwd, expected .db3 or .mcap files"),
        (whole.replace("relative_file_paths", "paths"), "metadata.yaml is damaged ('relative_file_paths')"),
        ("x" * (1 << 20) + whole, "larger than 1048576 bytes"),
    ):
        metadata.write_text(text)
        assert reported in sentence(path, tmp_path, capsys)
    metadata.unlink()
    assert f"and no metadata.yaml, expected a whole ROS 2 recording: give {file} itself" in sentence(
        path, tmp_path, capsys
    )


def test_a_view_in_place_of_messages_does_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_take(tmp_path / "take.db3", "db3", frames=1)
    with sqlite3.connect(path) as database:
        database.execute("ALTER TABLE messages RENAME TO kept")
        database.execute(
            "CREATE VIEW messages AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
            "SELECT i AS id, 1 AS topic_id, i AS timestamp, x'00' AS data FROM n"
        )
    database.close()
    assert "expected the tables messages and topics" in sentence(path, tmp_path, capsys)


@pytest.mark.parametrize("column", ["timestamp", "data"])
def test_values_of_another_kind(tmp_path: Path, column: str) -> None:
    path = write_take(tmp_path / "take.db3", "db3", frames=2)
    with sqlite3.connect(path) as database:
        database.execute(f"UPDATE messages SET {column} = 'text'")
    database.close()
    with pytest.raises(InputError, match=r"take.db3 .*(a message has no time|no depth|holds no bytes)"):
        open_recording(path).frame(0)


def peak_mib(act: Callable[[], object], error: type[Exception], reported: str) -> float:
    """Most memory that Python objects take while something is refused."""
    tracemalloc.start()
    try:
        with pytest.raises(error, match=reported):
            act()
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("compression", ["bz2", "lz4", "zstd"])
def test_what_grows_without_end_is_stopped(compression: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "MOST_BYTES", 1 << 20)
    content = bytes(64 << 20)
    packed = {
        "bz2": lambda: bz2.compress(content),
        "lz4": lambda: chunks.lz4.frame.compress(content),
        "zstd": lambda: chunks.zstd.compress(content),
    }[compression]()
    del content
    assert peak_mib(lambda: decompress(packed, compression), DamagedError, "holds more than 1 MiB") < 8


@pytest.mark.parametrize("compression", ["bz2", "lz4", "zstd"])
def test_chunks_that_are_not_whole(compression: str) -> None:
    packed = {"bz2": bz2.compress, "lz4": chunks.lz4.frame.compress, "zstd": chunks.zstd.compress}[compression](
        bytes(range(256)) * 99
    )
    for damaged in (packed[:-4], packed[:9], b"", b"hello"):
        with pytest.raises(DamagedError):
            decompress(damaged, compression)


@pytest.mark.parametrize("size", [(60000, 60000), (0, 5), (1 << 31, 1 << 31), (8192, 8193)])
def test_sizes_are_looked_at_before_memory_is_taken(tmp_path: Path, size: tuple[int, int]) -> None:
    def say(writer: RosWriter) -> None:
        data = bytearray(compressed_depth(depth_mm(0), "rvl"))
        data[12:20] = struct.pack("<II", *size)
        writer.compressed("/d", bytes(data), "16UC1; compressedDepth rvl", time_ns=START_NS)

    writer = RosWriter(tmp_path / "take.bag", "bag")
    say(writer)
    writer.close()
    recording = open_recording(tmp_path / "take.bag")
    assert peak_mib(lambda: recording.frame(0), InputError, r"an RVL image of") < 8


def test_rvl_that_does_not_fit() -> None:
    for data in (b"", b"\0" * 8, b"\xff" * 64, struct.pack("<I", 0x07000000)):
        with pytest.raises(DamagedError, match="RVL"):
            decode_rvl(data, 100)


def test_an_image_that_claims_more_than_it_holds(tmp_path: Path) -> None:
    writer = RosWriter(tmp_path / "take", "folder-mcap")
    message = writer.make(
        "sensor_msgs/msg/Image",
        header=writer.header(START_NS, "camera"),
        height=1 << 31,
        width=1 << 31,
        encoding="16UC1",
        is_bigendian=0,
        step=1 << 31,
        data=np.zeros(8, np.uint8),
    )
    writer.say(DEPTH, "sensor_msgs/msg/Image", message, time_ns=START_NS)
    writer.close()
    with pytest.raises(InputError, match=r"an image of 2147483648x2147483648 pixels"):
        open_recording(tmp_path / "take").frame(0)
