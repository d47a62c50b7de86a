"""Boards that flicker before a still camera: synthetic scenes with exact truth."""

import numpy as np
import pytest

from evcam.core.camera import Camera
from evcam.core.events import Events
from evcam.core.rotation import exp_so3
from evcam.core.target import Checkerboard, CircleGrid
from evcam.core.trajectory import Trajectory
from evcam.detect import FlickerOptions, detect
from evcam.detect.flicker.phase import flicker_evidence, flicker_frequency_hz, looks_like_flicker
from evcam.detect.flicker.stretches import detect_flicker
from evcam.errors import InputError
from evcam.sim.placing import facing_pose
from evcam.sim.presets import checkerboard_flicker
from evcam.sim.scene import Board, Flicker, Scene
from evcam.sim.simulator import simulate

FOCAL_PX = 160.0
WIDTH, HEIGHT = 160, 120


def homography(target, tilt=(0.0, 0.0, 0.0), fill=0.75):
    """Board (metres) to image of a pinhole camera that sees the board's middle at the image's middle."""
    points = target.object_points[:, :2]
    middle, extent = (points.min(0) + points.max(0)) / 2, np.ptp(points, axis=0)
    distance = FOCAL_PX * max(extent / (np.array([WIDTH, HEIGHT]) * fill))
    R = exp_so3(tilt)
    K = np.array([[FOCAL_PX, 0, WIDTH / 2 - 0.3], [0, FOCAL_PX, HEIGHT / 2 + 0.2], [0, 0, 1]])
    t = np.array([0, 0, distance]) - R[:, :2] @ middle
    return K @ np.column_stack([R[:, :2], t])


def project(H, xy):
    p = np.column_stack([xy, np.ones(len(xy))]) @ H.T
    return p[:, :2] / p[:, 2:]


def brightness(target, xy):
    """1 where the board emits, 0 where it is dark or ends."""
    if isinstance(target, Checkerboard):
        cell = np.floor(xy / target.square_m).astype(int)
        inside = (cell >= -1).all(-1) & (cell[..., 0] < target.cols) & (cell[..., 1] < target.rows)
        return inside & (cell.sum(-1) % 2 != 0)
    centres = target.object_points[:, :2]
    in_disc = (np.linalg.norm(xy[..., None, :] - centres, axis=-1) < target.radius_m).any(-1)
    margin = 1.5 * target.spacing_m
    on_board = ((xy > centres.min(0) - margin) & (xy < centres.max(0) + margin)).all(-1)
    return on_board & (~in_disc if target.dark_on_light else in_disc)


def render(target, H, oversampling=4):
    """Mean brightness of every pixel."""
    step = (np.arange(oversampling) + 0.5) / oversampling - 0.5
    x = (np.arange(WIDTH)[:, None] + step).ravel()
    y = (np.arange(HEIGHT)[:, None] + step).ravel()
    grid = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    chunks = [brightness(target, project(np.linalg.inv(H), part)) for part in np.array_split(grid, 20)]
    return np.concatenate(chunks).reshape(HEIGHT, oversampling, WIDTH, oversampling).mean((1, 3))


def flicker_events(image, hz=30.0, duration_s=0.5, per_flash=4.0, scan=0.2, reversing=False, noise_hz=1.0, seed=0):
    """ON bursts after every flash, OFF bursts half a period later, line by line like a screen; noise on top.

    Pixels differ by 15 % in what they fire; ``reversing`` alternates the image with its negative.
    """
    rng = np.random.default_rng(seed)
    gain = per_flash * np.clip(rng.normal(1, 0.15, image.shape), 0.3, None)
    parts = []
    for half in range(int(duration_s * hz * 2)):
        fields = [(image, half % 2 == 0)] + ([(image.max() - image, half % 2 == 1)] if reversing else [])
        for field, polarity in fields:
            count = rng.poisson(gain * field * (1.0 if polarity else 0.5))
            y, x = np.nonzero(count)
            y, x = np.repeat(y, count[y, x]), np.repeat(x, count[y, x])
            t = (half / 2 + scan * y / HEIGHT + rng.gamma(2.0, 0.05, len(x))) / hz
            parts.append(np.column_stack([t, x, y, np.full(len(x), polarity)]))
    n = rng.poisson(noise_hz * duration_s * image.size)
    random_pixel = [rng.integers(0, WIDTH, n), rng.integers(0, HEIGHT, n)]
    parts.append(np.column_stack([rng.uniform(0, duration_s, n), *random_pixel, rng.integers(0, 2, n)]))
    hot = rng.uniform(0, duration_s, 3000)
    parts.append(np.column_stack([hot, np.full(3000, 40), np.full(3000, 50), np.ones(3000)]))
    table = np.concatenate(parts)
    table = table[np.argsort(table[:, 0], kind="stable")]
    return Events.from_arrays((table[:, 0] * 1e6).astype(np.int64), table[:, 1].astype(int), table[:, 2].astype(int),
                              table[:, 3].astype(bool), width=WIDTH, height=HEIGHT)


