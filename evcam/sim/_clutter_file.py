"""Clutter in a scene's file."""

from __future__ import annotations

from typing import Any

from evcam.sim._fields import as_list, build, check_keys, mapping
from evcam.sim.clutter import Backdrop, Limb, Occluder, Texture, Waypoint, hand


def backdrop_from(data: Any) -> Backdrop:
    """The backdrop that a mapping describes."""
    options = dict(mapping("backdrop", data))
    if "texture" in options:
        options["texture"] = build(Texture, "texture", options["texture"])
    return build(Backdrop, "backdrop", options)


def occluder_from(data: Any) -> Occluder:
    """The occluder that a mapping describes by its limbs or as a hand."""
    is_hand = "hand" in mapping("occluder", data)
    check_keys("occluder", data, {"limbs", "hand", "path", "tone"} - {"limbs" if is_hand else "hand"}, {"path"})
    path = tuple(build(Waypoint, "waypoint", given) for given in as_list("occluder", "path", data["path"]))
    rest = {"tone": _tone(data["tone"])} if "tone" in data else {}
    if is_hand:
        options = mapping("hand", data["hand"])
        check_keys("hand", options, {"length_m"}, set())
        return hand(path, **rest, **options)
    limbs = tuple(build(Limb, "limb", given) for given in as_list("occluder", "limbs", data.get("limbs")))
    return Occluder(limbs, path, **rest)


def _tone(data: Any) -> Any:
    return build(Texture, "texture", data) if isinstance(data, dict) else data
