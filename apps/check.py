"""``evcam check``: what is wrong with a recording, and what to do about it."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evcam.apps import exit_codes
from evcam.apps.console import announce_compilation, note, progress, show, to_json
from evcam.apps.inputs import ChosenImu, choose_imu, chosen_stretch, open_with_camera
from evcam.apps.outputs import check_output
from evcam.check import Examination, Finding, GyroAgreement, Severity, check_gyro, examine, gyro_findings, worst
from evcam.core.atomic import atomic_path
from evcam.core.camera import Camera
from evcam.io import Recording

_MARKS = {Severity.OK: "ok     ", Severity.NOTE: "note   ", Severity.WARNING: "WARNING", Severity.ERROR: "ERROR  "}
_VERDICTS = {
    Severity.ERROR: "do not trust this recording", Severity.WARNING: "see to the warnings first",
    Severity.NOTE: "no reason for distrust found", Severity.OK: "no reason for distrust found",
}
_LEVELS = " ▁▂▃▄▅▆▇█"


def run(args: Namespace) -> int:
    """Print the findings; exit code 3 if one of them is an error."""
    if args.out:
        inputs = [path for path in (args.recording, args.camera, args.imu, args.imu_mount) if path is not None]
        check_output(args.out, force=args.force, suffixes=(".json",), inputs=inputs)
    recording, camera = open_with_camera(args)
    with recording:
        imu = choose_imu(args, recording)
        announce_compilation(args)
        stretch = chosen_stretch(args, recording)
        with progress(args, "examining") as report:
            examination = examine(stretch, None if imu is None else imu.samples, progress=report)
        of_gyro, agreement = _hold_against_gyro(args, stretch, camera, imu, examination)
    findings = sorted((*examination.findings, *of_gyro), key=lambda finding: -finding.severity.rank)
    verdict = _VERDICTS[worst(findings)]
    data = {
        "recording": args.recording, "verdict": verdict, "findings": [asdict(finding) for finding in findings],
        "figures": examination.figures, "gyro": None if agreement is None or imu is None else _figures(agreement, imu),
    }
    if args.out:
        with atomic_path(args.out, force=args.force) as temporary:
            temporary.write_text(to_json(data) + "\n", encoding="utf-8")
    lines = [*_describe(args, examination, imu), *_told(findings), f"verdict: {verdict}"]
    show(args, "\n".join(lines), data)
    for remark in () if imu is None else imu.remarks:
        note(args, remark)
    return exit_codes.DISTRUST if worst(findings) is Severity.ERROR else exit_codes.DONE


def _hold_against_gyro(
    args: Namespace, recording: Recording, camera: Camera | None, imu: ChosenImu | None, examination: Examination
) -> tuple[tuple[Finding, ...], GyroAgreement | None]:
    if imu is None:
        nothing = Finding("gyro", Severity.NOTE, "There is no gyro to hold against the events.", "Give its samples with --imu.")
        return (nothing,), None
    if not examination.readable:
        nothing = Finding("gyro", Severity.NOTE, "The gyro was not held against events that cannot be read as they are.",
                          "See to the errors first.")
        return (nothing,), None
    with progress(args, "checking the gyro") as report:
        agreement = check_gyro(recording, imu.samples, camera, progress=report)
    return gyro_findings(agreement), agreement


def _describe(args: Namespace, examination: Examination, imu: ChosenImu | None) -> list[str]:
    lines = [f"recording: {args.recording}"]
    lines += [f"events:    {finding.what}" for finding in examination.findings if _is_rate(finding)]
    course = _drawn(examination.figures["rate"]["rate_over_time_evps"])
    lines += [f"           {course}"] if course else []
    if imu is not None:
        lines += [f"gyro:      {len(imu.samples):,} samples, {imu.source}", f"mount:     {imu.mount}"]
    return lines


def _is_rate(finding: Finding) -> bool:
    return finding.topic == "rate" and finding.severity is Severity.OK


def _drawn(rate: NDArray[np.float64]) -> str:
    """A rate over time as a line of blocks, none for none."""
    if not len(rate) or rate.max() <= 0:
        return ""
    return "".join(_LEVELS[level] for level in np.ceil(rate / rate.max() * (len(_LEVELS) - 1)).astype(int))


def _told(findings: list[Finding]) -> list[str]:
    """What is to be said line by line, and the topics that are as they should be in one."""
    fine = [finding.topic for finding in findings if finding.severity is Severity.OK and not finding.topic.startswith("gyro ")]
    said = [_line(finding) for finding in findings if finding.topic not in fine or finding.severity is not Severity.OK]
    return [*said, *([f"{_MARKS[Severity.OK]}  {', '.join(fine)}"] if fine else [])]


def _line(finding: Finding) -> str:
    lines = [f"{_MARKS[finding.severity]}  {finding.topic}: {finding.what}"]
    if finding.what_to_do:
        lines.append(f"         -> {finding.what_to_do}")
    return "\n".join(lines)


def _figures(agreement: GyroAgreement, imu: ChosenImu) -> dict[str, Any]:
    figures: dict[str, Any] = {"status": str(agreement.status), "reason": agreement.reason, "imu": imu.source, "mount": imu.mount,
                               "with_camera": agreement.with_camera}
    if not agreement:
        return figures
    fit = agreement.fit
    return figures | {
        "rate_ratio": fit.ratio, "mean_events_radps": fit.mean_events_radps, "mean_gyro_radps": fit.mean_gyro_radps,
        "scale": fit.scale, "scale_std": fit.scale_std, "axis_map": fit.axis_map,
        "R_cam_imu": agreement.R_cam_imu, "axes_seen": agreement.axes_seen, "tilt_std_rad": fit.tilt_std_rad,
        "offset_us": agreement.offset_us, "offset_std_us": fit.shift_std_us, "stated_offset_us": imu.samples.offset_us,
        "bias_radps": -fit.bias_radps / fit.scale, "bias_std_radps": fit.bias_std_radps / fit.scale, "slices": fit.slices,
    }
