"""Encoders of the raw formats, written from their descriptions and independent of the decoders.

An item is ``(t_us, x, y, on)`` or, for an edge on an external input, ``(t_us, id, rising)``.
"""

import struct
from dataclasses import dataclass

import numpy as np

from evcam.core.events import Events

WIDTH, HEIGHT = 640, 480


def random_items(count, seed=0, *, start_us=0, step_us=40, edges=True):
    """Events, several at some instants and in some rows, with an edge now and then."""
    rng = np.random.default_rng(seed)
    t, items = start_us, []
    for i in range(count):
        t += int(rng.integers(0, step_us)) if rng.random() < 0.5 else 0
        if edges and rng.random() < 0.02:
            items.append((t, int(rng.integers(0, 16)), bool(i % 2)))
        elif rng.random() < 0.5 and items and len(items[-1]) == 4 and items[-1][1] < WIDTH - 1:
            items.append((t, items[-1][1] + 1, items[-1][2], items[-1][3]))
        else:
            items.append((t, int(rng.integers(0, WIDTH)), int(rng.integers(0, HEIGHT)), bool(rng.random() < 0.5)))
    return items


def evt3_words(items):
    """One word for each thing that changes."""
    words, high, low, row = [], None, None, None
    for item in items:
        t = item[0]
        if t >> 12 != high:
            high, low = t >> 12, None
            words.append(0x8000 | high & 0xFFF)
        if t & 0xFFF != low:
            low = t & 0xFFF
            words.append(0x6000 | low)
        if len(item) == 3:
            words.append(0xA000 | item[1] << 8 | item[2])
            continue
        if item[2] != row:
            row = item[2]
            words.append(row)
        words.append(0x2000 | item[3] << 11 | item[1])
    return words


def evt3_vector_words(items):
    """As `evt3_words`, with vectors of 12, 12 and 8 pixels for what is at one time in one row and of one sign."""
    words, i = [], 0
    while i < len(items):
        group = [items[i]]
        while len(group[0]) == 4 and i + len(group) < len(items):
            following = items[i + len(group)]
            same = len(following) == 4 and (following[0], following[2], following[3]) == (items[i][0], items[i][2], items[i][3])
            if not same or not group[-1][1] < following[1] < group[0][1] + 32:
                break
            group.append(following)
        head = evt3_words(group[:1])
        if len(group) == 1:
            words += head
        else:
            base, mask = group[0][1], sum(1 << item[1] - group[0][1] for item in group)
            words += [*head[:-1], 0x3000 | group[0][3] << 11 | base]
            words += [0x4000 | mask & 0xFFF, 0x4000 | mask >> 12 & 0xFFF, 0x5000 | mask >> 24]
        i += len(group)
    return words


def _evt2_head(t, kind, rest):
    return kind << 28 | (t & 63) << 22 | rest


def evt2_words(items):
    words, high = [], None
    for item in items:
        if item[0] >> 6 != high:
            high = item[0] >> 6
            words.append(8 << 28 | high & 0xFFFFFFF)
        if len(item) == 3:
            words.append(_evt2_head(item[0], 10, item[1] << 8 | item[2]))
        else:
            words.append(_evt2_head(item[0], int(item[3]), item[1] << 11 | item[2]))
    return words


def evt21_records(items):
    """Pairs of a word as in EVT 2.0 and a mask, with neighbours of one instant together."""
    records, high, i = [], None, 0
    while i < len(items):
        item = items[i]
        if item[0] >> 6 != high:
            high = item[0] >> 6
            records.append((8 << 28 | high & 0xFFFFFFF, 0))
        mask, count = 1, 1
        if len(item) == 3:
            records.append((_evt2_head(item[0], 10, item[1] << 8 | item[2]), 0))
        else:
            while i + count < len(items) and len(items[i + count]) == 4:
                other = items[i + count]
                if (other[0], *other[2:]) != (item[0], *item[2:]) or not items[i + count - 1][1] < other[1] < item[1] + 32:
                    break
                mask |= 1 << other[1] - item[1]
                count += 1
            records.append((_evt2_head(item[0], int(item[3]), item[1] << 11 | item[2]), mask))
        i += count
    return records


def es_bytes(items):
    data, now = bytearray(), 0
    for t, x, y, on in items:
        data += b"\xff" * ((t - now) // 127)
        data += struct.pack("<BHH", (t - now) % 127 << 1 | on, x, HEIGHT - 1 - y)
        now = t
    return bytes(data)


def atis_bytes(items):
    data, now = bytearray(), 0
    for t, x, y, on in items:
        waits = (t - now) // 63
        data += b"\xff" * (waits // 3) + (bytes([0xFC | waits % 3]) if waits % 3 else b"")
        data += struct.pack("<BHH", (t - now) % 63 << 2 | on << 1, x, HEIGHT - 1 - y)
        now = t
    return bytes(data)


def raw_header(encoding, *, geometry=f"% geometry {WIDTH}x{HEIGHT}\n", more=""):
    return f"% date 2024-01-01 10:00:00\n% evt {encoding}\n{geometry}{more}% end\n".encode()


def es_header(kind):
    return b"Event Stream\x02\x00\x00" + struct.pack("<BHH", kind, WIDTH, HEIGHT)


DAT_HEADER = f"% Data file containing CD events\n% Version 2\n% Width {WIDTH}\n% Height {HEIGHT}\n".encode() + b"\x0c\x08"
DAT1_HEADER = b"% Data file containing CD events\n% Version 1\n% Width 304\n% Height 240\n\x00\x08"


@dataclass(frozen=True)
class Encoding:
    """A file's header, how items become bytes behind it, and whether edges can be among them."""

    header: bytes
    payload: object
    edges: bool = True

    def file(self, items):
        return self.header + self.payload(items)


def _pairs(items, *, mask_first):
    return b"".join(struct.pack("<2I", *(pair[::-1] if mask_first else pair)) for pair in evt21_records(items))


ENCODINGS = {
    "EVT3": Encoding(raw_header("3.0"), lambda items: np.array(evt3_words(items), "<u2").tobytes()),
    "EVT3 vectors": Encoding(raw_header("3.0"), lambda items: np.array(evt3_vector_words(items), "<u2").tobytes()),
    "EVT2": Encoding(raw_header("2.0"), lambda items: np.array(evt2_words(items), "<u4").tobytes()),
    "EVT21": Encoding(raw_header("2.1"), lambda items: _pairs(items, mask_first=True)),
    "EVT21 legacy": Encoding(raw_header("2.1"), lambda items: _pairs(items, mask_first=False)),
    "DAT": Encoding(DAT_HEADER, lambda items: b"".join(
        struct.pack("<2I", t & 0xFFFFFFFF, x | y << 14 | on << 28) for t, x, y, on in items), edges=False),
    "ES": Encoding(es_header(1), es_bytes, edges=False),
    "ES ATIS": Encoding(es_header(2), atis_bytes, edges=False),
}


def as_events(items, width=WIDTH, height=HEIGHT):
    columns = zip(*[item for item in items if len(item) == 4], strict=True)
    return Events.from_arrays(*columns, width=width, height=height)


def assert_same(events, expected):
    for name in "txyp":
        np.testing.assert_array_equal(getattr(events, name), getattr(expected, name), err_msg=name)
