"""What to do about windows and views that were left out, by reason."""

from __future__ import annotations

HINTS = {
    # finding a moving board
    "no grid of discs": "The board was out of view, too far away or out of focus: discs need a radius of four pixels or more.",
    "grid does not fit the board": "Check rows and columns in the target file, and that the whole board can be seen at first.",
    "ambiguous": "The visible part of the board fits in more than one place: show all of it before it leaves the image in part.",
    "no motion known": "The board was seen only here and there: keep it in view, and move it.",
    "too few discs fitted": "Few discs had edges sharp enough: move steadily, neither very fast nor hardly at all.",
    # finding a flickering board
    "too few events": "Hardly anything flickered: check the screen and the camera's biases.",
    "no flicker": "No common frequency was found: show the flickering pattern during the whole recording.",
    "board not found": "Show all of the board, large and sharp.",
    "board moved": "Camera and screen have to stand still while a view is recorded.",
    # calibrating
    "too few points": "Show more of the board.",
    "repeats another view": "The same data twice are no new evidence.",
    "points in one line or place": "Show more than one row of the board.",
    "not needed for coverage": "Nothing is wrong with these; there were more views than needed.",
    "points do not determine a pose": "The board was seen nearly from its edge.",
    "mirrored against the other views": "The points were numbered the other way round: check the target file.",
    "residual too large": "These views contradict the others: the board was not flat, was mistaken, or the camera changed.",
    "too few points fit": "Most points contradict the other views.",
}
"""Advice by reason; a reason of another program has none."""
