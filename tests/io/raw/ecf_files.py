"""Prophesee's HDF5 files with an ECF encoder of their own, written from the format's description."""

import struct
from itertools import pairwise

import h5py
import numpy as np

ECF = 0x8ECF
CHUNK = 1024
RECORD = np.dtype([("x", "<u2"), ("y", "<u2"), ("p", "<i2"), ("t", "<i8")], align=True)
EDGE = np.dtype([("p", "<i2"), ("t", "<i8"), ("id", "<i2")], align=True)
KINDS = ("apart", "x and p", "y, x and p")


def runs(values):
    """Value and length of every run of equal values."""
    bounds = [0, *(np.flatnonzero(np.diff(values)) + 1), len(values)]
    return [(int(values[a]), int(b - a)) for a, b in pairwise(bounds)]


def ecf_times(t):
    data, now = bytearray(struct.pack("<q", t[0])), int(t[0])
    for value, count in runs(t):
        step = value - now
        if step >= 15:
            while step:
                data.append(0xF0 | step & 15)
                step >>= 4
        data += bytes([step << 4 | 15]) + struct.pack("<H", count) if count >= 15 else bytes([step << 4 | count])
        now = value
    return bytes(data)


def ecf_rows(y):
    words = [word for row, count in runs(y) for word in ((row << 5 | 31, count) if count >= 31 else (row << 5 | count,))]
    return np.array(words, "<u2").tobytes()


def ecf_columns(x):
    words, i = [], 0
    while i < len(x):
        base, mask = int(x[i]), 0
        i += 1
        for k in range(1, 6):
            if i < len(x) and x[i] == base + k:
                mask |= 1 << 5 - k
                i += 1
        words.append(base << 5 | mask)
    return np.array(words, "<u2").tobytes()


def ecf_polarities(p):
    data = b""
    for on, count in runs(p.astype(int)):
        data += bytes([on << 7 | 127]) + struct.pack("<H", count) if count >= 127 else bytes([on << 7 | count])
    return data


def packed(values, bits):
    """Four values of ``bits`` bits in three words: the first fills the first word up with the second's low bits, and so on."""
    data, size = b"", {12: 16, 24: 32}[bits]
    values = [*values, *[0] * (-len(values) % 4)]
    for i in range(0, len(values), 4):
        a, b, c, d = values[i : i + 4]
        part = size - bits
        words = (a << part | b & (1 << part) - 1, b >> part << 2 * part | c & (1 << 2 * part) - 1, c >> 2 * part << bits | d)
        data += np.array(words, f"<u{size // 8}").tobytes()
    return data


def ecf(events, kind):
    x, y, p = (getattr(events, name).astype(np.int64) for name in "xyp")
    head = struct.pack("<I", len(events) << 2 | {"apart": 0, "x and p": 1, "y, x and p": 2}[kind]) + ecf_times(events.t)
    if kind == "y, x and p":
        return head + packed([int(v) for v in y << 12 | x << 1 | p], 24)
    head += ecf_rows(y)
    return head + (packed([int(v) for v in x << 1 | p], 12) if kind == "x and p" else ecf_columns(x) + ecf_polarities(p))


def write_ecf(path, events, kinds=KINDS, *, edges=(), chunk=CHUNK, attributes=None, damage=lambda data, i: data):
    with h5py.File(path, "w") as file:
        file.attrs.update({"geometry": "640x480", "version": "1.0"} if attributes is None else attributes)
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_chunk((chunk,))
        properties.set_filter(ECF, h5py.h5z.FLAG_OPTIONAL)
        space = h5py.h5s.create_simple((len(events),), (h5py.h5s.UNLIMITED,))
        group = file.create_group("CD")
        dataset = h5py.Dataset(h5py.h5d.create(group.id, b"events", h5py.h5t.py_create(RECORD), space, properties))
        for i in range(0, len(events), chunk):
            data = ecf(events[i : i + chunk], kinds[i // chunk % len(kinds)])
            dataset.id.write_direct_chunk((i,), damage(data, i))
        file["EXT_TRIGGER/events"] = np.array([(p, t, k) for t, k, p in edges], EDGE)
    return path
