"""`graspseg live`: a camera or recording, segmented as it comes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from graspseg.cli.camera import CameraArguments
from graspseg.cli.help import Usage
from graspseg.cli.options import parse
from graspseg.errors import InputError, printable

if TYPE_CHECKING:
    from graspseg.cameras.camera import Camera
    from graspseg.live.sink import Sink
    from graspseg.live.statistics import Statistics
    from graspseg.segment.stream import StreamSegmenter


USAGE = Usage(
    "graspseg live",
    everyday=(
        *("viewer", "save", "rate", "loop", "seconds", "smooth", "track", "model", "threads"),
        *("depth-unit", "filters", "port"),
    ),
    examples=("graspseg live realsense --viewer web", "graspseg live take.mcap --rate 15 --save labeled"),
)


@dataclass(frozen=True)
class Options:
    """Segment a camera's frames as they come, or play stored ones as if they came.

    The newest frame is segmented; those that come meanwhile are dropped and counted. Ctrl-C ends. The last line says
    how many frames a second. Exit code 0: all went well, 1: some frames could not be used or not everything was saved,
    2: nothing could be done.
    """

    source: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="SOURCE")]
    """realsense (a camera of that make), a recording (.db3, .bag, .mcap), a folder of depth images, a clip, or
    .tar shards"""
    viewer: Literal["rerun", "web", "none"] = "none"
    """where to look at it: the Rerun viewer (of the extra live), a page of this machine, or nowhere"""
    save: Path | None = None
    """also write what is seen: FILE.rrd (Rerun), FILE.mcap (ROS 2, Foxglove), or a new folder (a data set)"""
    rate: float | None = None
    """play stored frames at so many a second, 0: every one, as fast as possible; default: their own"""
    loop: int = 1
    """play stored frames so many times"""
    seconds: float | None = None
    """end after so long"""
    smooth: bool = True
    """steady labels where nothing moves"""
    track: bool = True
    """let windows follow the hands, instead of looking at all of every frame"""
    model: str = "denseattentionseg-lite"
    """name of a shipped model, an exported .onnx file, or a forest's .npz"""
    threads: int | None = None
    """CPU threads; default: all this process may use"""
    camera: Annotated[CameraArguments, tyro.conf.arg(name="")] = field(default_factory=CameraArguments)
    topic: tuple[str, ...] = ()
    """topic of the depth in a recording of ROS, where there are several"""
    width: int = 640
    """pixels of a RealSense camera's depth"""
    height: int = 480
    """pixels of a RealSense camera's depth"""
    fps: int = 30
    """frames a second of a RealSense camera"""
    serial: str | None = None
    """serial number of the camera; default: the only one"""
    filters: bool = False
    """run the RealSense SDK's spatial and temporal filters on its depth first"""
    port: int = 0
    """port of --viewer web; default: a free one"""


def main(argv: Sequence[str]) -> int:
    """Run the command; returns the exit code.

    Raises:
        InputError: no camera, nothing to play, or nothing can be shown or saved.
    """
    options = parse(Options, argv, USAGE)
    _check(options)
    from graspseg.live.statistics import Statistics
    from graspseg.segment.segmenter import Segmenter
    from graspseg.segment.stream import StreamSegmenter, TrackSettings
    from graspseg.segment.temporal_filter import TemporalFilter

    camera, live = _camera(options)
    segmenter = StreamSegmenter(
        Segmenter(options.model, threads=options.threads),
        track=TrackSettings() if options.track else None,
        smooth=TemporalFilter() if options.smooth else None,
    )
    return _run(options, camera, segmenter, Statistics(), live=live)


def _check(options: Options) -> None:
    if options.seconds is not None and not options.seconds > 0:
        raise InputError(f"--seconds is {options.seconds:g}, expected more than 0: leave it out to end by Ctrl-C.")
    if options.threads is not None and options.threads < 1:
        raise InputError(f"--threads is {options.threads}, expected at least 1: leave it out for all.")
    if not 0 <= options.port < 1 << 16:
        raise InputError(f"--port is {options.port}, expected 0 to 65535: leave it out for a free one.")


