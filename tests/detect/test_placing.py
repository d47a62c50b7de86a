import numpy as np
import pytest

from evcam.core.rotation import exp_so3
from evcam.core.target import CircleGrid
from evcam.detect.moving.placing import placements, walk_lattice
from evcam.detect.moving.regions import Regions
from evcam.detect.moving.sighting import sighting

WIDTH, HEIGHT, FOCAL = 240, 180, 200.0
ODD = CircleGrid.asymmetric(11, 4, 0.05, 0.02)
EVEN = CircleGrid.asymmetric(6, 5, 0.05, 0.02)
SYMMETRIC = CircleGrid.symmetric(6, 8, 0.05, 0.015)
LIGHT = CircleGrid.asymmetric(7, 4, 0.05, 0.02, dark_on_light=False)
SQUARE = CircleGrid.symmetric(5, 5, 0.05, 0.015)
BOARDS = pytest.mark.parametrize(
    "target", [ODD, EVEN, LIGHT, SYMMETRIC, SQUARE], ids=["odd", "even", "light", "symmetric", "square"]
)


def pose(rng, target):
    middle = target.object_points.mean(0)
    R = exp_so3([*rng.uniform(-0.45, 0.45, 2), 0]) @ exp_so3([0, 0, rng.uniform(-np.pi, np.pi)])
    size = np.ptp(target.object_points[:, :2], axis=0).max() + 0.1
    t = np.array([*rng.uniform(-0.02, 0.02, 2), FOCAL * size / 165])
    return lambda xy: (np.column_stack([xy, np.zeros(len(xy))]) - middle) @ R.T + t


def camera(points, bend=-0.25):
    """A lens that bends a board's rim by several pixels."""
    straight = points[:, :2] / points[:, 2:]
    bent = straight * (1 + bend * (straight**2).sum(-1, keepdims=True))
    return FOCAL * bent + [WIDTH / 2, HEIGHT / 2]


def view(target, seed, clutter=0, noise_px=0.2):
    """Regions as a picture of the board would give them, clutter after them; and the true centres."""
    rng = np.random.default_rng(seed)
    to_camera, xy = pose(rng, target), target.object_points[:, :2]
    centers = camera(to_camera(xy))
    columns = [(camera(to_camera(xy + d)) - camera(to_camera(xy - d))) / 2 for d in target.radius_m * np.eye(2)]
    local = np.stack(columns, -1)
    values, vectors = np.linalg.eigh(local @ local.transpose(0, 2, 1))
    shapes = (vectors * np.sqrt(values)[:, None]) @ vectors.transpose(0, 2, 1)
    shapes += (-0.5 if target.dark_on_light else 0.5) * np.eye(2)  # edges are seen on their dark side
    elsewhere, sizes = rng.uniform(0, [WIDTH, HEIGHT], (clutter, 2)), rng.uniform(1.5, 6, clutter)
    distance = np.linalg.norm(elsewhere[:, None] - centers[None], axis=-1).min(1)
    apart = distance > 1 + sizes + np.sqrt(values.max())  # regions of one picture do not overlap
    found = np.concatenate([centers + rng.normal(0, noise_px, centers.shape), elsewhere[apart]])
    return Regions(found, np.concatenate([shapes, sizes[apart, None, None] * np.eye(2)])), centers


def subset(regions, keep):
    return Regions(regions.centers[keep], regions.shapes[keep])


def place(regions, target):
    """The placements that cover most of the board."""
    lattice = walk_lattice(regions, target)
    ways = [] if lattice is None else placements(lattice, target)
    return [way for way in ways if way.beside == min(other.beside for other in ways)]


def right(way, target, truth, regions):
    """Whether the ids are the true ones in one of the numberings that the board's symmetry makes equal."""
    mine = regions.centers[way.index]
    numberings = [np.arange(len(target))]
    if target.half_turn_symmetric:
        numberings.append(numberings[0][::-1])
    if target is SQUARE:
        square = numberings[0].reshape(5, 5)
        numberings += [np.rot90(square).ravel(), np.rot90(square, 3).ravel()]
    return any((np.linalg.norm(truth[n[way.ids]] - mine, axis=1) < 1.5).all() for n in numberings)


@BOARDS
@pytest.mark.parametrize("clutter", [0, 10, 30])
def test_whole_boards_get_their_ids_among_clutter(target, clutter):
    complete = 0
    for seed in range(20):
        regions, truth = view(target, seed, clutter)
        ways = place(regions, target)
        assert len(ways) <= 1, seed
        assert all(right(way, target, truth, regions) for way in ways), seed
        complete += any(len(way.ids) == len(target) for way in ways)
    assert complete >= (20 if clutter < 30 else 18)


