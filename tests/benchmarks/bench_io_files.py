"""Formats that are not raw: throughput beside a library, cost of a stretch near the end, peak memory.  Decides nothing.

    python tests/benchmarks/bench_io_files.py [--quick]

Events are noise over a VGA sensor; every file is written by a library, where one writes it.  Times are processor times of one
thread, medians of repeats taken in turns; evcam's include its checks and give separate columns.  A stretch is 10 ms, 90 % into
the file, the second time that one is asked for.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median

import aedat
import faery
import numpy as np
from faery import file_encoder
from rosbags.highlevel import AnyReader

import evcam
from evcam.core.events import Events
from evcam.io.writers import Content, writer_of

sys.path.insert(0, str(Path(__file__).parents[1] / "io"))
import bag_files

SIZE = (640, 480)
MESSAGE_EVENTS = 5000
_MEMORY = """
import sys, evcam
with evcam.open(sys.argv[1], width=640, height=480) as recording:
    for window in recording.windows(duration_us=20_000):
        pass
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def some_events(count: int) -> Events:
    """Noise at about 2 Mev/s."""
    rng = np.random.default_rng(0)
    x, y = (rng.integers(0, size, count) for size in SIZE)
    return Events.from_arrays(np.cumsum(rng.integers(0, 2, count)), x, y, rng.random(count) < 0.5, width=SIZE[0], height=SIZE[1])


