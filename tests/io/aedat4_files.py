"""AEDAT4 files made byte by byte, for what no library writes."""

import struct

import numpy as np

XML = """<dv version="2.0"><node name="outInfo" path="/mainloop/Recorder/outInfo/">{}</node></dv>"""
STREAM = """<node name="{0}"><attr key="typeIdentifier" type="string">{1}</attr><node name="info">
<attr key="sizeX" type="int">{2}</attr><attr key="sizeY" type="int">{3}</attr></node></node>"""
EVENT = np.dtype([("t", "<i8"), ("x", "<u2"), ("y", "<u2"), ("p", "u1"), ("padding", "u1", 3)])


def header(streams, compression=0, table_position=-1):
    """``streams``: (number, type, width, height) each."""
    text = XML.format("".join(STREAM.format(*stream) for stream in streams)).encode()
    vtable = struct.pack("<HHHHH", 10, 24, 4, 8, 20) + b"\0\0"
    table = struct.pack("<iiqii", len(vtable), compression, table_position, 0, 4)
    body = struct.pack("<I", 4 + len(vtable)) + vtable + table[:20] + struct.pack("<II", 4, len(text)) + text + b"\0"
    return b"#!AER-DAT4.0\r\n" + struct.pack("<I", len(body)) + body


def packet(stream, payload):
    return struct.pack("<ii", stream, len(payload)) + payload


def _with_elements(vector, gap=0):
    """A buffer behind its own length whose table's only field is a vector, some bytes behind it."""
    body = struct.pack("<I4sHHHHiI", 16, b"TEST", 6, 8, 4, 0, 8, 4 + gap) + bytes(gap) + vector
    return struct.pack("<I", len(body)) + body


def events(t, x, y, p, gap=0):
    records = np.zeros(len(t), EVENT)
    records["t"], records["x"], records["y"], records["p"] = t, x, y, p
    return _with_elements(struct.pack("<I", len(t)) + records.tobytes(), gap)


def imu(samples):
    """``samples``: (t, ax, ay, az, gx, gy, gz) each."""
    return _tables([(t, 0.0, *values) for t, *values in samples], "qfffffff")


def triggers(edges):
    """``edges``: (t, type) each."""
    return _tables(edges, "qb")


def _tables(rows, layout):
    """A zero is not stored, as FlatBuffers has it."""
    tables, places = b"", []
    for row in rows:
        stored = [0] * len(row)
        data = b""
        for i, (value, letter) in enumerate(zip(row, layout, strict=True)):
            if value:
                stored[i] = 4 + len(data)
                data += struct.pack("<" + letter, value)
        vtable = struct.pack(f"<HH{len(stored)}H", 4 + 2 * len(stored), 4 + len(data), *stored)
        places.append(len(tables) + len(vtable))
        tables += vtable + struct.pack("<i", len(vtable)) + data
    first = 4 * len(rows)
    offsets = [first + place - 4 * i for i, place in enumerate(places)]
    return _with_elements(struct.pack(f"<I{len(offsets)}I", len(offsets), *offsets) + tables)
