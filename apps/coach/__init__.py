"""``evcam coach``: help somebody record a calibration, live or from a recording in real time, in the browser."""

from __future__ import annotations

from argparse import Namespace

from evcam.apps import exit_codes, interrupts
from evcam.apps.coach.pipeline import Coaching
from evcam.apps.coach.server import PageServer
from evcam.apps.coach.sources import LIVE, live_camera, paced, replay
from evcam.apps.console import announce_compilation, note, show
from evcam.apps.outputs import check_output
from evcam.calib.coaching import Coach, Progress, Wanted
from evcam.core.target import CircleGrid, load_target
from evcam.errors import InputError

__all__ = ["Coaching", "run"]


def run(args: Namespace) -> int:
    """Serve the page until the events end or it is enough; exit code 3 if it never was."""
    if args.out:
        check_output(args.out, force=args.force, suffixes=(".csv",), inputs=[args.target, *_inputs(args)])
    target = load_target(args.target)
    if not isinstance(target, CircleGrid):
        raise InputError(f"{args.target}: the coach watches a moving board, and of those only circle grids are found")
    wanted = Wanted(args.want_focal, args.want_centre, args.want_projection)
    announce_compilation(args)
    source = live_camera() if args.source == LIVE else replay(args.source, args.width, args.height, args.stream)
    coach = Coach(target, source.width, source.height, wanted=wanted, model=args.model)
    with source, PageServer(args.port) as server:
        note(args, f"open {server.url} in a browser on this machine; Ctrl-C ends")
        if args.browser:
            _open_browser(server.url)
        coaching = Coaching(coach, server.publish, name=source.name)
        try:
            progress = coaching.follow(paced(source.events, args.speed), until_enough=args.until_enough)
        except KeyboardInterrupt:
            interrupts.arrived()
            progress = coaching.finish()
    if args.out:
        coach.detections.save_csv(args.out, force=args.force)
    show(args, _describe(progress, args.out), _figures(progress, args.out))
    return exit_codes.DONE if progress.is_enough else exit_codes.DISTRUST


def _inputs(args: Namespace) -> list[str]:
    return [] if args.source == LIVE else [args.source]


def _open_browser(url: str) -> None:
    import webbrowser

    webbrowser.open(url)


def _describe(progress: Progress, out: str | None) -> str:
    lines = ["enough" if progress.is_enough else f"not enough{': ' + progress.problem if progress.problem else ''}",
             f"  {progress.views} views"]
    lines += [f"  {goal.name}: standard deviation {goal.std:.3g} {goal.unit}, wanted {goal.wanted:g}" for goal in progress.goals]
    lines += [f"  next: {text}" for text in ([] if progress.is_enough else progress.advice[:3])]
    return "\n".join(lines + ([f"written to {out}"] if out else []))


def _figures(progress: Progress, out: str | None) -> dict[str, object]:
    return {
        "enough": progress.is_enough, "problem": progress.problem, "views": progress.views, "out": out,
        "goals": {goal.name: {"std": goal.std, "wanted": goal.wanted, "unit": goal.unit} for goal in progress.goals},
        "missing": {"zones": progress.missing_zones, "sides": progress.missing_sides, "distances": progress.missing_distances,
                    "motions": progress.missing_motions},
        "advice": progress.advice,
    }
