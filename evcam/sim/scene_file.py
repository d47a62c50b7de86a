"""Scenes as YAML files."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from evcam.core.camera import Camera
from evcam.core.rotation import exp_so3
from evcam.core.target import Target, load_target, target_from_dict
from evcam.core.trajectory import Trajectory
from evcam.core.yaml_mapping import read_mapping
from evcam.errors import FormatError, InputError
from evcam.sim._clutter_file import backdrop_from, occluder_from
from evcam.sim._fields import as_list, build, check_keys, mapping
from evcam.sim.placing import facing_pose, hand_before
from evcam.sim.scene import Board, Flicker, Gyro, Line, Lines, Scene
from evcam.sim.sensor import Sensor, check_range

_KEYS = {"camera", "target", "lines", "background", "duration_s", "board", "trajectory", "sensor", "gyro", "step_px"}
_HAND = {"distance_m", "sway_m", "tilt_rad", "roll_rad", "roll_amplitude_rad", "speed", "seed"}
_STILL = {"distance_m", "tilt_deg", "roll_deg", "at_px"}
_STEADY = {"rotvec_cam_world", "t_cam_world_m", "velocity_mps", "omega_radps"}


def load_scene(path: str | os.PathLike[str]) -> Scene:
    """Read a scene's YAML file.

    Keys: ``camera`` (a camera file, relative to the scene, or ``{model, width, height, params: {fx: ...}}``);
    ``target`` (a target file or its content) with optional ``board`` (`Board`'s fields, see below), or ``lines`` (a list of
    `Line`'s fields) with optional ``background``; ``duration_s``; ``trajectory``: ``{type: hand_held}`` with the
    arguments of `Trajectory.hand_held` (the default before a target), ``{type: still, distance_m, tilt_deg,
    roll_deg, at_px}`` before a target, ``{type: steady, rotvec_cam_world, t_cam_world_m, velocity_mps, omega_radps}``;
    ``sensor``, ``gyro`` (the fields of `Sensor`, `Gyro`) and ``step_px``.

    A board's ``backdrop`` has the fields of `Backdrop` and in it ``texture`` those of `Texture`; ``occluders`` is a list of
    ``{limbs, path, tone}`` with the fields of `Limb` and `Waypoint`, or ``{hand: {length_m}, path, tone}`` for `hand`;
    ``tone`` is an intensity or a texture.

    Raises
    ------
    InputError
        No such file, an unknown or missing key, or a value that no scene can have.
    FormatError
        Not a YAML mapping.
    """
    path = Path(path)
    data = read_mapping(path, "scene")
    try:
        return _scene(data, path.parent)
    except (InputError, FormatError) as error:
        raise type(error)(f"{path}: {error}") from None


def _scene(data: Mapping[str, Any], folder: Path) -> Scene:
    check_keys("scene", data, _KEYS, {"camera", "duration_s"})
    if ("target" in data) == ("lines" in data):
        raise InputError("scene: give either target or lines")
    check_range("scene", "duration_s", data["duration_s"], 1e-3, 1e5, "s")
    given = data["camera"]
    camera = Camera.load(folder / given) if isinstance(given, str) else Camera.from_dict(mapping("camera", given))
    rest = {key: data[key] for key in ("step_px",) if key in data}
    sensor = build(Sensor, "sensor", data.get("sensor", {}))
    gyro = _gyro(data["gyro"]) if "gyro" in data else None
    if "lines" in data:
        world: Board | Lines = _lines(data)
        motion = mapping("trajectory", data.get("trajectory", {"type": "steady"}))
        trajectory = _trajectory(motion, data["duration_s"], camera, None)
        return Scene(camera, trajectory, world, sensor, gyro, **rest)
    given = data["target"]
    target = load_target(folder / given) if isinstance(given, str) else target_from_dict(mapping("target", given))
    trajectory = _trajectory(mapping("trajectory", data.get("trajectory", {})), data["duration_s"], camera, target)
    return Scene(camera, trajectory, _board(target, data.get("board", {})), sensor, gyro, **rest)


def _board(target: Target, data: Any) -> Board:
    options = dict(mapping("board", data))
    if "flicker" in options:
        options["flicker"] = build(Flicker, "flicker", options["flicker"])
    if "backdrop" in options:
        options["backdrop"] = backdrop_from(options["backdrop"])
    if "occluders" in options:
        options["occluders"] = tuple(occluder_from(given) for given in as_list("board", "occluders", options["occluders"]))
    return build(Board, "board", {**options, "target": target})


def _lines(data: Mapping[str, Any]) -> Lines:
    lines = [build(Line, "line", given) for given in as_list("scene", "lines", data["lines"])]
    background = {"background": data["background"]} if "background" in data else {}
    return Lines(tuple(lines), **background)


def _gyro(data: Any) -> Gyro:
    options = dict(mapping("gyro", data))
    if "R_cam_imu" in options:
        options["R_cam_imu"] = np.asarray(options["R_cam_imu"], float)
    return build(Gyro, "gyro", options)


def _trajectory(data: Mapping[str, Any], duration_s: Any, camera: Camera, target: Target | None) -> Trajectory:
    options = dict(data)
    kind = options.pop("type", "hand_held")
    makers: dict[str, tuple[set[str], Callable[[], Trajectory]]] = {"steady": (_STEADY, lambda: _steady(options, duration_s))}
    if target is not None:
        makers["hand_held"] = _HAND, lambda: hand_before(target, camera, duration_s, **options)
        makers["still"] = _STILL, lambda: Trajectory.still(*facing_pose(target, camera, **options), duration_s=duration_s)
    if kind not in makers:
        raise InputError(f"trajectory: type is {kind!r}; known here: {', '.join(makers)}")
    keys, make = makers[kind]
    check_keys("trajectory", options, keys, set())
    try:
        return make()
    except (TypeError, ValueError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"trajectory: {kind} cannot be made from {options}: {error}") from None


def _steady(options: Mapping[str, Any], duration_s: float) -> Trajectory:
    zero = [0.0, 0.0, 0.0]
    R = exp_so3(options.get("rotvec_cam_world", zero))
    position, velocity, omega = (options.get(key, zero) for key in ("t_cam_world_m", "velocity_mps", "omega_radps"))
    return Trajectory.steady(R, position, velocity, omega, duration_s=duration_s)