def files(folder: Path, events: Events) -> dict[str, tuple[Path, str, Callable[[Path], int] | None]]:
    """Path, library and reader of each format."""
    structured = np.empty(len(events), faery.EVENTS_DTYPE)
    structured["t"], structured["x"], structured["y"], structured["on"] = events.t, events.x, events.y, events.p
    pieces = np.array_split(structured, len(events) // MESSAGE_EVENTS)
    for name in ("lz4", "zstd"):
        file_encoder.events_to_file(pieces, folder / f"{name}.aedat4", SIZE, compression=(name, 1), file_type="aedat")
    words = np.stack([(events.x.astype("u4") << 17) | (events.y.astype("u4") << 2) | (events.p.astype("u4") << 1) | 1,
                      events.t.astype("u4")], 1)
    packets = (np.concatenate([np.array([1 | 1 << 16, 8, 4, 0, n, n, n], "<u4"), part.astype("<u4").ravel()]).tobytes()
               for part in np.array_split(words, len(words) // MESSAGE_EVENTS) for n in [len(part)])
    (folder / "a.aedat3").write_bytes(b"#!AER-DAT3.1\n#Source 1: none\n#!END-HEADER\n" + b"".join(packets))
    columns = {name: getattr(events, name) for name in "txyp"}
    np.savez(folder / "stored.npz", **columns)
    np.savez_compressed(folder / "deflated.npz", **columns)
    writer_of("a.txt").write(folder / "a.txt", Content(*SIZE, [events]))
    file_encoder.events_to_file(pieces, folder / "a.csv", SIZE, file_type="csv")
    found = {
        "AEDAT4, lz4": (folder / "lz4.aedat4", "aedat", by_aedat), "AEDAT4, zstd": (folder / "zstd.aedat4", "aedat", by_aedat),
        "AEDAT 3.1": (folder / "a.aedat3", "", None), "npz": (folder / "stored.npz", "numpy", by_numpy),
        "npz, deflated": (folder / "deflated.npz", "numpy", by_numpy), "text": (folder / "a.txt", "", None),
        "CSV": (folder / "a.csv", "", None),
    }
    for kind in ("ros1", "sqlite3", "mcap"):
        found[kind] = (mono_bag(folder / (f"{kind}.bag" if kind == "ros1" else kind), kind, events), "rosbags, numpy", by_rosbags)
    return found


def mono_bag(path: Path, kind: str, events: Events) -> Path:
    """Packets in the encoding mono, whose messages a library writes at once."""
    words = (events.p.astype("u8") << 63) | (events.y.astype("u8") << 48) | (events.x.astype("u8") << 32)
    words |= (events.t * 1000 % 2**32).astype("u8")
    bases = events.t * 1000 // 2**32 * 2**32
    cuts = sorted({*range(0, len(events), MESSAGE_EVENTS), *(np.flatnonzero(np.diff(bases)) + 1).tolist(), len(events)})
    maker = bag_files.Maker(kind != "ros1")
    messages = (("/e", bag_files.PACKETS, maker.packet(words[a:b].tobytes(), "mono", int(bases[a]), 0, *SIZE))
                for a, b in pairwise(cuts))
    return maker.write(path, messages, kind)


def by_evcam(path: Path) -> int:
    """Number of events, read in blocks and checked."""
    with evcam.open(path, width=SIZE[0], height=SIZE[1]) as recording:
        return sum(len(chunk) for chunk in recording.chunks())


def by_aedat(path: Path) -> int:
    """Number of events, as records."""
    return sum(len(packet["events"]) for packet in aedat.Decoder(path) if "events" in packet)


def by_numpy(path: Path) -> int:
    """Number of events, all at once."""
    with np.load(path) as archive:
        return min(len(archive[name]) for name in "txyp")


def by_rosbags(path: Path) -> int:
    """Number of events, their words unpacked as evcam does."""
    count = 0
    with AnyReader([path], default_typestore=bag_files.typestore(path.name != "ros1.bag")) as reader:
        for connection, _, data in reader.messages():
            message = reader.deserialize(data, connection.msgtype)
            words = message.events.view("<u8")
            t = (message.time_base + (words & 0xFFFFFFFF).astype(np.int64)) // 1000
            x, y = ((words >> 32) & 0xFFFF).astype(np.uint16), ((words >> 48) & 0x7FFF).astype(np.uint16)
            count += min(len(t), len(x), len(y), len((words >> 63).astype(np.bool_)))
    return count


def seconds(work: Callable[[Path], int], path: Path, count: int) -> float:
    """Processor time of one run, which has to give all events."""
    begin = time.process_time()
    assert work(path) == count, path
    return time.process_time() - begin


def stretch_ms(path: Path, events: Events) -> float:
    """Processor time of a stretch near the end."""
    start_s = 0.9 * events.duration_s
    with evcam.open(path, width=SIZE[0], height=SIZE[1]) as recording:
        part = recording.between(start_s, start_s + 0.01)
        part.events()
        begin = time.process_time()
        assert len(part.events())
        return 1e3 * (time.process_time() - begin)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the events, fewer repeats")
    args = parser.parse_args()
    events = some_events(600_000 if args.quick else 6_000_000)
    repeats = 3 if args.quick else 5
    head = ("format", "evcam, Mev/s", "library", "Mev/s", "ratio", "stretch, ms", "peak MB of windows")
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))  # noqa: T201
    with tempfile.TemporaryDirectory() as folder:
        for name, (path, library, theirs) in files(Path(folder), events).items():
            by_evcam(path)  # compiles
            ours_s, theirs_s = [], []
            for _ in range(repeats):
                ours_s.append(seconds(by_evcam, path, len(events)))
                if theirs is not None:
                    theirs_s.append(seconds(theirs, path, len(events)))
            ours = len(events) / median(ours_s) * 1e-6
            other = len(events) / median(theirs_s) * 1e-6 if theirs_s else 0.0
            done = subprocess.run([sys.executable, "-c", _MEMORY, str(path)], check=True, capture_output=True, text=True)
            beside = f"{other:.1f} | {ours / other:.2f}" if theirs_s else " | "
            print(f"| {name} | {ours:.1f} | {library} | {beside} | {stretch_ms(path, events):.1f} "  # noqa: T201
                  f"| {int(done.stdout) / 1024:.0f} |", flush=True)
    print(f"\n{len(events):,} events; peak of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")  # noqa: T201


if __name__ == "__main__":
    main()