def _camera(options: Options) -> tuple[Camera, bool]:
    """The source, and whether it is a camera that may come back."""
    said = options.camera.checked()
    if str(options.source) == "realsense":
        from graspseg.cameras.realsense.capture import Mode
        from graspseg.cameras.realsense.live import RealSenseCamera

        if min(options.width, options.height, options.fps) < 1:
            raise InputError(
                f"--width, --height and --fps are {options.width}, {options.height} and {options.fps}, expected what "
                "the camera offers: leave them out for 640x480 at 30."
            )
        mode = Mode(options.width, options.height, options.fps)
        camera = RealSenseCamera(mode, serial=options.serial, filters=options.filters, depth_unit_m=said.depth_unit_m)
        return camera, True
    from graspseg.live.played import PlayedFrames

    played = PlayedFrames(
        [options.source], rate_hz=options.rate, loop=options.loop, camera=said, topics=options.topic, out=options.save
    )
    return played, False


def _sinks(options: Options, statistics: Statistics, dropped: list[int]) -> list[Sink]:
    """What shows and saves results, files first: they can refuse before a window opens."""
    from graspseg.live.sink import Background

    sinks: list[Sink] = []
    every = options.rate == 0
    if options.save is not None:
        suffix = options.save.suffix.lower()
        if suffix == ".rrd":
            from graspseg.live.rerun_sink import RerunSink

            sinks.append(Background(RerunSink(options.save), wait=every))
        elif suffix == ".mcap":
            from graspseg.live.mcap_sink import McapSink

            sinks.append(Background(McapSink(options.save), wait=every))
        else:
            from graspseg.live.folder_sink import FolderSink

            sinks.append(Background(FolderSink(options.save), wait=every))
    if options.viewer == "rerun":
        from graspseg.live.rerun_sink import RerunSink

        sinks.append(Background(RerunSink()))
    elif options.viewer == "web":
        from graspseg.live.web_sink import WebSink

        page = WebSink(lambda: statistics.line(dropped[0]), port=options.port)
        print(f"look at {printable(page.address)} (Ctrl-C ends)", flush=True)
        sinks.append(page)
    return sinks


def _run(options: Options, camera: Camera, segmenter: StreamSegmenter, statistics: Statistics, *, live: bool) -> int:
    from graspseg.cli.progress import MessageLog
    from graspseg.live.run import Reporter, run
    from graspseg.live.sink import Background
    from graspseg.live.stream import Stream

    voice, dropped, heard = MessageLog(), [0], 0
    on_terminal = sys.stderr.isatty()

    def noticed(sentence: str) -> None:
        nonlocal heard
        heard += 1
        if on_terminal:
            print("\r\033[K", end="", file=sys.stderr)
        voice(sentence)

    stream = Stream(camera, segmenter, notice=noticed, every=options.rate == 0, live=live)

    def advanced() -> None:
        dropped[0] = stream.dropped
        if on_terminal:
            print(f"\r\033[K{statistics.line(stream.dropped)}", end="", file=sys.stderr, flush=True)

    sinks = _sinks(options, statistics, dropped)
    failed = run(stream, sinks, statistics, Reporter(noticed, advanced), seconds=options.seconds)
    if on_terminal:
        print("\r\033[K", end="", file=sys.stderr)
    voice.close(heard)
    lost = sum(sink.lost for sink in sinks if isinstance(sink, Background))
    if lost:
        print(f"graspseg: {lost} results came too fast to be saved or shown", file=sys.stderr)
    if statistics.frames and options.save is not None:
        print(f"saved in {printable(options.save)}")
    print(statistics.summary(stream.dropped, stream.failed))
    return 2 if stream.failed and not statistics.frames else 1 if failed or stream.failed else 0