@BOARDS
def test_few_missing_discs_inside_leave_ids_unambiguous(target):
    for seed in range(20):
        regions, truth = view(target, seed)
        inner = np.setdiff1d(np.arange(len(target)), _rim(target))
        gone = np.random.default_rng(seed).choice(inner, 3, replace=False)
        kept = np.setdiff1d(np.arange(len(regions)), gone)
        part = subset(regions, kept)
        ways = place(part, target)
        assert len(ways) == 1, seed
        assert right(ways[0], target, truth, part), seed


def _rim(target):
    grid = np.arange(len(target)).reshape(target.rows, target.cols)
    return np.concatenate([grid[:2].ravel(), grid[-2:].ravel(), grid[:, 0], grid[:, -1]])


def fits(target, part):
    """In how many ways a part of the board fits on the board, by trying all turns and shifts in whole spacings."""
    board = set(target.lattice)
    count = 0
    for turn in range(4):
        cells = [np.linalg.matrix_power([[0, -1], [1, 0]], turn) @ target.lattice[k] for k in part]
        for dx in range(-20, 21):
            count += sum(all((x + dx, y + dy) in board for x, y in cells) for dy in range(-20, 21))
    return count


@pytest.mark.parametrize(("target", "rows"), [(ODD, range(2, 8)), (ODD, range(9)), (EVEN, range(4)), (SYMMETRIC, range(1, 5))])
def test_cut_board_lists_every_place_where_it_can_lie(target, rows):
    regions, truth = view(target, 3)
    kept = np.flatnonzero(np.isin(np.arange(len(target)) // target.cols, rows))
    ways = place(subset(regions, kept), target)
    symmetries = 2 if target.half_turn_symmetric else 1
    assert len(ways) == fits(target, kept) // symmetries > 1
    assert {len(way.ids) for way in ways} == {len(kept)}
    assert sum(right(way, target, truth, subset(regions, kept)) for way in ways) == 1


def test_discs_that_are_missing_are_predicted():
    regions, truth = view(SYMMETRIC, 0)
    part = subset(regions, np.arange(len(SYMMETRIC)) != 20)
    way = place(part, SYMMETRIC)[0]
    seen = sighting(SYMMETRIC, way.ids, way.index, part, 5)
    assert seen is not None
    missing = np.flatnonzero(~seen.seen)
    assert (len(missing), seen.t_us) == (1, 5)
    assert np.linalg.norm(seen.centers[missing] - truth[20]) < 1.0
    assert np.linalg.norm(seen.shapes[missing[0]] - seen.shapes[seen.seen].mean(0)) < 1.0


def test_regions_that_the_lattice_missed_are_taken_if_they_are_as_large_as_discs():
    regions, _ = view(ODD, 3)
    way = place(regions, ODD)[0]
    known = way.ids >= 8
    assert sighting(ODD, way.ids[known], way.index[known], regions, 0).seen.all()
    large = Regions(regions.centers, regions.shapes * np.where(np.arange(44) == way.index[way.ids == 5], 1.8, 1.0)[:, None, None])
    assert list(np.flatnonzero(~sighting(ODD, way.ids[known], way.index[known], large, 0).seen)) == [5]


def test_mirror_images_of_a_board_that_is_not_its_own_get_no_ids():
    for seed in range(10):
        regions, _ = view(EVEN, seed)
        flip = np.diag([-1.0, 1.0])
        mirrored = Regions(regions.centers @ flip + [WIDTH, 0], flip @ regions.shapes @ flip)
        assert not any(len(way.ids) == len(EVEN) for way in place(mirrored, EVEN))


@pytest.mark.parametrize("count", [0, 3, 40])
def test_clutter_alone_is_no_board(count):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        sizes = rng.uniform(2, 8, count)[:, None, None]
        ways = place(Regions(rng.uniform(0, [WIDTH, HEIGHT], (count, 2)), sizes * np.eye(2)), ODD)
        assert all(len(way.ids) < len(ODD) / 2 for way in ways)


def test_a_part_seen_in_an_impossible_perspective_is_no_board():
    """Two rows, the second four times as wide as the first: the third would lie behind the camera."""
    ids = np.arange(8)
    rows, cols = np.divmod(ids, 4)
    width = np.array([10.0, 40.0])[rows]
    centers = np.column_stack([120 + width * (cols - 1.5 + 0.5 * (rows % 2)), 60 + 25.0 * rows])
    regions = Regions(centers, np.tile(4 * np.eye(2), (8, 1, 1)))
    assert sighting(ODD, ids, ids, regions, 0) is None
