"""The ROS messages that carry events and inertial samples, decoded from their bytes.

ROS 1 packs fields without gaps, little-endian.  ROS 2 (CDR) puts four bytes in front, of which
the second says the byte order, and aligns every number to its size, counted from behind them.
"""

from __future__ import annotations

from functools import cache
from struct import Struct, calcsize
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_EVENT_TYPES = ("dvs_msgs/EventArray", "prophesee_event_msgs/EventArray")
_PACKET_TYPES = ("event_camera_msgs/EventPacket", "event_array_msgs/EventArray")
EVENT_TYPES = (*_EVENT_TYPES, *_PACKET_TYPES)
IMU_TYPE = "sensor_msgs/Imu"
_CDR_KINDS = {b"\x00\x00": ">", b"\x00\x01": "<", b"\x00\x02": ">", b"\x00\x03": "<"}
_WORD_BYTES = {"evt3": 2, "mono": 8, "libcaer": 4}
_PACKED_BYTES, _CDR_BYTES = 13, 16


class ArrayMessage(NamedTuple):
    """A message with its events laid open; any polarity but 0 is ON."""

    stamp_ns: int
    width: int
    height: int
    t_us: NDArray[np.int64]
    x: NDArray[np.uint16]
    y: NDArray[np.uint16]
    p: NDArray[np.uint8]


class PacketMessage(NamedTuple):
    """A message with its events packed by an encoding, little-endian."""

    stamp_ns: int
    width: int
    height: int
    time_base_ns: int
    encoding: str
    payload: memoryview


class ImuMessage(NamedTuple):
    """One inertial sample: nanoseconds of its stamp, rad/s and m/s^2."""

    stamp_ns: int
    gyro_radps: tuple[float, float, float]
    accel_mps2: tuple[float, float, float]


class _Cursor:
    """Reads numbers one after the other; beyond the end raises ValueError."""

    def __init__(self, data: bytes, cdr: bool) -> None:
        self.data = data
        self.cdr = cdr
        self.order = "<"
        self.position = 0
        if cdr:
            if data[:2] not in _CDR_KINDS:
                raise ValueError(f"it begins with {data[:4]!r}, which is no CDR header")
            self.order, self.position = _CDR_KINDS[data[:2]], 4

    def numbers(self, layout: str) -> tuple[Any, ...]:
        """Numbers of equal size, by their `struct` letters."""
        packed, size = _packed(self.order + layout)
        if self.cdr:
            self.position += (4 - self.position) % size
        start, self.position = self.position, self.position + packed.size
        if self.position > len(self.data):
            raise ValueError(f"{self.position} bytes are needed, {len(self.data)} are there")
        return packed.unpack_from(self.data, start)

    def blob(self) -> memoryview:
        """Bytes behind their number, as they lie there."""
        (count,) = self.numbers("I")
        if self.position + count > len(self.data):
            raise ValueError(f"{count} bytes are said to follow, {len(self.data) - self.position} do")
        self.position += count
        return memoryview(self.data)[self.position - count : self.position]

    def text(self) -> str:
        """A string; CDR's ends with a zero."""
        return bytes(self.blob()).rstrip(b"\0").decode("utf-8", "replace")

    def stamp_ns(self) -> int:
        """The stamp of a std_msgs/Header, and past it."""
        if not self.cdr:
            self.numbers("I")  # the sequence number
        seconds, nanos = self.numbers("II")
        self.text()
        return int(seconds) * 1_000_000_000 + int(nanos)


@cache
def _packed(layout: str) -> tuple[Struct, int]:
    """Numbers as `struct` packs them, and the size of one."""
    return Struct(layout), calcsize(layout[0] + layout[-1])


def plain_type(name: str) -> str:
    """A type's name as ROS 1 writes it, without ROS 2's ``msg``."""
    return name.replace("/msg/", "/")


def read_events(data: bytes, kind: str, cdr: bool) -> ArrayMessage | PacketMessage:
    """Decode a message of events.

    Parameters
    ----------
    data : bytes
    kind : str
        One of `EVENT_TYPES`.
    cdr : bool
        Whether it is serialised as ROS 2 does.

    Raises
    ------
    ValueError
        Damaged.
    """
    cursor = _Cursor(data, cdr)
    stamp_ns = cursor.stamp_ns()
    height, width = cursor.numbers("II")
    if kind in _PACKET_TYPES:
        return _read_packet(cursor, stamp_ns, width, height)
    (count,) = cursor.numbers("I")
    records = (_aligned_records if cdr else _packed_records)(cursor, count)
    t_us = records["s"].astype(np.int64) * 1_000_000 + _microseconds(records["ns"].astype(np.int64))
    return ArrayMessage(stamp_ns, width, height, t_us, records["x"], records["y"], records["p"])


def read_imu(data: bytes, cdr: bool) -> ImuMessage:
    """Decode a sensor_msgs/Imu.

    Raises
    ------
    ValueError
        Damaged.
    """
    cursor = _Cursor(data, cdr)
    stamp_ns = cursor.stamp_ns()
    values = cursor.numbers("37d")  # orientation 4 and covariance 9, gyro 3 and 9, accelerometer 3 and 9
    return ImuMessage(stamp_ns, values[13:16], values[25:28])


def _microseconds(t_ns: Any) -> Any:
    return (t_ns + 500) // 1000


def _check_room(cursor: _Cursor, needed: int, count: int) -> None:
    if cursor.position + needed > len(cursor.data):
        raise ValueError(f"{count} events need {needed} bytes, {len(cursor.data) - cursor.position} are there")


def _packed_records(cursor: _Cursor, count: int) -> NDArray[Any]:
    _check_room(cursor, count * _PACKED_BYTES, count)
    dtype = np.dtype([("x", "<u2"), ("y", "<u2"), ("s", "<u4"), ("ns", "<u4"), ("p", "u1")])
    return np.frombuffer(cursor.data, dtype, count, cursor.position)


def _aligned_records(cursor: _Cursor, count: int) -> NDArray[Any]:
    """All but the first event have two bytes of filling in front of their time, so that 16 bytes lie between them."""
    needed = max(_CDR_BYTES * count - 3, 0)
    _check_room(cursor, needed, count)
    order = cursor.order
    numbers = [(name, f"{order}{kind}") for name, kind in (("x", "u2"), ("y", "u2"), ("gap", "u2"), ("s", "u4"), ("ns", "u4"))]
    dtype = np.dtype([*numbers, ("p", "u1"), ("rest", "u1")])
    # With the first event's x and y moved two bytes ahead, all records are alike.
    start, end = cursor.position, cursor.position + needed
    data = cursor.data[start : start + 4] + b"\0\0" + cursor.data[start + 4 : end] + b"\0"
    return np.frombuffer(data, dtype, count)


def _read_packet(cursor: _Cursor, stamp_ns: int, width: int, height: int) -> PacketMessage:
    cursor.numbers("Q")  # the sequence number
    (time_base_ns,) = cursor.numbers("Q")
    encoding = cursor.text()
    (big_endian,) = cursor.numbers("B")
    payload = cursor.blob()
    if big_endian:
        size = _WORD_BYTES.get(encoding, 1)
        payload = np.frombuffer(payload, f">u{size}", len(payload) // size).astype(f"<u{size}").view(np.uint8).data
    return PacketMessage(stamp_ns, width, height, time_base_ns, encoding, payload)
