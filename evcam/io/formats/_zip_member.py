"""Members of zip files that can be entered in the middle."""

from __future__ import annotations

import struct
import zipfile
import zlib
from bisect import bisect_right
from pathlib import Path
from typing import Any, NamedTuple

_LOCAL_HEADER = struct.Struct("<4s22xHH")
_READ_BYTES = 1 << 16
_SPACING_BYTES, _MOST_PLACES = 1 << 22, 256


class _Place(NamedTuple):
    """How many bytes have come out and gone in, and the state of inflating in between."""

    inflated: int
    packed: int
    state: Any


class Member:
    """One member, stored or deflated; others raise NotImplementedError.

    The first visit to a late place inflates everything before it and remembers up to 256 places on the way,
    each of which holds some 50 kB.
    """

    def __init__(self, path: Path, info: zipfile.ZipInfo) -> None:
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise NotImplementedError(f"compression {info.compress_type} of {info.filename} is not known")
        self._file = path.open("rb")
        self._file.seek(info.header_offset)
        signature, name, extra = _LOCAL_HEADER.unpack(self._file.read(_LOCAL_HEADER.size))
        if signature != b"PK\3\4":
            self._file.close()
            raise zipfile.BadZipFile(f"no header in front of {info.filename}")
        self._start = info.header_offset + _LOCAL_HEADER.size + name + extra
        self._info = info
        self._spacing = max(_SPACING_BYTES, info.file_size // _MOST_PLACES)
        self._places = [_Place(0, 0, zlib.decompressobj(-zlib.MAX_WBITS))]
        self._here = self._fresh(self._places[0])
        self._rest = b""

    def read(self, position: int, count: int) -> bytes:
        """Bytes of the content; fewer at its end.

        Raises
        ------
        zlib.error, EOFError
            The content is damaged or cut off.
        """
        count = max(min(count, self._info.file_size - position), 0)
        if self._info.compress_type == zipfile.ZIP_STORED:
            self._file.seek(self._start + position)
            return self._file.read(count)
        self._go_before(position)
        self._inflate(position - self._here.inflated, keep=False)
        return self._inflate(count, keep=True)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _fresh(self, place: _Place) -> _Place:
        return place._replace(state=place.state.copy())

    def _go_before(self, position: int) -> None:
        """Stand at the nearest known place that is not behind ``position``, if that is nearer than here."""
        place = self._places[bisect_right(self._places, position, key=lambda known: known.inflated) - 1]
        if not place.inflated <= self._here.inflated <= position:
            self._here, self._rest = self._fresh(place), b""

    def _inflate(self, count: int, *, keep: bool) -> bytes:
        """Go on by ``count`` bytes, and give them if they are to be kept."""
        kept = []
        while count > 0:
            inflated, packed, state = self._here
            if not self._rest:
                self._file.seek(self._start + packed)
                self._rest = self._file.read(min(_READ_BYTES, self._info.compress_size - packed))
            out = state.decompress(self._rest, min(count, _SPACING_BYTES))
            used = len(self._rest) - len(state.unconsumed_tail)
            if not out and not used:
                raise EOFError(f"{self._info.filename} is cut off after {inflated} bytes")
            self._rest = state.unconsumed_tail
            self._here = _Place(inflated + len(out), packed + used, state)
            if self._here.inflated - self._places[-1].inflated >= self._spacing:
                self._places.append(self._fresh(self._here))
            count -= len(out)
            if keep:
                kept.append(out)
        return b"".join(kept)
