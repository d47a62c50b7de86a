"""``evcam view``: look at a recording in space and time."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace

from evcam.apps import exit_codes
from evcam.apps.console import announce_compilation, show
from evcam.apps.outputs import check_output
from evcam.apps.view.composer import compose
from evcam.apps.view.opening import first_state, open_session
from evcam.errors import InputError


def run(args: Namespace) -> int:
    """Open the window, or with ``--screenshot`` draw one picture without a display."""
    if args.screenshot:
        return _screenshot(args)
    from evcam.apps.view.open3d import load_open3d
    from evcam.apps.view.window import run_window

    load_open3d()
    announce_compilation(args)
    frames = run_window(open_session(args, background=True), args)
    show(args, f"{args.recording}: closed", {"recording": args.recording, "frames": frames})
    return exit_codes.DONE


def _screenshot(args: Namespace) -> int:
    inputs = [path for path in (args.recording, args.calibration, args.detections, args.target, args.velocity) if path]
    check_output(args.screenshot, force=args.force, suffixes=(".png",), inputs=inputs)
    announce_compilation(args)
    session = open_session(args, background=False)
    session.profile.finish()
    state = first_state(session, args)
    if state.now_us > session.profile.stop_us and args.at is not None:
        raise InputError(f"{args.recording}: --at {args.at:g} lies after the recording's end at "
                         f"{(session.profile.stop_us - state.start_us) * 1e-6:.3f} s")
    state = replace(state, stop_us=session.profile.stop_us).at(state.now_us)
    width, height = args.size
    # Drawn at twice the size and halved: smooth edges.
    frame = compose(session, state, 2 * width, 2 * height, scale=2)
    frame.canvas.halved().save(args.screenshot, force=args.force)
    notes = {name: note for name, note in frame.scenes.notes.items() if name not in state.hidden}
    show(args, f"{args.screenshot}: {state.now_s:.4f} s, {len(frame.scenes.events):,} events; layers: {', '.join(notes)}",
         {"out": args.screenshot, "at_s": state.now_s, "window_us": state.window_us, "events": len(frame.scenes.events),
          "layers": notes})
    return exit_codes.DONE
