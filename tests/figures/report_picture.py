"""The README's picture of a report: ``python tests/figures/report_picture.py report.png``, with Chromium installed.

Two parts of the page about the sample recording, as a browser shows them: its beginning, and what the views cover.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from evcam.apps.cli import main

DATA = Path(__file__).parents[2] / "data"
_WIDTH, _HEIGHT = 780, 940


def shoot(page: Path, folder: Path) -> np.ndarray:
    """The top of a page."""
    picture = page.with_suffix(".png")
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={folder / 'profile'}")
    command = ["chromium", *flags, f"--screenshot={picture}", f"--window-size={_WIDTH},{_HEIGHT}", page.as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return cv2.imread(str(picture))


def draw(out: Path) -> None:
    """Calibrate the sample, write its page and put two parts of it side by side."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recording, target = DATA / "circle_grid.h5", DATA / "circle_grid.yaml"
        cal, page = folder / "camera.json", folder / "camera.html"
        main(["calibrate", str(recording), "--target", str(target), "--out", str(cal)])
        main(["report", str(cal), "--recording", str(recording), "--out", str(page)])
        rest, text = folder / "rest.html", page.read_text(encoding="utf-8")
        rest.write_text(re.sub(r'<header>.*?(?=<section id="coverage">)', "", text, flags=re.S), "utf-8")
        parts = [shoot(page, folder), shoot(rest, folder)]
    cv2.imwrite(str(out), np.concatenate(parts, 1), [cv2.IMWRITE_PNG_COMPRESSION, 9])


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
