"""A moving grid in short simulated recordings, scored against their truth."""

import numpy as np
import pytest

from evcam.core.camera import Camera
from evcam.core.events import Events
from evcam.core.target import Checkerboard, CircleGrid
from evcam.core.trajectory import Trajectory
from evcam.detect import MovingOptions, detect
from evcam.detect.moving import stream
from evcam.detect.moving.discs import DiscOptions
from evcam.errors import InputError
from evcam.io import open_recording, save_h5
from evcam.sim import Board, Scene, Sensor, checkerboard_flicker, simulate
from evcam.sim.placing import facing_pose, hand_before

CAMERA = Camera("pinhole-radtan", [200, 200, 120.5, 88.0, -0.3, 0.1, 0.0005, -0.0005, 0], 240, 180)
TARGETS = {
    "asymmetric": CircleGrid.asymmetric(7, 4, 0.05, 0.02),
    "asymmetric, light discs": CircleGrid.asymmetric(7, 4, 0.05, 0.02, dark_on_light=False),
    "symmetric": CircleGrid.symmetric(5, 6, 0.05, 0.017),
}


def hand(target, duration_s=1.0, **changes):
    sway = {"sway_m": (0.08, 0.06, 0.04), "speed": 2.0, "seed": 3} | changes
    return hand_before(target, CAMERA, duration_s, **sway)


@pytest.fixture(scope="module", params=TARGETS, ids=list(TARGETS))
def case(request):
    target = TARGETS[request.param]
    simulation = simulate(Scene(CAMERA, hand(target), Board(target), Sensor()))
    return target, simulation, detect(simulation.events, target)


def errors_px(found, truth):
    """Errors of every point, in the one of the board's equal numberings that fits the whole recording."""
    centers = [truth.centers(view.mid_us) for view in found]
    plain = [view.xy - c[view.ids] for view, c in zip(found, centers, strict=True)]
    if not found.target.half_turn_symmetric:
        return np.concatenate(plain)
    turned = [view.xy - c[::-1][view.ids] for view, c in zip(found, centers, strict=True)]
    return min(np.concatenate(plain), np.concatenate(turned), key=lambda e: np.median(np.abs(e)))


def whole_in_view(truth, t_us, target):
    """Whether all outlines lie well inside the image."""
    R, t = truth.scene.trajectory.pose(t_us)
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    ring = target.object_points[:, None] + target.radius_m * np.stack([np.cos(angle), np.sin(angle), 0 * angle], -1)
    px = CAMERA.project(ring @ R.T + t)
    return bool(((px > 1) & (px < [CAMERA.width - 2, CAMERA.height - 2])).all())


def found_shares(found, truth):
    """Share of the discs that was found, of each step at which the board lies in the image as a whole."""
    seen = {view.mid_us: len(view) for view in found}
    # nothing is known of what comes before the beginning and after the end
    tried = sorted([*seen, *(r.t_us for r in found.rejections)])[2:-2]
    eligible = [t for t in tried if whole_in_view(truth, t, found.target)]
    assert len(eligible) > 15
    return np.array([seen.get(t, 0) for t in eligible]) / len(found.target)


def std_px(found):
    return np.sqrt(np.concatenate([np.trace(view.cov, axis1=1, axis2=2) for view in found]))


@pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))
def test_every_disc_of_a_steadily_moving_board_is_found_where_it_is(target):
    R, t = facing_pose(target, CAMERA, tilt_deg=(15.0, -20.0), at_px=(100.0, 80.0))
    motion = Trajectory.steady(R, t, [-0.1, -0.05, 0.05], [0, 0.05, 0], duration_s=0.6)
    simulation = simulate(Scene(CAMERA, motion, Board(target), Sensor()))
    found = detect(simulation.events, target)
    assert (found_shares(found, simulation.truth) == 1).all()
    error = np.linalg.norm(errors_px(found, simulation.truth), axis=1)
    assert error.max() < 1
    assert np.sqrt((error**2).mean()) < 0.15


