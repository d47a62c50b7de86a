"""Words as masks."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont


@lru_cache(maxsize=4096)
def text_mask(text: str, size_px: int, bold: bool = False) -> NDArray[np.uint8]:
    """How much ink is where, 0 to 255, shape (H, W); all texts of one size are equally high."""
    from PIL import Image, ImageDraw

    font = _font(size_px, bold)
    ascent, descent = font.getmetrics()
    width = max(1, int(np.ceil(font.getlength(text))) + 1)
    image = Image.new("L", (width, ascent + descent), 0)
    ImageDraw.Draw(image).text((0, 0), text, fill=255, font=font)
    return np.array(image)


def text_width_px(text: str, size_px: int, bold: bool = False) -> int:
    """How wide a text is drawn."""
    return int(text_mask(text, size_px, bold).shape[1])


@lru_cache(maxsize=64)
def _font(size_px: int, bold: bool) -> FreeTypeFont:
    import matplotlib
    from PIL import ImageFont

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name), size_px)
