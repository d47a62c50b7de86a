"""The recording in a ROS bag: one topic of events, and the inertial samples nearest to it.

Times are the sensor's own stamps, in the messages, not when a computer received them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from evcam.core.imu import ImuSamples
from evcam.core.triggers import Triggers
from evcam.errors import FormatError
from evcam.io.formats._bag import Bag, Message, the_imu_topic
from evcam.io.formats._decoding import Columns
from evcam.io.formats._event_packets import Room
from evcam.io.formats._gather import NEVER_US, Gathered, Mark, Marks, first_piece
from evcam.io.formats._imu import strictly_later
from evcam.io.formats._ros_events import TopicDecoder, read
from evcam.io.formats._ros_messages import EVENT_TYPES, IMU_TYPE, ArrayMessage, PacketMessage, read_imu
from evcam.io.source import BLOCK_EVENTS, Block, Source, the_stream

_ONE_CLOCK_US = 1_000_000
_MOST_TOPICS_TOLD = 8


class BagSource(Source):
    """A bag, seen as the recording of one camera."""

    def __init__(self, path: Path, bag: Bag, stream: str | None = None) -> None:
        super().__init__(path, None, {})
        self._bag = bag
        self._marks = Marks()
        try:
            topics = sorted(topic for topic, kind in bag.topics.items() if kind in EVENT_TYPES)
            if not topics:
                held = ", ".join(f"{topic} ({kind})" for topic, kind in sorted(bag.topics.items())[:_MOST_TOPICS_TOLD])
                raise FormatError(f"{path}: holds no topic of events that is known; "
                                  f"there is {held or 'none at all: it is empty, or was cut off before the first'}")
            self._topic = the_stream(path, topics, stream, "topic")
            self._kind = bag.topics[self._topic]
            self._first = self._first_message()
            self._is_stream = TopicDecoder(bag, self._kind, self._first).is_stream
        except BaseException:
            bag.close()
            raise
        if self._first.width and self._first.height:
            self.size = (self._first.width, self._first.height)
        self.metadata = {"topic": self._topic, "type": self._kind}
        if isinstance(self._first, PacketMessage):
            self.metadata["encoding"] = self._first.encoding
        self.warnings.extend(bag.warnings)

    def blocks(self, max_events: int = BLOCK_EVENTS, start_us: int | None = None) -> Iterator[Block]:
        """Messages of the topic, entered by bisection, or at a mark where they can only be decoded one after the other."""
        mark = self._marks.beginning if start_us is None else self._entry(start_us)
        gathered = Gathered(max_events, mark.events if self._is_stream or not mark.position else None, self.warn_count)
        for columns in self._columns(mark, gathered.room):
            yield from gathered.add(columns.t, columns.x, columns.y, columns.p)
        yield from gathered.rest()

    def triggers(self) -> Triggers | None:
        """Edges that the camera wrote between its events."""
        if not self._is_stream:
            return None
        edges = [Triggers.empty(), *(columns.triggers for columns in self._columns(self._marks.beginning))]
        t, number, rising = (np.concatenate([getattr(edge, name) for edge in edges]) for name in ("t", "id", "rising"))
        return Triggers(t, number, rising)

    def has_imu(self) -> bool:
        """Whether the bag has a topic of inertial samples."""
        return IMU_TYPE in self._bag.topics.values()

    def imu(self) -> ImuSamples | None:
        """Samples of the topic whose name is nearest to that of the events."""
        if not self.has_imu():
            return None
        topic = the_imu_topic([name for name, kind in self._bag.topics.items() if kind == IMU_TYPE], self._topic)
        stamps, values = [], []
        for message in self._messages(topic):
            try:
                stamp_ns, gyro_radps, accel_mps2 = read_imu(message.data, self._bag.cdr)
            except ValueError as error:
                raise self._bag.damaged(f"message in {message.where}", error) from None
            stamps.append(stamp_ns)
            values.append((*gyro_radps, *accel_mps2))
        t = (np.array(stamps, np.int64) + 500) // 1000
        keep, left_out = strictly_later(t)
        self.warn_count("inertial samples not later than the one before, left out", left_out)
        self.warn("how the IMU sits on the camera (R_cam_imu) is not stated: its axes are taken for the camera's")
        columns = np.array(values, np.float64).reshape(-1, 6)[keep]
        return ImuSamples(t[keep], columns[:, :3].copy(), columns[:, 3:].copy(), offset_us=self._offset_us())

    def close(self) -> None:
        """Close the bag."""
        super().close()
        self._bag.close()

    def _messages(self, topic: str) -> Iterator[Message]:
        for piece in range(len(self._bag)):
            yield from self._bag.messages(piece, (topic,))

    def _first_message(self) -> PacketMessage | ArrayMessage:
        for message in self._messages(self._topic):
            return read(self._bag, message, self._kind)
        raise FormatError(f"{self.path}: holds no message of {self._topic}")

    def _columns(self, mark: Mark, room: Room | None = None) -> Iterator[Columns]:
        """Events from a mark on; leaves further marks."""
        decoder = TopicDecoder(self._bag, self._kind, self._first, room)
        decoder.resume(mark.state)
        events, last_us = mark.events, mark.last_us
        for piece in range(mark.position, len(self._bag)):
            if self._is_stream and self._marks.is_due(piece, events):
                self._marks.leave(Mark(piece, events, last_us, decoder.state))
            for columns in decoder.decode(self._bag.messages(piece, (self._topic,))):
                if len(columns.t):
                    events, last_us = events + len(columns.t), int(columns.t[-1])
                yield columns
            for message, count in decoder.repairs().items():
                self.warn_count(message, count)

    def _entry(self, start_us: int) -> Mark:
        """Where to begin so that no event from ``start_us`` on is missed."""
        if self._is_stream:
            return self._marks.before(start_us, lambda mark: (columns.t for columns in self._columns(mark)))
        return Mark(first_piece(len(self._bag), self._time_us, start_us), 0, -NEVER_US, None)

    def _time_us(self, piece: int) -> int:
        """Time of the first event from a piece on."""
        decoder = TopicDecoder(self._bag, self._kind, self._first)
        for later in range(piece, len(self._bag)):
            for columns in decoder.decode(self._bag.messages(later, (self._topic,))):
                if len(columns.t):
                    return int(columns.t[0])
        return NEVER_US

    def _offset_us(self) -> int:
        """From the clock of the messages' stamps, which inertial samples have, to that of the events."""
        first = next((columns for columns in self._columns(self._marks.beginning) if len(columns.t)), None)
        if first is None:
            return 0
        offset_us = int(first.t[0]) - (self._first.stamp_ns + 500) // 1000
        if abs(offset_us) < _ONE_CLOCK_US:
            return 0
        self.warn("events carry the sensor's own time and inertial samples the computer's: the two are tied by the first "
                  "message's stamp, off by its delay (milliseconds)")
        return offset_us
