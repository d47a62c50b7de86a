"""Boards in rendered two-tone pictures, one after another."""

import numpy as np
import pytest

from evcam.core.rotation import exp_so3
from evcam.core.target import CircleGrid
from evcam.detect.moving.following import Follower, disc_picture
from evcam.detect.moving.regions import elliptic_regions
from evcam.detect.moving.scan import _look_back
from evcam.detect.moving.sighting import NotSeen, Sighting
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


def locate(follower, tone, t_us=0):
    return follower.locate(elliptic_regions(disc_picture(tone, follower.target)), (WIDTH, HEIGHT), t_us)


def where(target, H):
    return transfer(H, target.object_points[:, :2])


@pytest.mark.parametrize("target", [ODD, EVEN, SYMMETRIC], ids=["odd", "even", "light symmetric"])
def test_whole_board_is_located_to_half_a_pixel(target):
    H = homography(target)
    seen = locate(Follower(target), picture(target, H))
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
    return follower, [locate(follower, tone, 20_000 * i) for i, (tone, _) in enumerate(nearing[:steps])]


def test_cut_board_is_ambiguous_until_it_is_followed(nearing):
    alone = locate(Follower(ODD), nearing[-1][0])
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
    late = locate(follower.copy(), nearing[-1][0], 20_000 * STEPS + 150_000)
    assert isinstance(late, NotSeen)
    assert late.reason == "ambiguous"


def test_copies_follow_on_their_own(nearing):
    follower, _ = followed(nearing, STEPS)
    other = follower.copy()
    locate(follower, nearing[0][0], 20_000 * STEPS)
    assert isinstance(locate(other, nearing[-1][0], 20_000 * STEPS), Sighting)


@pytest.mark.parametrize("target", [EVEN, SYMMETRIC], ids=["even", "symmetric"])
def test_symmetric_board_keeps_its_numbers_while_it_turns(target):
    follower = Follower(target)
    first = locate(follower, picture(target, homography(target, turn=0.0, tilt=(0, 0))))
    truth = where(target, homography(target, turn=0.0, tilt=(0, 0)))
    turned_at_first = np.linalg.norm(first.centers - truth, axis=1).max() > 1
    for step in range(1, 28):
        H = homography(target, turn=0.15 * step, tilt=(0, 0))
        seen = locate(follower, picture(target, H), 20_000 * step)
        truth = where(target, H)[::-1] if turned_at_first else where(target, H)
        assert np.linalg.norm(seen.centers - truth, axis=1).max() < 0.8


def test_hidden_disc_is_predicted():
    H = homography(ODD)
    tone = picture(ODD, H)
    x, y = np.round(where(ODD, H)[21]).astype(int)
    tone.bright[y - 6 : y + 7, x - 6 : x + 7] = 1  # covered by something light
    seen = locate(Follower(ODD), tone)
    assert not seen.seen[21]
    assert np.linalg.norm(seen.centers[21] - where(ODD, H)[21]) < 1.0


@pytest.mark.parametrize(("shown", "reason"), [
    (CircleGrid.asymmetric(7, 4, 0.05, 0.02), "ambiguous"),
    (CircleGrid.asymmetric(11, 6, 0.03, 0.012), "grid does not fit the board"),
    (CircleGrid.symmetric(2, 2, 0.2, 0.02), "no grid of discs"),
], ids=["fewer rows", "more columns", "far apart"])
def test_another_board_is_refused_with_a_reason(shown, reason):
    answer = locate(Follower(ODD), picture(shown, homography(shown)), 7)
    assert isinstance(answer, NotSeen)
    assert (answer.reason, answer.t_us) == (reason, 7)
    assert answer.detail


def covered(tone, H, ids):
    """The picture with something light over these discs of the odd board."""
    for x, y in np.round(where(ODD, H)[list(ids)]).astype(int):
        tone.bright[max(y - 9, 0) : y + 10, max(x - 9, 0) : x + 10] = 1
    return tone


def sweep(step):
    """A board that moves on and turns, and the ids of which something light covers a part."""
    H = homography(ODD, turn=0.3 + 0.01 * step, at=(0.002 * step, -0.001 * step))
    return H, range(min(4 * step, 32)) if step < 12 else range(4 * (step - 8), 44)


def test_ids_outlast_a_hand_that_covers_most_of_the_board():
    follower = Follower(ODD)
    for step in range(20):
        H, hidden = sweep(step)
        seen = locate(follower, covered(picture(ODD, H), H, hidden), 20_000 * step)
        assert isinstance(seen, Sighting), step
        assert not seen.seen[list(hidden)].any()
        assert np.linalg.norm(seen.centers - where(ODD, H), axis=1)[seen.seen].max() < 1.5


@pytest.mark.parametrize("rows", [range(2), range(9, 11), range(4, 11)])
def test_rows_that_something_light_covers_leave_a_board_alone_ambiguous(rows):
    H = homography(ODD)
    answer = locate(Follower(ODD), covered(picture(ODD, H), H, [4 * r + c for r in rows for c in range(4)]))
    assert isinstance(answer, NotSeen)
    assert answer.reason == "ambiguous"


def test_what_is_recognised_late_is_followed_back(nearing):
    pictures = [elliptic_regions(disc_picture(tone, ODD)) for tone, _ in nearing[::-1]]
    follower = Follower(ODD)
    sightings = [follower.locate(regions, (WIDTH, HEIGHT), 20_000 * i) for i, regions in enumerate(pictures)]
    assert isinstance(sightings[0], NotSeen)
    first = next(i for i, s in enumerate(sightings) if isinstance(s, Sighting))
    added = _look_back(ODD, sightings, pictures)
    assert [s.t_us for s in added] == [20_000 * i for i in range(first - 1, -1, -1)]
    for seen, (_, truth) in zip(sightings, nearing[::-1], strict=True):
        assert np.linalg.norm(seen.centers - truth, axis=1)[seen.seen].max() < 0.8