BOARDS = {
    "checkerboard 4x8": (Checkerboard(4, 8, 0.0055), (0.3, -0.4, 0.1)),
    "checkerboard 5x8": (Checkerboard(5, 8, 0.01), (0.5, 0.2, 2.9)),
    "symmetric, light": (CircleGrid.symmetric(4, 6, 0.04, 0.012, False), (0.2, 0.5, -0.2)),
    "symmetric, dark": (CircleGrid.symmetric(4, 6, 0.04, 0.012), (-0.3, 0.3, 0.0)),
    "asymmetric, light": (CircleGrid.asymmetric(7, 3, 0.03, 0.012, False), (0.4, 0.3, 1.5)),
    "asymmetric, dark": (CircleGrid.asymmetric(7, 3, 0.03, 0.012), (0.3, -0.4, -1.4)),
    "asymmetric, even rows": (CircleGrid.asymmetric(6, 4, 0.03, 0.012), (0.1, -0.2, 0.1)),
}


@pytest.mark.parametrize("name", BOARDS)
def test_points_ids_and_covariances_agree_with_the_truth(name):
    target, tilt = BOARDS[name]
    H = homography(target, tilt, fill=0.7)
    found = detect(flicker_events(render(target, H)), target, mode="flicker")
    assert (found.mode, len(found), found.rejections) == ("flicker", 1, ())
    view = found.views[0]
    truth = project(H, target.object_points[view.ids, :2])
    if target.half_turn_symmetric and np.linalg.norm(truth - view.xy, axis=1).max() > 2:
        truth = project(H, target.object_points[len(target) - 1 - view.ids, :2])
    error = view.xy - truth
    assert len(view) == len(target)
    assert np.sqrt((error**2).sum(1).mean()) < 0.12
    normalised = np.einsum("ni,nij,nj->n", error, np.linalg.inv(view.cov), error) / 2
    assert 0.1 < normalised.mean() < 2.5


@pytest.mark.parametrize(("target", "mode"), [
    (Checkerboard(5, 8, 0.0055), "blink"), (Checkerboard(5, 8, 0.0055), "invert"),
    (CircleGrid.asymmetric(7, 3, 0.03, 0.012), "blink"), (CircleGrid.asymmetric(7, 3, 0.03, 0.012, False), "invert"),
])
def test_simulated_screen_through_a_distorting_lens(target, mode):
    camera = Camera("pinhole-radtan", np.array([140.0, 140, 80, 60, -0.2, 0.05, 0, 0, 0]), WIDTH, HEIGHT)
    R_facing, t_facing = facing_pose(target, camera)
    R_cam_board = R_facing @ exp_so3([0.3, -0.25, 0.1])
    t_cam_board = t_facing + (R_facing - R_cam_board) @ target.object_points.mean(0)
    pose = Trajectory.still(R_cam_board, t_cam_board, duration_s=0.5)
    simulation = checkerboard_flicker(target, camera, pose, flicker=Flicker(25.0, mode))
    view = detect(simulation.events, target, mode="flicker").views[0]
    error = view.xy - simulation.truth.centers(view.t_us[:1])[0][view.ids]
    assert len(view) >= 0.95 * len(target)
    assert np.sqrt((error**2).sum(1).mean()) < 0.15
    assert np.abs(error.mean(0)).max() < 0.04