def test_hand_held_board_is_found_with_its_ids(case):
    _, simulation, found = case
    shares = found_shares(found, simulation.truth)
    # while the motion turns, a disc or two show nothing of themselves
    assert shares.min() > 0.9
    assert shares.mean() > 0.98
    error, std = np.linalg.norm(errors_px(found, simulation.truth), axis=1), std_px(found)
    assert error.max() < 4  # no wrong id: neighbours are at least 15 px apart
    assert np.mean(error < 0.5 + 5 * std) > 0.998
    assert np.mean(std < 0.3) > 0.9
    assert np.sqrt((error[std < 0.3] ** 2).mean()) < 0.15


def test_covariances_are_of_the_size_of_the_errors(case):
    _, simulation, found = case
    error = errors_px(found, simulation.truth)
    cov = np.concatenate([view.cov for view in found])
    normalised = np.einsum("ni,nij,nj->n", error, np.linalg.inv(cov), error) / 2
    assert 0.2 < np.median(normalised) / 0.693 < 3


def test_views_say_when_how_fast_and_from_what(case):
    target, simulation, found = case
    assert (found.mode, found.target, found.width, found.height) == ("moving", target, 240, 180)
    every = sorted([v.mid_us for v in found] + [r.t_us for r in found.rejections])
    first = simulation.events.t[0] + 10_000
    assert every == list(range(first, first + 20_000 * len(every), 20_000))
    assert 49 <= len(every) <= 50
    assert [view.index for view in found] == list(range(len(found)))
    assert all(0 < view.window_us <= 400_000 for view in found)
    ahead, behind = (np.concatenate([simulation.truth.centers(v.mid_us + dt)[v.ids] for v in found]) for dt in (1000, -1000))
    true = (ahead - behind) / 2e-3
    velocity = np.concatenate([v.velocity for v in found])
    if not target.half_turn_symmetric:
        assert np.median(np.linalg.norm(velocity - true, axis=1)) < 0.1 * np.median(np.linalg.norm(true, axis=1))


def same(a, b):
    assert (len(a), a.rejections) == (len(b), b.rejections)
    for one, other in zip(a, b, strict=True):
        for name in ("t_us", "ids", "xy", "cov", "velocity"):
            assert getattr(one, name).tobytes() == getattr(other, name).tobytes()


def test_same_events_same_bytes_and_nothing_is_changed(case):
    target, simulation, found = case
    before = simulation.events.t.tobytes()
    same(found, detect(simulation.events, target, mode="moving"))
    assert simulation.events.t.tobytes() == before


def test_recording_gives_what_its_events_give(case, tmp_path):
    target, simulation, found = case
    path = tmp_path / "rec.h5"
    save_h5(path, simulation.events)
    shares = []
    with open_recording(path) as recording:
        again = detect(recording, target, name="events", progress=shares.append)
    same(found, again)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_second_thread_changes_nothing(longer):
    target, simulation = longer
    events = simulation.events
    same(detect(events, target), detect(events, target, threads=2))


@pytest.fixture(scope="module")
def longer():
    target = TARGETS["asymmetric"]
    return target, simulate(Scene(CAMERA, hand(target, 2.2), Board(target), Sensor()))


@pytest.mark.parametrize("windows", [1, 3])
def test_views_do_not_depend_on_the_block(longer, monkeypatch, windows):
    target, simulation = longer
    whole = detect(simulation.events, target)
    monkeypatch.setattr(stream, "_WINDOWS_PER_BLOCK", windows)
    parts = detect(simulation.events, target)
    ids = {view.mid_us: tuple(view.ids) for view in whole}
    assert [view.mid_us for view in parts] == [view.mid_us for view in whole]
    assert np.mean([tuple(view.ids) == ids[view.mid_us] for view in parts]) > 0.9
    moved = []
    for a, b in zip(whole, parts, strict=True):
        _, i, j = np.intersect1d(a.ids, b.ids, return_indices=True)
        std = np.sqrt(np.trace(a.cov[i], axis1=1, axis2=2))
        moved.append(np.linalg.norm(a.xy[i] - b.xy[j], axis=1) / std)
    # which bursts are full changes is told by their neighbours in time, of which a block knows those of a window more
    assert np.median(np.concatenate(moved)) < 0.2
    assert np.percentile(np.concatenate(moved), 95) < 1


