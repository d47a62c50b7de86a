"""Scenes as YAML files."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from evcam.core.camera import Camera
from evcam.core.rotation import exp_so3
from evcam.core.target import Target, load_target, target_from_dict
from evcam.core.trajectory import Trajectory
from evcam.core.yaml_mapping import read_mapping
from evcam.errors import FormatError, InputError
from evcam.sim.placing import facing_pose, hand_before
from evcam.sim.scene import Board, Flicker, Gyro, Line, Lines, Scene
from evcam.sim.sensor import Sensor, check_range

T = TypeVar("T")

_KEYS = {"camera", "target", "lines", "background", "duration_s", "board", "trajectory", "sensor", "gyro", "step_px"}
_HAND = {"distance_m", "sway_m", "tilt_rad", "roll_rad", "roll_amplitude_rad", "speed", "seed"}
_STILL = {"distance_m", "tilt_deg", "roll_deg", "at_px"}
_STEADY = {"rotvec_cam_world", "t_cam_world_m", "velocity_mps", "omega_radps"}


def load_scene(path: str | os.PathLike[str]) -> Scene:
    """Read a scene's YAML file.

    Keys: ``camera`` (a camera file, relative to the scene, or ``{model, width, height, params: {fx: ...}}``);
    ``target`` (a target file or its content) with optional ``board`` (`Board`'s fields), or ``lines`` (a list of
    `Line`'s fields) with optional ``background``; ``duration_s``; ``trajectory``: ``{type: hand_held}`` with the
    arguments of `Trajectory.hand_held` (the default before a target), ``{type: still, distance_m, tilt_deg,
    roll_deg, at_px}`` before a target, ``{type: steady, rotvec_cam_world, t_cam_world_m, velocity_mps, omega_radps}``;
    ``sensor``, ``gyro`` (the fields of `Sensor`, `Gyro`) and ``step_px``.

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
    _check_keys("scene", data, _KEYS, {"camera", "duration_s"})
    if ("target" in data) == ("lines" in data):
        raise InputError("scene: give either target or lines")
    check_range("scene", "duration_s", data["duration_s"], 1e-3, 1e5, "s")
    given = data["camera"]
    camera = Camera.load(folder / given) if isinstance(given, str) else Camera.from_dict(_mapping("camera", given))
    rest = {key: data[key] for key in ("step_px",) if key in data}
    sensor = _build(Sensor, "sensor", data.get("sensor", {}))
    gyro = _gyro(data["gyro"]) if "gyro" in data else None
    if "lines" in data:
        world: Board | Lines = _lines(data)
        motion = _mapping("trajectory", data.get("trajectory", {"type": "steady"}))
        trajectory = _trajectory(motion, data["duration_s"], camera, None)
        return Scene(camera, trajectory, world, sensor, gyro, **rest)
    given = data["target"]
    target = load_target(folder / given) if isinstance(given, str) else target_from_dict(_mapping("target", given))
    trajectory = _trajectory(_mapping("trajectory", data.get("trajectory", {})), data["duration_s"], camera, target)
    return Scene(camera, trajectory, _board(target, data.get("board", {})), sensor, gyro, **rest)


def _board(target: Target, data: Any) -> Board:
    options = dict(_mapping("board", data))
    if "flicker" in options:
        options["flicker"] = _build(Flicker, "flicker", options["flicker"])
    return _build(Board, "board", {**options, "target": target})


def _lines(data: Mapping[str, Any]) -> Lines:
    if not isinstance(data["lines"], list):
        raise InputError("scene: lines must be a list")
    lines = []
    for given in data["lines"]:
        line = {key: tuple(value) if isinstance(value, list) else value for key, value in _mapping("line", given).items()}
        lines.append(_build(Line, "line", line))
    background = {"background": data["background"]} if "background" in data else {}
    return Lines(tuple(lines), **background)


def _gyro(data: Any) -> Gyro:
    options = dict(_mapping("gyro", data))
    if "R_cam_imu" in options:
        options["R_cam_imu"] = np.asarray(options["R_cam_imu"], float)
    return _build(Gyro, "gyro", options)


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
    _check_keys("trajectory", options, keys, set())
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


def _build(cls: type[T], where: str, data: Any) -> T:
    known = {field.name for field in fields(cls)}  # type: ignore[arg-type]  # only ever called with dataclasses
    _check_keys(where, _mapping(where, data), known, set())
    try:
        return cls(**data)
    except TypeError as error:
        raise InputError(f"{where}: {error}") from None


def _mapping(where: str, data: Any) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise InputError(f"{where}: needs 'key: value' pairs, not {data!r}")
    return data


def _check_keys(where: str, data: Mapping[str, Any], known: set[str], needed: set[str]) -> None:
    if unknown := data.keys() - known:
        raise InputError(f"{where}: unknown key {', '.join(sorted(map(str, unknown)))}; known: {', '.join(sorted(known))}")
    if missing := needed - data.keys():
        raise InputError(f"{where}: needs {', '.join(sorted(missing))}")
