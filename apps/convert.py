"""``evcam convert``: a recording, or a part of it, in another format."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterable
from dataclasses import asdict

from evcam import filters
from evcam.apps import exit_codes
from evcam.apps.console import announce_compilation, note, progress, show
from evcam.apps.inputs import chosen_stretch
from evcam.apps.outputs import check_output
from evcam.core.events import Events
from evcam.io import Recording, Region, convert, open_recording
from evcam.io.writers import writer_of


def run(args: Namespace) -> int:
    """Write the recording and say what the format had no place for."""
    writer_of(args.out)
    check_output(args.out, force=args.force, inputs=[args.recording])
    announce_compilation(args)
    crop = None if args.crop is None else Region(*args.crop)
    with (
        open_recording(args.recording, width=args.width, height=args.height, stream=args.stream) as recording,
        progress(args, "converting") as report,
    ):
        stretch = chosen_stretch(args, recording)
        done = convert(stretch, args.out, crop=crop, keep=_filters(args, stretch), force=args.force, progress=report)
    show(args, f"{args.out}: {done.events:,} of {done.read:,} events, {done.width} x {done.height} px, {done.format}",
         {"path": args.recording, "out": args.out, **asdict(done)})
    for remark in (*done.left_out, *done.warnings):
        note(args, f"warning: {remark}")
    return exit_codes.DONE


def _filters(args: Namespace, recording: Recording) -> Callable[[Iterable[Events]], Iterable[Events]] | None:
    chain: list[filters.Filter] = []
    if args.no_hot_pixels:
        chain.append(filters.HotPixels(filters.find_hot_pixels(recording.chunks())))
    if args.background_us is not None:
        chain.append(filters.BackgroundActivity(window_us=args.background_us))
    if args.refractory_us is not None:
        chain.append(filters.Refractory(period_us=args.refractory_us))
    return (lambda pieces: filters.apply(pieces, *chain)) if chain else None
