"""From arguments to a session: everything that the viewer was given, read and checked."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from evcam.apps.view.session import Evidence, Session, outlines_of
from evcam.apps.view.state import ViewState
from evcam.calib import Calibration
from evcam.core.camera import Camera
from evcam.core.detections import Detections
from evcam.core.target import load_target
from evcam.errors import FormatError, InputError
from evcam.io import Recording, open_recording
from evcam.motion.storage import load_velocity_csv
from evcam.viz.rate import RateProfile
from evcam.viz.rig import Path as CameraPath
from evcam.viz.spacetime import SpaceTime

_WINDOW_US = 50_000
_HIDDEN = frozenset({"normal flow"})
_HIDDEN_WITH_VIEWS = frozenset({"normal flow", "arcs"})


def open_session(args: Namespace, *, background: bool) -> Session:
    """Open the recording and what goes with it.

    Raises
    ------
    EvcamError
        A file that cannot be read, or that belongs to another sensor than the recording.
    """
    recording, profile = _open(args), RateProfile(_open(args))
    return Session(recording, profile, _evidence(args, recording), background=background)


def _open(args: Namespace) -> Recording:
    return open_recording(args.recording, width=args.width, height=args.height, stream=args.stream)


def _evidence(args: Namespace, recording: Recording) -> Evidence:
    size = (recording.width, recording.height)
    calibration, camera = _calibration(args.calibration, size) if args.calibration else (None, None)
    detections = _detections(args, size) if args.detections else None
    if detections is None and calibration is not None:
        detections = calibration.detections
    for path, other in ((args.calibration, camera), (args.detections, detections)):
        if other is not None and (other.width, other.height) != size:
            raise InputError(f"{path or args.calibration}: is of a sensor of {other.width}x{other.height} px, "
                             f"{args.recording} of one of {size[0]}x{size[1]} px")
    return Evidence(
        camera=camera, target=None if detections is None else detections.target, calibration=calibration,
        outlines=() if detections is None else outlines_of(detections, recording.name, calibration),
        path=None if calibration is None else _path(calibration, recording.name),
        estimates=load_velocity_csv(args.velocity) if args.velocity else (),
        imu=recording.imu() if camera is not None and recording.has_imu else None,
    )


def _detections(args: Namespace, size: tuple[int, int]) -> Detections:
    target = load_target(args.target) if args.target else None
    return Detections.load_csv(args.detections, target=target, size=size)


def _calibration(path: str, size: tuple[int, int]) -> tuple[Calibration | None, Camera]:
    """A calibration of evcam with its camera, or a camera of any other format alone, some of which state no size."""
    if not Path(path).is_file():
        raise InputError(f"{path}: no such calibration file")
    try:
        calibration = Calibration.load(path)
    except FormatError:
        return None, Camera.load(path, width=size[0], height=size[1])
    return calibration, calibration.camera


def _path(calibration: Calibration, name: str) -> CameraPath:
    """Poses of the recording, or of the only one that there is whatever its name."""
    own = CameraPath.of(calibration, name)
    return own if len(own) or len(calibration.detections.recordings) > 1 else CameraPath.of(calibration)


def first_state(session: Session, args: Namespace) -> ViewState:
    """What is shown first: the time asked for, or the end of the first window."""
    recording, window_us = session.recording, round(args.window * 1000) if args.window else _WINDOW_US
    start_us = recording.start_us
    now_us = start_us + (window_us if args.at is None else round(args.at * 1e6))
    eye = SpaceTime(recording.width, recording.height, now_us, window_us).eye()
    hidden = _hidden(args.layers, session)
    return ViewState(start_us, max(session.profile.stop_us, now_us), now_us, window_us, eye, session.first_rig_eye,
                     (eye, session.first_rig_eye), hidden)


def _hidden(layers: str | None, session: Session) -> frozenset[str]:
    """Layers that are off: those not named, or without names the usual ones."""
    if layers is None:
        return _HIDDEN_WITH_VIEWS if session.evidence.outlines else _HIDDEN
    wanted = [name.strip() for name in layers.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in session.available]
    if unknown:
        raise InputError(f"--layers: {unknown[0]!r} is not there; these data give: {', '.join(session.available)}")
    return frozenset(session.available) - set(wanted)
