"""Damaged files of every format that is not raw: what comes of them.

    python tests/io/fuzz_files.py [--cases 2000]

Each case cuts, flips bits of, or splices a sound file.  What may come of it: the events, with a warning where some were
repaired or left out, or one clear error.  The same cases on every machine.  The HDF5 files are evcam's own: in those of others,
damaged text of variable length can keep the HDF5 library itself searching for ever.
"""

from __future__ import annotations

import argparse
import resource
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import aedat4_files
import bag_files
import lz4.frame
import numpy as np
from backports import zstd
from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import CompressionFormat, CompressionMode

from evcam.core.events import Events
from evcam.errors import FormatError, InputError
from evcam.io import open_recording, save_h5

N, STEP_US, LATE_US = 1500, 400, 1 << 16
SIZE = (346, 260)
ALLOWED = ("as written", "with a warning", "refused")
NOT_ALLOWED = ("silently wrong", "no clear error")


class Outcome(NamedTuple):
    """What became of one file, and the processor time that it took."""

    kind: str
    detail: str
    seconds: float


def columns() -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    return np.cumsum(rng.integers(1, STEP_US, N)), rng.integers(0, 240, N), rng.integers(0, 180, N), rng.random(N) < 0.5


def pieces(size: int = 60) -> list[tuple[np.ndarray, ...]]:
    return [tuple(column[i : i + size] for column in columns()) for i in range(0, N, size)]


def aedat2(_: Path) -> bytes:
    t, x, y, p = columns()
    words = np.stack([(179 - y) << 22 | (239 - x) << 12 | p << 11, t], 1).astype(">u4")
    return b"#!AER-DAT2.0\r\n# AEChip: DAVIS240C\r\n" + words.tobytes()


def aedat3(_: Path) -> bytes:
    out = b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DAVIS240C\r\n#!END-HEADER\r\n"
    for t, x, y, p in pieces():
        out += struct.pack("<hhiiiiii", 1, 1, 8, 4, 0, len(t), len(t), len(t))
        out += np.stack([x << 17 | y << 2 | p << 1 | 1, t], 1).astype("<u4").tobytes()
    return out


def aedat4(compression: int, pack: Callable[[bytes], bytes]) -> Callable[[Path], bytes]:
    def write(_: Path) -> bytes:
        packets = b"".join(aedat4_files.packet(0, pack(aedat4_files.events(*piece))) for piece in pieces())
        samples = [(int(t), 0.0, 1.0, 0.0, 0.5, 0.0, 0.0) for t in columns()[0][::50]]
        packets += aedat4_files.packet(1, pack(aedat4_files.imu(samples)))
        return aedat4_files.header(((0, "EVTS", *SIZE), (1, "IMUS", 0, 0)), compression) + packets

    return write


def text(_: Path) -> bytes:
    return "".join(f"{t / 1e6:.6f} {x} {y} {int(p)}\n" for t, x, y, p in zip(*columns(), strict=True)).encode()


def csv(_: Path) -> bytes:
    return ("x,y,p,t_us\n" + "".join(f"{x},{y},{int(p)},{t}\n" for t, x, y, p in zip(*columns(), strict=True))).encode()


def npz(save: Callable[..., None]) -> Callable[[Path], bytes]:
    def write(folder: Path) -> bytes:
        save(folder / "sound.npz", **dict(zip("txyp", columns(), strict=True)))
        return (folder / "sound.npz").read_bytes()

    return write


def bag(kind: str, compression: object = None) -> Callable[[Path], bytes]:
    def write(folder: Path) -> bytes:
        maker = bag_files.Maker(kind != "ros1")
        messages = [("/e", bag_files.DVS, maker.array(bag_files.DVS, piece)) for piece in pieces()]
        messages += [("/i", bag_files.IMU, maker.imu(1000 * i, (0.0, 0.0, 1.0), (0.0, 0.0, 9.8))) for i in range(1, 20)]
        path = maker.write(folder / "sound", messages, kind, compression)
        return (path if kind == "ros1" else next(path.glob("*.db3" if kind == "sqlite3" else "*.mcap"))).read_bytes()

    return write


def mono_bag(folder: Path) -> bytes:
    maker = bag_files.Maker(False)
    messages = []
    for t, x, y, p in pieces():
        words = p.astype("u8") << 63 | y.astype("u8") << 48 | x.astype("u8") << 32 | (t - t[0]).astype("u8") * 1000
        packet = maker.packet(words.tobytes(), "mono", int(t[0]) * 1000, 0, *SIZE)
        messages.append(("/e", bag_files.PACKETS, packet))
    return maker.write(folder / "sound", messages, "ros1").read_bytes()


def hdf5(folder: Path) -> bytes:
    save_h5(folder / "sound.h5", Events.from_arrays(*columns(), width=SIZE[0], height=SIZE[1]), force=True)
    return (folder / "sound.h5").read_bytes()