@pytest.mark.parametrize("margin_squares", [0.5, 2.0])
@pytest.mark.parametrize("mode", ["blink", "invert"])
def test_ends_of_squares_on_the_margin_are_no_corners(mode, margin_squares):
    """A target of one row and one column more than the board: its corners are found and nothing beside them."""
    board, wrong = Checkerboard(5, 8, 0.0055), Checkerboard(6, 9, 0.0055)
    camera = Camera("pinhole-radtan", np.array([110.0, 110, 80, 60, -0.2, 0.05, 0, 0, 0]), WIDTH, HEIGHT)
    R_facing, t_facing = facing_pose(board, camera)
    R_cam_board = R_facing @ exp_so3([-0.2, 0.3, 0.2])
    t_cam_board = 1.2 * (t_facing + (R_facing - R_cam_board) @ board.object_points.mean(0))
    pose = Trajectory.still(R_cam_board, t_cam_board, duration_s=0.5)
    screen = Board(board, margin_m=margin_squares * board.square_m, flicker=Flicker(20.0, mode))
    simulation = simulate(Scene(camera, pose, screen), seed=5)
    truth = simulation.truth.centers(np.array([250_000]))[0]
    for view in detect_flicker([simulation.events], wrong).views:
        assert len(view) <= len(board)
        assert np.linalg.norm(view.xy[:, None] - truth, axis=2).min(1).max() < 1
    assert len(detect_flicker([simulation.events], board).views[0]) == len(board)


def test_ellipse_centres_are_corrected_for_perspective():
    target = CircleGrid.symmetric(3, 4, 0.04, 0.015, False)
    H = homography(target, (0.8, 0.0, 0.0), fill=0.6)
    errors = []
    for seed in range(3):
        view = detect(flicker_events(render(target, H), seed=seed), target, mode="flicker").views[0]
        errors.append((view.xy - project(H, target.object_points[view.ids, :2]))[:, 1])
    assert abs(np.mean(errors)) < 0.03


def test_pattern_that_alternates_with_its_negative():
    target = Checkerboard(4, 8, 0.0055)
    H = homography(target, (0.2, 0.2, 0.0))
    image = render(target, H)
    events = flicker_events(image, reversing=True)
    assert abs(flicker_frequency_hz(events) - 30) < 0.1
    view = detect(events, target, mode="flicker").views[0]
    error = np.linalg.norm(view.xy - project(H, target.object_points[view.ids, :2]), axis=1)
    assert np.median(error) < 0.1


@pytest.mark.parametrize("target", [Checkerboard(2, 2, 0.03), CircleGrid.symmetric(2, 3, 0.03, 0.01)])
def test_a_board_too_small_to_check_its_points_against_each_other_is_not_found(target):
    found = detect(flicker_events(render(target, homography(target, (0.2, 0.1, 0.1), fill=0.7))), target, mode="flicker")
    assert found.rejection_counts() == {"board not found": 1}


@pytest.mark.parametrize("hz", [12.5, 30.0, 59.94, 120.0])
def test_frequency_is_found_to_a_fraction_of_a_period(hz):
    target = Checkerboard(4, 6, 0.01)
    events = flicker_events(render(target, homography(target), 2), hz=hz, duration_s=0.6)
    evidence = flicker_evidence(events)
    assert abs(evidence.frequency_hz - hz) < 0.1 / 0.6
    assert evidence.coherence > 0.6
    assert looks_like_flicker(events)


