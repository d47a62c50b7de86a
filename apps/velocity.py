"""``evcam velocity``: the direction of the camera's motion, from lines and a gyro."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from evcam.apps import exit_codes
from evcam.apps.console import announce_compilation, note, progress, show
from evcam.apps.inputs import ChosenImu, camera_covariance, choose_imu, chosen_stretch, open_with_camera
from evcam.apps.outputs import check_output
from evcam.core.atomic import atomic_path
from evcam.core.camera import Camera
from evcam.errors import InputError
from evcam.io import Recording
from evcam.motion import MotionStatus, VelocityEstimate, VelocityOptions, estimate_velocity, save_velocity_csv

_ASSUMED_ZERO = "there is no gyro and no --omega: the angular velocity is taken for zero"


def run(args: Namespace) -> int:
    """Write the estimates, and the plot on request: both or neither; exit code 3 when no window gives a direction."""
    _check(args)
    recording, camera = open_with_camera(args)
    assert camera is not None
    with recording, ExitStack() as stack:
        imu = None if args.omega is not None else choose_imu(args, recording)
        announce_compilation(args)
        part = chosen_stretch(args, recording)
        estimates = _estimate(args, part, camera, imu)
        table = stack.enter_context(atomic_path(args.out, force=args.force))
        save_velocity_csv(estimates, table, force=True)
        if args.plot:
            _draw(args, part, estimates, stack.enter_context(atomic_path(args.plot, force=args.force)))
        warnings = recording.warnings
    show(args, _describe(args, estimates, imu), _figures(args, estimates, imu))
    for remark in (*(f"warning: {warning}" for warning in warnings), *_remarks(args, imu)):
        note(args, remark)
    return exit_codes.DONE if any(estimates) else exit_codes.DISTRUST


def _remarks(args: Namespace, imu: ChosenImu | None) -> tuple[str, ...]:
    if imu is not None:
        return imu.remarks
    return (_ASSUMED_ZERO,) if args.omega is None else ()


def _check(args: Namespace) -> None:
    inputs = [path for path in (args.recording, args.camera, args.imu, args.imu_mount) if path is not None]
    check_output(args.out, force=args.force, suffixes=(".csv",), inputs=inputs)
    if args.plot:
        check_output(args.plot, force=args.force, suffixes=(".png",), inputs=inputs)
    of_a_gyro = (args.imu, args.imu_mount, args.r_cam_imu, args.imu_offset_us)
    if args.omega is not None and any(given is not None for given in of_a_gyro):
        args.usage_error("--omega takes the gyro's place; give one of them")
    if args.omega is not None and not np.isfinite(args.omega).all():
        raise InputError(f"--omega must be three finite numbers in rad/s, not {args.omega}")


def _estimate(args: Namespace, recording: Recording, camera: Camera, imu: ChosenImu | None) -> tuple[VelocityEstimate, ...]:
    window_us = None if args.window_ms is None else max(1, round(1000 * args.window_ms))
    options = VelocityOptions(window_us=window_us, camera_covariance=camera_covariance(args.camera))
    with progress(args, "estimating") as report:
        return estimate_velocity(recording, camera, None if imu is None else imu.samples, options,
                                 angular_velocity_radps=args.omega, progress=report)


def _draw(args: Namespace, recording: Recording, estimates: tuple[VelocityEstimate, ...], path: Path) -> None:
    from evcam.viz.velocity import save_velocity_picture, window_to_draw

    drawn = window_to_draw(estimates)
    events = None
    if drawn is not None:
        start_s, stop_s = ((t_us - recording.start_us) * 1e-6 for t_us in (drawn.start_us, drawn.stop_us))
        events = recording.between(start_s, stop_s).events()
    first_us, title = recording.start_us - round(args.start * 1e6), Path(args.recording).name
    save_velocity_picture(estimates, path, drawn=drawn, events=events, start_us=first_us, title=title, force=True)


def _describe(args: Namespace, estimates: tuple[VelocityEstimate, ...], imu: ChosenImu | None) -> str:
    answers = [estimate for estimate in estimates if estimate]
    lines = [f"{args.recording}: {len(estimates)} windows{_lengths(estimates)}, {len(answers)} with a direction, "
             f"the sign resolved in {sum(estimate.sign_resolved for estimate in answers)}"]
    for status, count in _counts(estimates).items():
        if status != MotionStatus.OK:
            lines.append(f"  {count} x {status}: {MotionStatus(status).reason}")
    if len(answers) == 1:
        x, y, z = answers[0].direction
        lines.append(f"direction ({x:+.3f}, {y:+.3f}, {z:+.3f}): x right, y down, z forward")
    if answers:
        lines.append(f"in the image plane to {np.degrees(np.median([a.in_plane_std_rad for a in answers])):.1f} degrees, "
                     f"from {np.median([len(a.lines) for a in answers]):.0f} lines (medians)")
    if imu is not None:
        lines.append(f"gyro: {imu.source}; mount: {imu.mount}")
    lines += [f"  {count} x {text}" for text, count in Counter(text for e in estimates for text in e.notes).items()]
    lines.append(f"written to {args.out}" + (f" and {args.plot}" if args.plot else ""))
    return "\n".join(lines)


def _lengths(estimates: tuple[VelocityEstimate, ...]) -> str:
    if not estimates:
        return ""
    lengths_ms = [(estimate.stop_us - estimate.start_us) / 1000 for estimate in estimates]
    return f" of {min(lengths_ms):.0f} to {max(lengths_ms):.0f} ms"


def _counts(estimates: tuple[VelocityEstimate, ...]) -> dict[str, int]:
    return dict(Counter(str(estimate.status) for estimate in estimates))


def _figures(args: Namespace, estimates: tuple[VelocityEstimate, ...], imu: ChosenImu | None) -> dict[str, Any]:
    answers = [estimate for estimate in estimates if estimate]
    return {
        "out": args.out, "plot": args.plot, "windows": len(estimates), "answered": len(answers),
        "signs_resolved": sum(estimate.sign_resolved for estimate in answers), "statuses": _counts(estimates),
        "in_plane_std_deg": np.degrees(np.median([a.in_plane_std_rad for a in answers])) if answers else None,
        "direction": answers[0].direction if len(answers) == 1 else None,
        "imu": None if imu is None else {"source": imu.source, "mount": imu.mount}, "omega_radps": args.omega,
    }
