"""``evcam info``: what a recording holds."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict

from evcam.apps import exit_codes
from evcam.apps.console import announce_compilation, note, show, to_json
from evcam.apps.outputs import check_output
from evcam.core.atomic import atomic_path
from evcam.io import RecordingSummary, open_recording


def run(args: Namespace) -> int:
    """Print size, duration, rates and what else a recording holds."""
    if args.out:
        check_output(args.out, force=args.force, suffixes=(".json",), inputs=[args.recording])
    announce_compilation(args)
    with open_recording(args.recording, width=args.width, height=args.height, stream=args.stream) as recording:
        summary = recording.summary()
    data = {"path": args.recording, **asdict(summary)}
    if args.out:
        with atomic_path(args.out, force=args.force) as temporary:
            temporary.write_text(to_json(data) + "\n", encoding="utf-8")
    show(args, describe(args.recording, summary), data)
    for warning in summary.warnings:
        note(args, f"warning: {warning}")
    return exit_codes.DONE


def describe(path: str, summary: RecordingSummary) -> str:
    """Lines about a recording, for people."""
    rows = {
        "file": path,
        "format": summary.format,
        "sensor": f"{summary.width} x {summary.height} px",
        "events": f"{summary.events:,} ({100 * summary.on_share:.1f} % ON)",
        "time": f"{summary.duration_s:.6f} s, from {summary.start_us} to {summary.stop_us} us",
        "rate": f"{summary.rate_mevps:.3f} million events per second",
        "imu": f"{summary.imu_samples:,} samples at {summary.imu_rate_hz:.1f} Hz" if summary.imu_samples else "none",
    }
    if summary.frames is not None:
        rows["frames"] = f"{summary.frames:,}"
    if summary.triggers is not None:
        rows["triggers"] = f"{summary.triggers:,}"
    return "\n".join(f"{name:9}{value}" for name, value in rows.items())
