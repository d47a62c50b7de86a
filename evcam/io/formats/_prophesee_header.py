"""The header of Prophesee's RAW and DAT files: lines ``% keyword value``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from evcam.errors import FormatError

# What headers say of the camera, whose events are then as it sent them.
CAMERA_KEYWORDS = {"integrator_name", "plugin_name", "system_ID", "subsystem_ID", "serial_number", "firmware_version"}

_MAX_HEADER_BYTES = 1 << 20
_MAX_LINE_BYTES = 4096
_MOST_DIGITS = 18
_SIZE = re.compile(r"\s*(\d{1,6})\s*[xX]\s*(\d{1,6})\s*")
_NUMBER = re.compile(r"\s*(\d{1,6})\s*")
_DATA_FILE = "Data file containing "
# Sensors by what the header calls them, or the plugin that read them out.
_SENSORS = (
    (re.compile(r"genx320", re.IGNORECASE), (320, 320)),
    (re.compile(r"imx636|imx646|gen_?4|^4\.", re.IGNORECASE), (1280, 720)),
    (re.compile(r"gen_?3|^3\.", re.IGNORECASE), (640, 480)),
)


class Header(NamedTuple):
    """What a header says.

    ``values`` are the lines by keyword, ``start`` is the first byte behind the header.
    """

    values: dict[str, str]
    start: int


def read_header(path: Path) -> Header:
    """Read the header lines of a file.

    Raises
    ------
    FormatError
        The header does not end.
    """
    with path.open("rb") as file:
        data = file.read(_MAX_HEADER_BYTES)
    header = parse_header(data)
    if header.start >= _MAX_HEADER_BYTES - _MAX_LINE_BYTES:
        raise FormatError(f"{path}: its header does not end within {_MAX_HEADER_BYTES} bytes")
    return header


def parse_header(data: bytes) -> Header:
    """Header lines at the beginning of ``data``.

    Events may begin with '%' as well: a header line is text, begins with "% " and ends.
    """
    values: dict[str, str] = {}
    position = 0
    while data.startswith(b"% ", position):
        end = data.find(b"\n", position, position + _MAX_LINE_BYTES)
        line = data[position:end].rstrip(b"\r")
        if end < 0 or any(byte < 32 and byte != 9 for byte in line):
            break
        position = end + 1
        text = line[2:].decode("utf-8", "replace").strip()
        if text == "end":
            break
        if text.startswith(_DATA_FILE):
            values["content"] = text.removeprefix(_DATA_FILE)
        else:
            keyword, _, value = text.partition(" ")
            values[keyword] = value.strip()
    return Header(values, position)


def is_decoded(values: dict[str, str]) -> bool:
    """Whether the header is that of a DAT file, whose events are no longer as the camera sent them."""
    return "content" in values or ("Version" in values and encoding_of(values) is None)


def encoding_of(values: dict[str, str]) -> str | None:
    """EVT2, EVT21, EVT3 or another name, None where the header has none."""
    if "format" in values:
        return values["format"].split(";")[0].strip().upper()
    if "evt" in values:
        return {"2.0": "EVT2", "2.1": "EVT21", "3.0": "EVT3"}.get(values["evt"], f"EVT {values['evt']}")
    return None


def option_of(values: dict[str, str], name: str) -> str | None:
    """An option of the line ``format``, as in ``EVT3;height=720;width=1280``."""
    for option in values.get("format", "").split(";")[1:]:
        key, _, value = option.partition("=")
        if key.strip().lower() == name:
            return value.strip()
    return None


def offset_us(path: Path, values: dict[str, str]) -> int:
    """What is to be added to the events' times, for recordings that some programs let begin at 0.

    Raises
    ------
    FormatError
        It is not a time.
    """
    text = values.get("t0", values.get("T0", "0"))
    if not (text.isdecimal() and text.isascii() and len(text) <= _MOST_DIGITS):
        raise FormatError(f"{path}: the time t0 in its header is {text[:_MOST_DIGITS]!r}, not whole microseconds")
    return int(text)


def size_of(values: dict[str, str]) -> tuple[int, int] | None:
    """Size of the sensor, as the header states it or as its name tells."""
    pair = _SIZE.fullmatch(values.get("geometry", ""))
    if pair:
        return int(pair[1]), int(pair[2])
    for width, height in (
        (option_of(values, "width"), option_of(values, "height")), (values.get("width"), values.get("height")),
        (values.get("Width"), values.get("Height")),
    ):
        numbers = _NUMBER.fullmatch(width or ""), _NUMBER.fullmatch(height or "")
        if numbers[0] and numbers[1]:
            return int(numbers[0][1]), int(numbers[1][1])
    for keyword in ("sensor_name", "sensor_generation", "generation", "plugin_name"):
        for pattern, size in _SENSORS:
            if pattern.search(values.get(keyword, "")):
                return size
    return None
