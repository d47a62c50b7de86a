"""Bags written by the library rosbags, with the definitions of the messages that carry events."""

import numpy as np
from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer as Writer2
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

EVENT = "uint16 x\nuint16 y\ntime ts\nbool polarity\n"
ARRAY = "std_msgs/Header header\nuint32 height\nuint32 width\nEvent[] events\n"
PACKET = ("std_msgs/Header header\nuint32 height\nuint32 width\nuint64 seq\nuint64 time_base\nstring encoding\n"
          "bool is_bigendian\nuint8[] events\n")
DVS, PROPHESEE, PACKETS, IMU = ("dvs_msgs/msg/EventArray", "prophesee_event_msgs/msg/EventArray",
                                "event_camera_msgs/msg/EventPacket", "sensor_msgs/msg/Imu")


def typestore(ros2):
    store = get_typestore(Stores.ROS2_HUMBLE if ros2 else Stores.ROS1_NOETIC)
    event = EVENT.replace("time ts", "builtin_interfaces/Time ts") if ros2 else EVENT
    for package in ("dvs_msgs", "prophesee_event_msgs"):
        store.register(get_types_from_msg(event, f"{package}/msg/Event"))
        store.register(get_types_from_msg(ARRAY.replace("Event[]", f"{package}/Event[]"), f"{package}/msg/EventArray"))
    store.register(get_types_from_msg(PACKET, PACKETS))
    return store


class Maker:
    """Makes messages of one of the two systems."""

    def __init__(self, ros2):
        self.ros2 = ros2
        self.store = typestore(ros2)
        self.type = self.store.types

    def time(self, t_ns):
        return self.type["builtin_interfaces/msg/Time"](sec=int(t_ns // 10**9), nanosec=int(t_ns % 10**9))

    def header(self, t_ns, frame_id="camera"):
        extra = {} if self.ros2 else {"seq": 7}
        return self.type["std_msgs/msg/Header"](stamp=self.time(t_ns), frame_id=frame_id, **extra)

    def array(self, kind, events, width=346, height=260, frame_id="camera"):
        """``events``: t in us, x, y, p columns."""
        event = self.type[kind.replace("Array", "")]
        rows = [event(x=int(x), y=int(y), ts=self.time(int(t) * 1000), polarity=bool(p))
                for t, x, y, p in zip(*events, strict=True)]
        stamp = int(events[0][0]) * 1000 if len(events[0]) else 0
        return self.type[kind](header=self.header(stamp, frame_id), height=height, width=width, events=rows)

    def packet(self, payload, encoding, time_base=0, stamp_ns=0, width=346, height=260, big_endian=False):
        return self.type[PACKETS](header=self.header(stamp_ns), height=height, width=width, seq=1, time_base=time_base,
                                  encoding=encoding, is_bigendian=big_endian, events=np.frombuffer(payload, np.uint8))

    def imu(self, t_ns, gyro, accel):
        vector, quaternion = self.type["geometry_msgs/msg/Vector3"], self.type["geometry_msgs/msg/Quaternion"]
        nine = np.zeros(9)
        return self.type[IMU](header=self.header(t_ns), orientation=quaternion(0.0, 0.0, 0.0, 1.0), orientation_covariance=nine,
                              angular_velocity=vector(*gyro), angular_velocity_covariance=nine,
                              linear_acceleration=vector(*accel), linear_acceleration_covariance=nine)

    def write(self, path, messages, kind, compression=None):
        """``messages``: (topic, type, message) each; ``kind``: ros1, sqlite3 or mcap."""
        if self.ros2:
            writer = Writer2(path, version=9, storage_plugin=StoragePlugin.MCAP if kind == "mcap" else StoragePlugin.SQLITE3)
            if compression:
                writer.set_compression(*compression)
        else:
            writer = Writer1(path)
            if compression:
                writer.set_compression(compression)
        serialise = self.store.serialize_cdr if self.ros2 else self.store.serialize_ros1
        with writer:
            connections = {}
            for i, (topic, message_type, message) in enumerate(messages):
                if topic not in connections:
                    connections[topic] = writer.add_connection(topic, message_type, typestore=self.store)
                writer.write(connections[topic], 10**18 + i, serialise(message, message_type))
        return path
