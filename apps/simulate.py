"""``evcam simulate``: a recording with known truth."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from evcam.apps import exit_codes
from evcam.apps.console import announce_compilation, progress, show
from evcam.apps.outputs import check_output
from evcam.core.atomic import atomic_path
from evcam.core.events import Events
from evcam.errors import InputError
from evcam.io import save_h5
from evcam.sim import Truth, load_scene, simulate_chunks


def run(args: Namespace) -> int:
    """Write the recording and, on request, the truth of a scene: both or neither."""
    _check_outputs(args)
    scene = load_scene(args.scene)
    announce_compilation(args)
    truth = Truth.of(scene, args.seed)
    count = _Count()
    with ExitStack() as stack:
        recording = stack.enter_context(atomic_path(args.out, force=args.force))
        if args.truth:
            truth.save(stack.enter_context(atomic_path(args.truth, force=args.force)), force=True)
        report = stack.enter_context(progress(args, "simulating"))
        source = f"evcam simulate {Path(args.scene).name} --seed {args.seed}"
        chunks = count.of(simulate_chunks(scene, args.seed, report))
        save_h5(recording, chunks, imu=truth.imu, metadata={"source": source}, force=True)
    seconds = scene.trajectory.duration_s
    show(args, f"{args.out}: {count.events:,} events in {seconds:.3f} s, {scene.camera.width} x {scene.camera.height} px",
         {"out": args.out, "truth": args.truth, "seed": args.seed, "events": count.events, "duration_s": seconds})
    return exit_codes.DONE


def _check_outputs(args: Namespace) -> None:
    check_output(args.out, force=args.force, suffixes=(".h5", ".hdf5"), inputs=[args.scene])
    if args.truth:
        check_output(args.truth, force=args.force, suffixes=(".npz",), inputs=[args.scene])
        if Path(args.truth).absolute() == Path(args.out).absolute():
            raise InputError(f"{args.out}: recording and truth need two files")


class _Count:
    """Counts events on their way to the file."""

    def __init__(self) -> None:
        self.events = 0

    def of(self, chunks: Iterable[Events]) -> Iterator[Events]:
        for chunk in chunks:
            self.events += len(chunk)
            yield chunk
