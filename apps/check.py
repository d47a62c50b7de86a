"""``evcam check``: what is wrong with a recording, and what to do about it."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict
from typing import Any

from evcam.apps import exit_codes
from evcam.apps.console import announce_compilation, note, progress, show, to_json
from evcam.apps.inputs import ChosenImu, choose_imu, chosen_stretch, open_with_camera
from evcam.apps.outputs import check_output
from evcam.check import Finding, GyroAgreement, Severity, check_gyro, gyro_findings, worst
from evcam.core.atomic import atomic_path
from evcam.core.camera import Camera
from evcam.io import Recording

_MARKS = {Severity.OK: "ok     ", Severity.NOTE: "note   ", Severity.WARNING: "WARNING", Severity.ERROR: "ERROR  "}


def run(args: Namespace) -> int:
    """Print the findings; exit code 3 if one of them is an error."""
    if args.out:
        inputs = [path for path in (args.recording, args.camera, args.imu, args.imu_mount) if path is not None]
        check_output(args.out, force=args.force, inputs=inputs)
    recording, camera = open_with_camera(args)
    with recording:
        imu = choose_imu(args, recording)
        announce_compilation(args)
        findings, agreement = _look(args, chosen_stretch(args, recording), camera, imu)
        warnings = recording.warnings
    bad = worst(findings) is Severity.ERROR
    verdict = _verdict(findings)
    data = {
        "recording": args.recording, "verdict": verdict, "findings": [asdict(finding) for finding in findings],
        "gyro": None if agreement is None or imu is None else _figures(agreement, imu),
    }
    if args.out:
        with atomic_path(args.out, force=args.force) as temporary:
            temporary.write_text(to_json(data) + "\n", encoding="utf-8")
    show(args, "\n".join([*_describe(args, imu), *map(_line, findings), f"verdict: {verdict}"]), data)
    for warning in warnings:
        note(args, f"warning: {warning}")
    for remark in () if imu is None else imu.remarks:
        note(args, remark)
    return exit_codes.DISTRUST if bad else exit_codes.DONE


def _verdict(findings: tuple[Finding, ...]) -> str:
    if all(finding.severity is Severity.NOTE for finding in findings):
        return "nothing could be told"
    return {
        Severity.ERROR: "do not trust this recording", Severity.WARNING: "see to the warnings first",
    }.get(worst(findings), "no reason for distrust found")


def _look(
    args: Namespace, recording: Recording, camera: Camera | None, imu: ChosenImu | None
) -> tuple[tuple[Finding, ...], GyroAgreement | None]:
    if imu is None:
        recording.summary()  # reads it all: damage is found whatever else there is to check
        nothing = Finding("gyro", Severity.NOTE, "There is no gyro to hold against the events.", "Give its samples with --imu.")
        return (nothing,), None
    with progress(args, "checking the gyro") as report:
        agreement = check_gyro(recording, imu.samples, camera, progress=report)
    return gyro_findings(agreement), agreement


def _describe(args: Namespace, imu: ChosenImu | None) -> list[str]:
    lines = [f"recording: {args.recording}"]
    if imu is not None:
        lines += [f"gyro:      {len(imu.samples):,} samples, {imu.source}", f"mount:     {imu.mount}"]
    return lines


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
