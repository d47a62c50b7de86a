"""Events of one topic of a bag, whatever the type of its messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from evcam.core.triggers import Triggers
from evcam.errors import FormatError
from evcam.io.formats._bag import Bag, Message
from evcam.io.formats._decoding import Columns
from evcam.io.formats._event_packets import EventPacketDecoder, Room
from evcam.io.formats._evt import MAX_SIZE_PX
from evcam.io.formats._ros_messages import ArrayMessage, PacketMessage, read_events

_WRAP_US = 1 << 31


class TopicDecoder:
    """Turns the messages of a topic into events, in their order; ``room`` may give the columns for them (`Gathered.room`).

    Attributes
    ----------
    is_stream : bool
        Whether a message can only be decoded after those before it, or with a `state` kept from there.
    """

    def __init__(self, bag: Bag, kind: str, first: ArrayMessage | PacketMessage, room: Room | None = None) -> None:
        self._bag = bag
        self._room = room
        self._kind = kind
        self._encoding = first.encoding if isinstance(first, PacketMessage) else ""
        self.is_stream = self._encoding == "evt3"
        self._packets: EventPacketDecoder | None = None
        if isinstance(first, PacketMessage) and self._encoding != "libcaer":
            try:
                self._packets = EventPacketDecoder(self._encoding, first.width or MAX_SIZE_PX, first.height or MAX_SIZE_PX)
            except FormatError as error:
                raise FormatError(f"{bag.path}: {error}") from None

    @property
    def state(self) -> NDArray[np.int64] | None:
        """Where the stream stands, None where there is nothing to remember."""
        return self._packets.state if self._packets else None

    def resume(self, state: NDArray[np.int64] | None) -> None:
        """Go on from a state of another decoder of the same topic."""
        if self._packets and state is not None:
            self._packets.state = state

    def repairs(self) -> dict[str, int]:
        """What was repaired or left out so far, in the plural, and how often."""
        return self._packets.repairs() if self._packets else {}

    def decode(self, messages: Iterable[Message]) -> Iterator[Columns]:
        """Events of the messages of one piece.

        Raises
        ------
        FormatError
            A message is damaged.
        """
        if self.is_stream:
            held = list(messages)
            if held:  # one stream cut anywhere: faster to decode in one go
                payloads = b"".join(self._packet(message, read(self._bag, message, self._kind)).payload for message in held)
                yield self._unpacked(payloads, 0, held[0].where)
            return
        for message in messages:
            content = read(self._bag, message, self._kind)
            if isinstance(content, ArrayMessage):
                yield Columns(content.t_us, content.x, content.y, content.p != 0, Triggers.empty())
                continue
            packet = self._packet(message, content)
            if self._encoding == "libcaer":
                yield _libcaer(packet.payload, packet.time_base_ns)
            else:
                yield self._unpacked(packet.payload, packet.time_base_ns, message.where)

    def _packet(self, message: Message, content: ArrayMessage | PacketMessage) -> PacketMessage:
        if not isinstance(content, PacketMessage) or content.encoding != self._encoding:
            raise self._bag.damaged(f"message in {message.where}", f"its encoding is not {self._encoding} as that of the first")
        return content

    def _unpacked(self, payload: bytes | memoryview, time_base_ns: int, where: str) -> Columns:
        assert self._packets is not None
        try:
            return self._packets.decode(payload, time_base_ns, self._room)
        except FormatError as error:
            raise self._bag.damaged(f"message in {where}", error) from None


def read(bag: Bag, message: Message, kind: str) -> ArrayMessage | PacketMessage:
    """A message's fields.

    Raises
    ------
    FormatError
        It is damaged.
    """
    try:
        return read_events(message.data, kind, bag.cdr)
    except ValueError as error:
        raise bag.damaged(f"message in {message.where}", error) from None


def _libcaer(payload: memoryview, time_base_ns: int) -> Columns:
    """Records of two words: y (15 bits), x (15 bits) above polarity and validity; 31 bits of us, which may wrap once."""
    words = np.frombuffer(payload, "<u4", len(payload) // 8 * 2).reshape(-1, 2)
    address, low = words[:, 0], words[:, 1].astype(np.int64)
    wrapped = np.cumsum(np.diff(low, prepend=low[:1]) < 0) * _WRAP_US
    x, y = ((address >> 17) & 0x7FFF).astype(np.uint16), ((address >> 2) & 0x7FFF).astype(np.uint16)
    return Columns(time_base_ns // 1000 + low + wrapped, x, y, (address & 2) != 0, Triggers.empty())
