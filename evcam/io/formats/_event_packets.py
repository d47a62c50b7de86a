"""Payloads of `event_camera_msgs/EventPacket` messages, decoded one after the other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from evcam.core.triggers import Triggers
from evcam.errors import FormatError
from evcam.io.formats._decoding import DAMAGED, FULL, Columns, Decoder
from evcam.io.formats._evt import evt3
from evcam.io.formats._packed_kernels import unpack_mono

Room = Callable[[int], tuple[NDArray[np.int64], NDArray[np.uint16], NDArray[np.uint16], NDArray[np.bool_]]]

_MONO_BYTES = 8
_NO_EDGES = Triggers.empty()


class EventPacketDecoder:
    """Turns the payloads of one topic into events, in the order in which they were sent.

    Parameters
    ----------
    encoding : str
        The messages' field ``encoding``: ``"evt3"`` or ``"mono"``.
    width, height : int
        The messages' fields; events outside are left out.

    Raises
    ------
    FormatError
        An encoding that is not known.

    Notes
    -----
    ``evt3`` payloads are one stream cut anywhere: time and row go on from packet to packet, and several payloads joined
    decode as they do one by one, faster.  Its times are the camera's own; ``mono`` counts from each packet's time base.
    """

    def __init__(self, encoding: str, width: int, height: int) -> None:
        if encoding not in ("evt3", "mono"):
            raise FormatError(f"event packets in the encoding {encoding!r}; evcam reads evt3 and mono")
        self._is_mono = encoding == "mono"
        self._size = (width, height)
        self._decoder = Decoder(evt3(self._size, from_start=False))
        self._outside = 0
        self._cut = 0

    def decode(self, payload: bytes | memoryview | NDArray[np.uint8], time_base_ns: int = 0, room: Room | None = None) -> Columns:
        """Events, and edges on the external inputs, of the next packet (or of several, joined).

        Parameters
        ----------
        payload : bytes, or ndarray of uint8
            The message's field ``events``.
        time_base_ns : int
            Its field ``time_base``, which only ``mono`` needs.
        room : callable, optional
            Gives t, x, y and p for a number of events, which ``mono`` fills in place of new ones.

        Raises
        ------
        FormatError
            A payload that is damaged, with the byte within it.
        """
        size = _MONO_BYTES if self._is_mono else 2
        data = np.frombuffer(payload, np.uint8)
        self._cut += len(data) % size != 0
        data = data[: len(data) // size * size]
        if not self._is_mono:
            return self._evt3(data.view("<u2"))
        # A copy lies as the compiled code wants it, wherever the payload begins.
        return self._mono(np.array(data.view("<i8"), np.int64), time_base_ns, room or _room)

    @property
    def state(self) -> NDArray[np.int64]:
        """Where the stream stands, as a copy; a decoder that is given it goes on from there."""
        return self._decoder.state.copy()

    @state.setter
    def state(self, state: NDArray[np.int64]) -> None:
        self._decoder.state = state.copy()

    def repairs(self) -> dict[str, int]:
        """What was repaired or left out so far, and how often."""
        coding = self._decoder.coding
        counts = {message: int(self._decoder.state[place]) for message, place in coding.repairs.items()}
        counts["events outside the sensor, left out"] += self._outside
        counts["packets that end within a word, which is left out"] = self._cut
        return {message: count for message, count in counts.items() if count}

    def _evt3(self, words: NDArray[np.uint16]) -> Columns:
        pieces, position, status = [], 0, FULL
        while status == FULL:
            self._decoder.begin(2 * (len(words) - position))
            position, status = self._decoder.feed(words, position, True)
            pieces.append(self._decoder.end())
        if status == DAMAGED:
            raise FormatError(f"event packet: damaged at byte {2 * position}: {self._decoder.coding.damage}")
        return pieces[0] if len(pieces) == 1 else _joined(pieces)

    def _mono(self, words: NDArray[np.int64], time_base_ns: int, room: Room) -> Columns:
        t, x, y, p = room(len(words))
        inside = unpack_mono(words, *divmod(time_base_ns, 1000), *self._size, t, x, y, p)
        self._outside += len(words) - inside
        return Columns(t[:inside], x[:inside], y[:inside], p[:inside], _NO_EDGES)


def _room(n: int) -> tuple[NDArray[np.int64], NDArray[np.uint16], NDArray[np.uint16], NDArray[np.bool_]]:
    return np.empty(n, np.int64), np.empty(n, np.uint16), np.empty(n, np.uint16), np.empty(n, np.bool_)


def _joined(pieces: list[Columns]) -> Columns:
    t, x, y, p = (np.concatenate([piece[i] for piece in pieces]) for i in range(4))
    edges = [piece.triggers for piece in pieces]
    t_edges, numbers, rising = (np.concatenate([getattr(edge, name) for edge in edges]) for name in ("t", "id", "rising"))
    return Columns(t, x, y, p, Triggers(t_edges, numbers, rising))
