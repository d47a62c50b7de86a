"""Opening a recording together with its camera and its gyro, which several verbs share."""

from __future__ import annotations

import json
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evcam.core.camera import Camera
from evcam.core.imu import ImuSamples
from evcam.core.imu_mount import ImuMount, find_imu_mount, load_imu_mount, nearest_rotation
from evcam.core.yaml_mapping import read_mapping
from evcam.errors import EvcamError, FormatError, InputError
from evcam.io import Recording, load_imu_csv, open_recording

_UNKNOWN = "not known"


@dataclass(frozen=True)
class ChosenImu:
    """A gyro, and where its samples and its mount come from.

    Attributes
    ----------
    samples : ImuSamples
        With the mount that is used.
    source : str
        In a few words, for people.
    mount : str
        The same for the mount.
    assumed : bool
        Whether nothing says how the IMU sits on the camera.
    """

    samples: ImuSamples
    source: str
    mount: str
    assumed: bool

    @property
    def remarks(self) -> tuple[str, ...]:
        """What has to be said about it once the work is done."""
        unknown = "how the IMU sits on the camera is not known: its axes are taken for the camera's (--imu-mount, --r-cam-imu)"
        return (unknown,) if self.assumed else ()


def open_with_camera(args: Namespace) -> tuple[Recording, Camera | None]:
    """Open ``args.recording`` and load ``args.camera``, if one is given; either may tell the sensor's size to the other.

    Raises
    ------
    EvcamError
        One of them cannot be read; they are of different sensors; the camera's file does not state the sensor's size, and
        the recording's does not fit it.
    """
    recording = open_recording(args.recording, width=args.width, height=args.height, stream=args.stream)
    if args.camera is None:
        return recording, None
    try:
        camera = _load_camera(args.camera, recording)
    except EvcamError:
        recording.close()
        raise
    if (camera.width, camera.height) != (recording.width, recording.height):
        recording.close()
        recording = open_recording(args.recording, width=camera.width, height=camera.height, stream=args.stream)
    return recording, camera


def chosen_stretch(args: Namespace, recording: Recording) -> Recording:
    """The stretch from ``args.start`` on, ``args.duration`` long; the whole recording if neither is given.

    Raises
    ------
    InputError
        It holds no events, though the recording does.
    """
    start_s = args.start or 0.0
    if not start_s and args.duration is None:
        return recording
    part = recording.between(start_s, None if args.duration is None else start_s + args.duration)
    if next(part.chunks(1), None) is None and next(recording.chunks(1), None) is not None:
        raise InputError(f"{args.recording}: holds no events in the stretch from {start_s:g} s on; "
                         "evcam info says how long it is")
    return part


def _load_camera(path: str, recording: Recording) -> Camera:
    size = (recording.width, recording.height)
    if not recording.size_is_assumed:
        return Camera.load(path, width=size[0], height=size[1])
    try:
        return Camera.load(path)
    except InputError:
        # Plain numbers do not state a size: the recording's, as far as its events tell it.
        camera = Camera.load(path, width=size[0], height=size[1])
    cx, cy = camera.params[2:4]
    if not (0 < cx < size[0] and 0 < cy < size[1]):
        raise InputError(f"{path}: does not state the sensor's size, nor does the recording, and its principal point ({cx:g}, "
                         f"{cy:g}) lies outside the {size[0]}x{size[1]} px that the events take; give --width and --height")
    return camera


def camera_covariance(path: str) -> NDArray[np.float64] | None:
    """Covariance of the camera's parameters, if the file, which holds a camera, is a calibration of evcam.

    Raises
    ------
    FormatError
        It holds something else in its place.
    """
    text = Path(path).read_text(encoding="utf-8")
    if not text.lstrip().startswith("{"):
        return None
    covariance = json.loads(text).get("covariance")
    try:
        return None if covariance is None else np.array(covariance, float)
    except (TypeError, ValueError):
        raise FormatError(f"{path}: its covariance is no matrix of numbers") from None


def choose_imu(args: Namespace, recording: Recording) -> ChosenImu | None:
    """The gyro that the arguments name, or the recording's own, mounted as well as it is known.

    The mount is, first come first served: ``--r-cam-imu`` and ``--imu-offset-us``; ``--imu-mount``; ``T_cam_imu`` of the camera's
    file; what the recording says of its own IMU; the identity, which `ChosenImu.remarks` says.

    Raises
    ------
    EvcamError
        A file that cannot be read, or nine numbers that are no rotation.
    """
    own = recording.imu()
    if args.imu is None:
        if own is None:
            _refuse_mount(args)
            return None
        samples, source = own, "the recording's own"
    else:
        samples, source = load_imu_csv(args.imu), args.imu
    mount, known = _mount(args, own)
    samples = samples.mounted(mount.R_cam_imu, mount.offset_us)
    return ChosenImu(samples, source, known, known.startswith(_UNKNOWN))


def _refuse_mount(args: Namespace) -> None:
    if args.r_cam_imu is not None or args.imu_offset_us is not None or args.imu_mount is not None:
        raise InputError(f"{args.recording}: holds no IMU samples to mount; give them with --imu")


def _mount(args: Namespace, own: ImuSamples | None) -> tuple[ImuMount, str]:
    mount, known = _known_mount(args, own)
    R: NDArray[np.float64] = mount.R_cam_imu
    if args.r_cam_imu is not None:
        R, known = nearest_rotation(np.reshape(args.r_cam_imu, (3, 3)), "--r-cam-imu"), "R_cam_imu as given"
    offset_us = mount.offset_us if args.imu_offset_us is None else args.imu_offset_us
    if args.imu_offset_us is not None:
        known += ", offset as given"
    return ImuMount(R, offset_us), known


def _known_mount(args: Namespace, own: ImuSamples | None) -> tuple[ImuMount, str]:
    if args.imu_mount is not None:
        return load_imu_mount(args.imu_mount), f"T_cam_imu of {args.imu_mount}"
    if args.camera is not None:
        beside = _mount_beside_camera(args.camera)
        if beside is not None:
            return beside, f"T_cam_imu of {args.camera}"
    if own is not None:
        return ImuMount(own.R_cam_imu, own.offset_us), "the recording's own"
    return ImuMount(np.eye(3)), f"{_UNKNOWN}, taken for the camera's axes and clock"


def _mount_beside_camera(path: str) -> ImuMount | None:
    """What a Kalibr file says of an IMU besides the camera; other files say nothing."""
    if "T_cam_imu" not in Path(path).read_text(encoding="utf-8"):
        return None
    return find_imu_mount(read_mapping(Path(path), "camera"), path)
