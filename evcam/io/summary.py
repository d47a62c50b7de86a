"""What a recording holds, in numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from evcam.core.events import Events
from evcam.core.imu import ImuSamples


@dataclass(frozen=True)
class RecordingSummary:
    """Counts, times and rates of a recording.

    Attributes
    ----------
    format : str
        Name of the file format.
    width, height : int
        Sensor size, px.
    events : int
        Number of events.
    duration_s : float
        Seconds from the first to the last event.
    start_us, stop_us : int
        Times of the first and the last event on the recording's own clock; 0 without events.
    on_share : float
        Share of ON events, 0 to 1; 0 without events.
    rate_mevps : float
        Mean rate, million events per second; 0 if the duration is 0.
    imu_samples : int
        Number of samples of the inertial measurement unit.
    imu_rate_hz : float
        Their mean rate; 0 with fewer than two.
    frames : int or None
        Complete intensity frames, None where the format has none or was cut to a stretch.
    triggers : int or None
        Edges on the camera's external inputs, None where the format has none or was cut to a stretch.
    warnings : tuple of str
        What was repaired, left out or assumed.
    """

    format: str
    width: int
    height: int
    events: int
    duration_s: float
    start_us: int
    stop_us: int
    on_share: float
    rate_mevps: float
    imu_samples: int
    imu_rate_hz: float
    frames: int | None
    triggers: int | None
    warnings: tuple[str, ...]


def summarise(
    blocks: Iterable[Events], imu: ImuSamples | None, frames: int | None, format_name: str,
    size: tuple[int, int], warnings: Sequence[str], count_triggers: Callable[[], int | None],
) -> RecordingSummary:
    """Go once through the blocks; ``warnings`` and the triggers are asked for afterwards, when they are complete."""
    events, on, start_us, stop_us = 0, 0, 0, 0
    for block in blocks:
        start_us = start_us if events else int(block.t[0])
        stop_us = int(block.t[-1])
        events += len(block)
        on += int(block.p.sum())
    duration_s = (stop_us - start_us) * 1e-6
    return RecordingSummary(
        format_name, *size, events, duration_s, start_us, stop_us, on / events if events else 0.0,
        events * 1e-6 / duration_s if duration_s > 0 else 0.0, len(imu) if imu else 0, _rate_hz(imu), frames,
        count_triggers(), (*warnings, *(() if events else ("no events",))),
    )


def _rate_hz(imu: ImuSamples | None) -> float:
    if imu is None or len(imu) < 2:
        return 0.0
    return (len(imu) - 1) / (float(imu.t[-1] - imu.t[0]) * 1e-6)