def test_moving_edge_and_noise_do_not_look_like_flicker():
    rng = np.random.default_rng(1)
    x, y = (v.ravel() for v in np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT)))
    crossings = [(((x + 40 * k) % WIDTH) / 300.0 + 0.001 * k, np.full(len(x), k % 2)) for k in range(6)]
    t, p = (np.concatenate(part) for part in zip(*crossings, strict=True))
    order = np.argsort(t, kind="stable")
    moving = Events.from_arrays((t * 1e6).astype(int)[order], np.tile(x, 6)[order], np.tile(y, 6)[order], p[order].astype(bool),
                                width=WIDTH, height=HEIGHT)
    assert not looks_like_flicker(moving)
    n = 200_000
    noise = Events.from_arrays(np.sort(rng.integers(0, 500_000, n)), rng.integers(0, WIDTH, n), rng.integers(0, HEIGHT, n),
                               rng.integers(0, 2, n).astype(bool), width=WIDTH, height=HEIGHT)
    assert not looks_like_flicker(noise)


def test_covered_points_leave_an_incomplete_view_with_the_right_ids():
    target = CircleGrid.asymmetric(7, 3, 0.03, 0.012, False)
    H = homography(target, (0.2, -0.2, 0.0))
    image = render(target, H)
    x, y = np.round(project(H, target.object_points[[9, 10], :2])).astype(int).T
    for cx, cy in zip(x, y, strict=True):
        image[max(cy - 9, 0) : cy + 9, max(cx - 9, 0) : cx + 9] = 0
    view = detect(flicker_events(image), target, mode="flicker").views[0]
    assert 17 <= len(view) <= 19
    assert not {9, 10} & set(view.ids.tolist())
    assert np.abs(view.xy - project(H, target.object_points[view.ids, :2])).max() < 0.3


def test_every_stretch_gives_a_view_or_a_reason():
    target = Checkerboard(4, 6, 0.01)
    events = flicker_events(render(target, homography(target), 3), duration_s=0.9)
    found = detect(events, target, mode="flicker", flicker=FlickerOptions(stretch_s=0.3), name="rec")
    assert [view.index for view in found] == [0, 1, 2]
    assert np.allclose([view.mid_us for view in found], [150_000, 450_000, 750_000], atol=30_000)
    assert found.recordings == ("rec",)
    other = detect(events.between(0, 300_000), Checkerboard(7, 9, 0.01), mode="flicker")
    assert set(other.rejection_counts()) == {"board not found"}
    few = detect(events[:100], target, mode="flicker")
    assert few.rejection_counts() == {"too few events": 1}


def test_noise_is_rejected_as_no_flicker():
    rng = np.random.default_rng(0)
    n = 50_000
    noise = Events.from_arrays(np.sort(rng.integers(0, 500_000, n)), rng.integers(0, WIDTH, n), rng.integers(0, HEIGHT, n),
                               rng.integers(0, 2, n).astype(bool), width=WIDTH, height=HEIGHT)
    found = detect(noise, Checkerboard(4, 6, 0.01), mode="flicker")
    assert found.rejection_counts() == {"no flicker": 1}


def test_board_that_jumps_within_a_stretch_is_rejected():
    target = Checkerboard(4, 6, 0.01)
    H = homography(target, fill=0.6)
    shifted = np.array([[1, 0, 2.5], [0, 1, 0], [0, 0, 1]]) @ H
    first, second = (flicker_events(render(target, h, 3), duration_s=0.5) for h in (H, shifted))
    both = Events.from_arrays(np.r_[first.t, second.t + 600_000], np.r_[first.x, second.x], np.r_[first.y, second.y],
                              np.r_[first.p, second.p], width=WIDTH, height=HEIGHT)
    found = detect(both, target, mode="flicker", flicker=FlickerOptions(stretch_s=2.0))
    assert not found.views
    assert found.rejections[0].reason in ("board moved", "board not found")


def test_empty_recordings_and_impossible_options():
    target = Checkerboard(4, 6, 0.01)
    assert detect_flicker([Events.empty(64, 64)], target).rejection_counts() == {"too few events": 1}
    with pytest.raises(InputError, match="no events"):
        detect_flicker([], target)
    with pytest.raises(InputError, match="sensor size changes"):
        detect_flicker([Events.empty(64, 64), Events.empty(32, 64)], target)
    with pytest.raises(InputError, match="stretch_s"):
        FlickerOptions(stretch_s=0)
    with pytest.raises(InputError, match="min_share"):
        FlickerOptions(min_share=1.5)
