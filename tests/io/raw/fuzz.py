"""Damaged files of every raw format: what comes of them.

    python tests/io/raw/fuzz.py [--cases 2000]

Each case cuts, flips bits of, or splices a sound file, the header with it in one case of ten.  What may come of it: the events,
with a warning where some were repaired or left out, or one clear error.  The same cases on every machine.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from ecf_files import write_ecf
from raw_encoders import ENCODINGS, as_events, random_items

from evcam.core.events import Events
from evcam.errors import FormatError, InputError
from evcam.io import open_recording

EVENTS = 1500
ECF_CHUNK = 200
STEP_US = 400
LATE_US = 1 << 16
NAMES = (*ENCODINGS, "ECF")


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    ``kind`` is "as written", "with a warning", "refused", or what must not be: "silently wrong" or "no clear error".
    """

    kind: str
    detail: str
    seconds: float


@cache
def sound_file(name: str, variant: int) -> tuple[bytes, Events]:
    """Bytes of a sound file, and its events."""
    if name == "ECF":
        return b"", as_events(random_items(3 * ECF_CHUNK, variant, step_us=STEP_US, edges=False))
    items = random_items(EVENTS, variant, step_us=STEP_US, edges=ENCODINGS[name].edges)
    return ENCODINGS[name].file(items), as_events(items)


def damaged(data: bytes, start: int, rng: np.random.Generator) -> bytes:
    """The bytes from ``start`` on cut, flipped or spliced."""
    payload = bytearray(data)
    kind, place = rng.integers(0, 5), int(rng.integers(start, len(data)))
    if kind == 0:
        del payload[place:]
    elif kind in (1, 2):
        for _ in range(1 if kind == 1 else int(rng.integers(2, 30))):
            payload[int(rng.integers(start, len(data)))] ^= 1 << int(rng.integers(0, 8))
    else:
        length, other = int(rng.integers(1, 400)), int(rng.integers(start, len(data)))
        piece = data[other : other + length] if kind == 3 else rng.bytes(length)
        payload[place : place + (length if rng.random() < 0.5 else 0)] = piece if rng.random() < 0.7 else b""
    return bytes(payload)


def case(name: str, seed: int, folder: Path) -> Outcome:
    """Damage one file and read it."""
    rng = np.random.default_rng([seed, len(name)])
    path = folder / "damaged"
    data, events = sound_file(name, seed % 7)
    if name == "ECF":
        chunk = ECF_CHUNK * int(rng.integers(0, 3))
        write_ecf(path, events, chunk=ECF_CHUNK, damage=lambda data, i: damaged(data, 0, rng) or b"\0" if i == chunk else data)
        cut = False
    else:
        whole = damaged(data, 0 if seed % 10 == 0 else len(ENCODINGS[name].header), rng)
        cut = len(whole) < len(data)
        path.write_bytes(whole)
    begin = time.process_time()
    # What nothing behind it contradicts is believed: the last time words, and the times of the last chunk of ECF.
    kind, detail = _read(path, events.t, cut, 0.6 if name == "ECF" else 0.9)
    return Outcome(kind, detail, time.process_time() - begin)


def _read(path: Path, times: np.ndarray, cut: bool, share: float) -> tuple[str, str]:
    try:
        with open_recording(path) as recording:
            t = np.concatenate([np.empty(0, np.int64), *[chunk.t for chunk in recording.chunks()]])
            recording.triggers()
            warnings = recording.warnings
    except (FormatError, InputError) as error:
        return ("refused", str(error)) if str(path) in str(error) and len(str(error)) < 400 else ("no clear error", str(error))
    except Exception as error:
        return "no clear error", repr(error)
    if np.any(np.diff(t) < 0):
        return "silently wrong", "times fall"
    if warnings:
        return "with a warning", warnings[0]
    # Pixels that changed cannot be told; a clock that went wrong for more than an instant has to be.
    behind = int(share * min(len(t), len(times)))
    if not cut and behind and abs(int(t[behind]) - int(times[behind])) > LATE_US:
        return "silently wrong", f"event {behind} at {t[behind]} instead of {times[behind]} us"
    return "as written", ""


def main() -> None:
    """Print what came of the cases, by format."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=2000, help="cases of each format (default %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first case, for others than the usual ones")
    args = parser.parse_args()
    kinds = ("as written", "with a warning", "refused", "silently wrong", "no clear error")
    print("| format | " + " | ".join(kinds) + " | slowest, s |\n|" + "---|" * (len(kinds) + 2))  # noqa: T201
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        for name in NAMES:
            outcomes = [case(name, seed, Path(folder)) for seed in range(args.first, args.first + args.cases)]
            counts = Counter(outcome.kind for outcome in outcomes)
            slowest = max(outcome.seconds for outcome in outcomes)
            print(f"| {name} | " + " | ".join(str(counts[kind]) for kind in kinds) + f" | {slowest:.2f} |")  # noqa: T201
            wrong += [f"{name} {i}: {o.kind}: {o.detail}" for i, o in enumerate(outcomes, args.first) if o.kind in kinds[3:]]
    print(f"\n{args.cases} cases each; peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")  # noqa: T201
    print("\n".join(wrong[:40]))  # noqa: T201
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