def test_time_shift_shifts_the_views(longer):
    target, simulation = longer
    events = simulation.events.between(0, 600_000)
    later = Events.from_arrays(events.t + 10**12, events.x, events.y, events.p, width=240, height=180)
    plain, shifted = detect(events, target), detect(later, target)
    for a, b in zip(plain, shifted, strict=True):
        assert (b.t_us - 10**12 == a.t_us).all()
        assert np.abs(a.xy - b.xy).max() < 1e-6


def test_step_sets_the_rate(longer):
    target, simulation = longer
    events = simulation.events.between(0, 600_000)
    found = detect(events, target, moving=MovingOptions(step_us=10_000))
    assert 55 < len(found) + len(found.rejections) <= 60
    assert set(np.diff([v.mid_us for v in found])) <= {10_000, 20_000, 30_000}


@pytest.mark.parametrize(("make", "named"), [
    (lambda: MovingOptions(step_us=0), "step_us"), (lambda: MovingOptions(step_us=200_000), "step_us"),
    (lambda: MovingOptions(min_tone_count=0), "min_tone_count"), (lambda: MovingOptions(min_discs=3), "min_discs"),
    (lambda: MovingOptions(max_sigma_px=0.0), "max_sigma_px"), (lambda: DiscOptions(path_px=0.0), "path_px"),
    (lambda: DiscOptions(min_window_us=10, max_window_us=9), "min_window_us"),
    (lambda: DiscOptions(min_cosine=1.0), "min_cosine"), (lambda: DiscOptions(turning_px=float("nan")), "turning_px"),
])
def test_impossible_options_are_refused(make, named):
    with pytest.raises(InputError, match=named):
        make()


def test_no_windows_are_no_recording():
    with pytest.raises(InputError, match="no windows"):
        stream.detect_moving([], 0, TARGETS["asymmetric"])


def test_another_board_gives_reasons_and_no_views(longer):
    _, simulation = longer
    found = detect(simulation.events.between(0, 600_000), CircleGrid.asymmetric(11, 6, 0.05, 0.02))
    assert len(found) == 0
    assert found.rejection_counts().get("grid does not fit the board", 0) + found.rejection_counts().get("ambiguous", 0) > 20
    assert sum(found.rejection_counts().values()) >= 29


def test_still_board_has_reasons_and_no_views():
    rng = np.random.default_rng(0)
    n = 5000
    noise = Events.from_arrays(np.sort(rng.integers(0, 10**6, n)), rng.integers(0, 240, n), rng.integers(0, 180, n),
                               rng.integers(0, 2, n), width=240, height=180)
    found = detect(noise, TARGETS["asymmetric"], mode="moving")
    assert len(found) == 0
    assert found.rejection_counts() == {"no grid of discs": 50}


def test_mode_is_told_by_the_events_or_forced(longer):
    board = Checkerboard(5, 7, 0.03)
    flicker = checkerboard_flicker(board, CAMERA, sensor=Sensor(hot_pixels=0), duration_s=1.0).events
    assert detect(flicker, board).mode == "flicker"
    target, simulation = longer
    short = simulation.events.between(0, 300_000)
    assert detect(short, target).mode == "moving"
    assert detect(short, target, mode="flicker").mode == "flicker"
    assert detect(flicker, target, mode="moving").mode == "moving"


@pytest.mark.parametrize(("change", "says"), [
    ({"mode": "fast"}, "mode is 'fast'; it can be auto, moving, flicker"),
    ({"recording": Events.empty(240, 180)}, "holds no events"),
    ({"target": Checkerboard(5, 7, 0.03)}, "a checkerboard can only be found when it flickers"),
    ({"target": Checkerboard(5, 7, 0.03), "mode": "moving"}, "a checkerboard can only be found when it flickers"),
])
def test_impossible_wishes_are_refused(longer, change, says):
    target, simulation = longer
    wish = {"recording": simulation.events.between(0, 300_000), "target": target, **change}
    with pytest.raises(InputError) as caught:
        detect(**wish)
    assert says in str(caught.value)