SOUND = {
    "AEDAT 2.0": aedat2, "AEDAT 3.1": aedat3, "AEDAT4": aedat4(0, bytes), "AEDAT4, lz4": aedat4(1, lz4.frame.compress),
    "AEDAT4, zstd": aedat4(3, zstd.compress), "text": text, "CSV": csv, "npz": npz(np.savez),
    "npz, deflated": npz(np.savez_compressed),
    "ROS 1 bag": bag("ros1"), "ROS 1 bag, mono": mono_bag, "ROS 1 bag, bz2": bag("ros1", Writer1.CompressionFormat.BZ2),
    "ROS 1 bag, lz4": bag("ros1", Writer1.CompressionFormat.LZ4), "sqlite3": bag("sqlite3"), "mcap": bag("mcap"),
    "mcap, zstd": bag("mcap", (CompressionMode.STORAGE, CompressionFormat.ZSTD)), "HDF5": hdf5,
}


@cache
def sound_file(name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return SOUND[name](Path(folder))


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """The bytes cut, flipped or spliced."""
    payload = bytearray(data)
    kind, place = rng.integers(0, 5), int(rng.integers(1, len(data)))
    # Headers are small beside the events and meet damage too seldom otherwise.
    near = int(rng.integers(1, min(len(data), 600))) if rng.random() < 0.3 else place
    if kind == 0:
        del payload[place:]
    elif kind in (1, 2):
        for _ in range(1 if kind == 1 else int(rng.integers(2, 30))):
            payload[near if rng.random() < 0.3 else int(rng.integers(1, len(data)))] ^= 1 << int(rng.integers(0, 8))
    else:
        length, other = int(rng.integers(1, 400)), int(rng.integers(1, len(data)))
        piece = data[other : other + length] if kind == 3 else rng.bytes(length)
        payload[near : near + (length if rng.random() < 0.5 else 0)] = piece if rng.random() < 0.7 else b""
    return bytes(payload)


def case(name: str, seed: int, folder: Path) -> Outcome:
    """Damage one file and read it."""
    rng = np.random.default_rng([seed, sum(name.encode())])
    data = sound_file(name)
    whole = damaged(data, rng)
    path = folder / "damaged"
    path.write_bytes(whole)
    begin = time.process_time()
    kind, detail = _read(path, len(whole) < len(data))
    return Outcome(kind, detail, time.process_time() - begin)


def _read(path: Path, shorter: bool) -> tuple[str, str]:
    times = columns()[0]
    try:
        with open_recording(path, **({} if path.read_bytes()[:1] == b"#" else {"width": 346, "height": 260})) as recording:
            t = np.concatenate([np.empty(0, np.int64), *[chunk.t for chunk in recording.chunks()]])
            late = recording.between(0.1, 0.2).events()
            recording.imu()
            recording.triggers()
            warnings = [warning for warning in recording.warnings if "R_cam_imu" not in warning]
    except (FormatError, InputError) as error:
        clear = str(path) in str(error) and "\n" not in str(error) and len(str(error)) < 700
        return ("refused", str(error)) if clear or "several" in str(error) else ("no clear error", str(error))
    except Exception as error:
        return "no clear error", repr(error)
    if np.any(np.diff(t) < 0) or np.any(np.diff(late.t) < 0):
        return "silently wrong", "times fall"
    if warnings:
        return "with a warning", warnings[0]
    # Pixels that changed cannot be told; a clock that went wrong for more than an instant has to be.
    behind = min(len(t), len(times)) * 9 // 10
    if not shorter and behind and abs(int(t[behind]) - int(times[behind])) > LATE_US:
        return "silently wrong", f"event {behind} at {t[behind]} instead of {times[behind]} us"
    return "as written", ""


def main() -> None:
    """Print what came of the cases, by format."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=2000, help="cases of each format (default %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first case, for others than the usual ones")
    parser.add_argument("--formats", nargs="*", default=list(SOUND), help="only these")
    args = parser.parse_args()
    kinds = (*ALLOWED, *NOT_ALLOWED)
    print("| format | " + " | ".join(kinds) + " | slowest, s |\n|" + "---|" * (len(kinds) + 2))  # noqa: T201
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        for name in args.formats:
            outcomes = [case(name, seed, Path(folder)) for seed in range(args.first, args.first + args.cases)]
            counts = Counter(outcome.kind for outcome in outcomes)
            slowest = max(outcome.seconds for outcome in outcomes)
            print(f"| {name} | " + " | ".join(str(counts[kind]) for kind in kinds) + f" | {slowest:.2f} |", flush=True)  # noqa: T201
            wrong += [f"{name} {i}: {o.kind}: {o.detail}" for i, o in enumerate(outcomes, args.first) if o.kind in NOT_ALLOWED]
    print(f"\n{args.cases} cases each; peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")  # noqa: T201
    print("\n".join(wrong[:60]))  # noqa: T201
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
