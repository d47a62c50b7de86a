"""Boards in rendered two-tone pictures, one after another."""

import numpy as np
import pytest

from evcam.core.rotation import exp_so3
from evcam.core.target import CircleGrid
from evcam.detect.moving.following import Follower, NotSeen, Sighting
from evcam.detect.moving.tone import ToneMap
from evcam.solvers.homography import transfer

WIDTH, HEIGHT, FOCAL = 240, 180, 200.0
PX = np.stack(np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT)), -1).reshape(-1, 2).astype(float)
ODD = CircleGrid.asymmetric(11, 4, 0.05, 0.02)
EVEN = CircleGrid.asymmetric(6, 5, 0.05, 0.02)
SYMMETRIC = CircleGrid.symmetric(5, 7, 0.05, 0.018, dark_on_light=False)


def homography(target, turn=0.3, tilt=(0.2, -0.2), at=(0.0, 0.0), distance_m=0.85):
    """From board metres to pixels; the board's middle is seen at ``at`` metres beside the middle of the image."""
    R = exp_so3([*tilt, 0]) @ exp_so3([0, 0, turn])
    t = np.array([*at, distance_m]) - R @ target.object_points.mean(0)
    return np.array([[FOCAL, 0, WIDTH / 2], [0, FOCAL, HEIGHT / 2], [0, 0, 1]]) @ np.column_stack([R[:, :2], t])


def picture(target, H):
    board = transfer(np.linalg.inv(H), PX)
    distance = np.linalg.norm(board[:, None] - target.object_points[None, :, :2], axis=-1).min(1)
    tone = ToneMap.unknown(WIDTH, HEIGHT, 2)
    tone.bright[:] = ((distance < target.radius_m) != target.dark_on_light).reshape(HEIGHT, WIDTH)
    return tone


def where(target, H):
    return transfer(H, target.object_points[:, :2])


@pytest.mark.parametrize("target", [ODD, EVEN, SYMMETRIC], ids=["odd", "even", "light symmetric"])
def test_whole_board_is_located_to_half_a_pixel(target):
    H = homography(target)
    seen = Follower(target).locate(picture(target, H), 0)
    assert isinstance(seen, Sighting)
    assert seen.seen.all()
    truth = where(target, H)
    error = min(np.linalg.norm(seen.centers - t, axis=1).max() for t in (truth, truth[::-1]))
    assert error < 0.6


STEPS = 22


@pytest.fixture(scope="module")
def nearing():
    """Pictures of a board that comes nearer until no end of it is in view; and the true centres."""
    homographies = [homography(ODD, tilt=(0.0, 0.0), distance_m=0.85 * 0.96**step) for step in range(STEPS + 1)]
    return [(picture(ODD, H), where(ODD, H)) for H in homographies]


def followed(nearing, steps):
    follower = Follower(ODD)
    return follower, [follower.locate(tone, 20_000 * i) for i, (tone, _) in enumerate(nearing[:steps])]


def test_cut_board_is_ambiguous_until_it_is_followed(nearing):
    alone = Follower(ODD).locate(nearing[-1][0], 0)
    assert isinstance(alone, NotSeen)
    assert alone.reason == "ambiguous"
    assert "of 44 discs seen" in alone.detail
    _, sightings = followed(nearing, STEPS + 1)
    for seen, (_, truth) in zip(sightings, nearing, strict=True):
        assert isinstance(seen, Sighting)
        assert np.linalg.norm(seen.centers - truth, axis=1)[seen.seen].max() < 0.8
    assert sightings[-1].seen.sum() < 30


def test_what_was_seen_last_is_forgotten_after_a_while(nearing):
    follower, _ = followed(nearing, STEPS)
    late = follower.copy().locate(nearing[-1][0], 20_000 * STEPS + 150_000)
    assert isinstance(late, NotSeen)
    assert late.reason == "ambiguous"


def test_copies_follow_on_their_own(nearing):
    follower, _ = followed(nearing, STEPS)
    other = follower.copy()
    follower.locate(nearing[0][0], 20_000 * STEPS)
    assert isinstance(other.locate(nearing[-1][0], 20_000 * STEPS), Sighting)


@pytest.mark.parametrize("target", [EVEN, SYMMETRIC], ids=["even", "symmetric"])
def test_symmetric_board_keeps_its_numbers_while_it_turns(target):
    follower = Follower(target)
    first = follower.locate(picture(target, homography(target, turn=0.0, tilt=(0, 0))), 0)
    truth = where(target, homography(target, turn=0.0, tilt=(0, 0)))
    turned_at_first = np.linalg.norm(first.centers - truth, axis=1).max() > 1
    for step in range(1, 28):
        H = homography(target, turn=0.15 * step, tilt=(0, 0))
        seen = follower.locate(picture(target, H), 20_000 * step)
        truth = where(target, H)[::-1] if turned_at_first else where(target, H)
        assert np.linalg.norm(seen.centers - truth, axis=1).max() < 0.8


def test_hidden_disc_is_predicted():
    H = homography(ODD)
    tone = picture(ODD, H)
    x, y = np.round(where(ODD, H)[21]).astype(int)
    tone.bright[y - 6 : y + 7, x - 6 : x + 7] = 1  # covered by something light
    seen = Follower(ODD).locate(tone, 0)
    assert not seen.seen[21]
    assert np.linalg.norm(seen.centers[21] - where(ODD, H)[21]) < 1.0


@pytest.mark.parametrize(("shown", "reason"), [
    (CircleGrid.asymmetric(7, 4, 0.05, 0.02), "grid does not fit the board"),
    (CircleGrid.asymmetric(11, 6, 0.03, 0.012), "grid does not fit the board"),
    (CircleGrid.symmetric(2, 2, 0.2, 0.02), "no grid of discs"),
], ids=["fewer rows", "more columns", "far apart"])
def test_another_board_is_refused_with_a_reason(shown, reason):
    answer = Follower(ODD).locate(picture(shown, homography(shown)), 7)
    assert isinstance(answer, NotSeen)
    assert (answer.reason, answer.t_us) == (reason, 7)
    assert answer.detail
