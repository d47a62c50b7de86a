import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evcam.core.camera import Camera
from evcam.core.camera.models import model_names
from evcam.core.events import Events
from evcam.errors import InputError

CAMERAS = {
    "davis346": Camera("pinhole-radtan", [250.0, 251.0, 172.0, 130.0, -0.37, 0.2, 1e-3, -5e-4, -0.05], 346, 260),
    "barrel": Camera("pinhole-radtan", [200.0, 200.0, 160.0, 120.0, -0.3, 0.0, 0.0, 0.0, 0.0], 320, 240),
    "ideal": Camera("pinhole-radtan", [300.0, 310.0, 160.0, 120.0, 0.0, 0.0, 0.0, 0.0, 0.0], 320, 240),
    "fisheye": Camera("pinhole-equidistant", [150.0, 151.0, 172.0, 130.0, -0.02, 0.01, 0.003, -0.001], 346, 260),
    "wide": Camera("pinhole-equidistant", [120.0, 120.0, 172.0, 130.0, 0.0, 0.0, 0.0, 0.0], 346, 260),
}
each_camera = pytest.mark.parametrize("camera", CAMERAS.values(), ids=CAMERAS)


def corners(camera):
    w, h = camera.width - 1, camera.height - 1
    return np.array([[0, 0], [w, 0], [0, h], [w, h], [camera.params[2], camera.params[3]]], float)


@each_camera
def test_every_seen_pixel_survives_unprojection_and_projection(camera):
    px = np.stack(np.meshgrid(np.arange(camera.width), np.arange(camera.height)), -1).astype(float)
    bearings = camera.unproject(px)
    seen = np.isfinite(bearings).all(-1)
    assert np.linalg.norm(bearings[seen], axis=-1) == pytest.approx(1.0, abs=1e-14)
    assert np.abs(camera.project(bearings[seen]) - px[seen]).max() < 1e-9
    if camera not in (CAMERAS["wide"], CAMERAS["barrel"]):
        assert seen.all()


def test_pixels_beyond_the_lens_have_no_bearing():
    wide = CAMERAS["wide"]  # 90 degrees lie 120 * pi / 2 = 188.5 px from the principal point
    assert np.isfinite(wide.unproject([172.0 + 188.0, 130.0])).all()
    assert np.isnan(wide.unproject([172.0 + 189.0, 130.0])).all()
    barrel = CAMERAS["barrel"]  # r (1 - 0.3 r^2) has its maximum at r = 1 / sqrt(0.9): 0.7027 * 200 px
    assert np.isfinite(barrel.unproject([160.0, 120.0 + 140.4])).all()
    assert np.isnan(barrel.unproject([160.0, 120.0 + 140.7])).all()


def test_points_behind_or_beyond_the_turning_radius_are_nan():
    barrel = CAMERAS["barrel"]
    r = 1 / np.sqrt(0.9)
    points = np.array([[0, 0, -1.0], [0, 0, 0.0], [r * 1.001, 0, 1.0], [r * 0.999, 0, 1.0], [np.nan, 0, 1.0]])
    assert np.isfinite(barrel.project(points)).all(-1).tolist() == [False, False, False, True, False]
    assert all(np.isnan(part[:3]).all() for part in barrel.project_jacobians(points))


@each_camera
def test_jacobians_agree_with_central_differences(camera):
    rng = np.random.default_rng(1)
    px = rng.uniform([30, 30], [camera.width - 30, camera.height - 30], (50, 2))
    points = camera.unproject(px) * rng.uniform(0.3, 3.0, (50, 1))
    points[0] = [0.0, 0.0, 2.0]
    value, by_point, by_params = camera.project_jacobians(points)
    assert value == pytest.approx(camera.project(points))
    for k in range(3):
        step = 1e-6 * np.eye(3)[k]
        numeric = (camera.project(points + step) - camera.project(points - step)) / 2e-6
        assert by_point[..., k] == pytest.approx(numeric, rel=1e-6, abs=2e-4)
    for k, parameter in enumerate(camera.params):
        h = 1e-6 * max(1.0, abs(parameter))
        ends = []
        for sign in (1, -1):
            params = camera.params.copy()
            params[k] += sign * h
            ends.append(Camera(camera.model, params, camera.width, camera.height).project(points))
        assert by_params[..., k] == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-6, abs=1e-5)


@settings(max_examples=100, deadline=None)
@given(
    model=st.sampled_from(model_names()),
    focal=st.floats(60, 2000), k1=st.floats(-0.4, 0.4), k2=st.floats(-0.2, 0.2), tangential=st.floats(-0.003, 0.003),
    x=st.floats(0, 345), y=st.floats(0, 259),
)
def test_unprojection_inverts_projection_for_any_camera(model, focal, k1, k2, tangential, x, y):
    tail = [tangential, -tangential, 0.0] if model == "pinhole-radtan" else [0.0, 0.0]
    camera = Camera(model, [focal, 1.02 * focal, 170.0, 131.0, k1, k2, *tail], 346, 260)
    bearing = camera.unproject([x, y])
    if np.isfinite(bearing).all():
        assert bearing[2] > 0
        assert camera.project(2.5 * bearing) == pytest.approx([x, y], abs=1e-5)


def test_projection_is_opencv_s():
    import cv2

    points = CAMERAS["davis346"].unproject(np.random.default_rng(0).uniform(0, 250, (40, 2)))
    for name in ("davis346", "fisheye"):
        camera = CAMERAS[name]
        project = cv2.fisheye.projectPoints if name == "fisheye" else cv2.projectPoints
        theirs = project(points[:, None], np.zeros(3), np.zeros(3), camera.K, camera.distortion)[0][:, 0]
        assert camera.project(points) == pytest.approx(theirs, abs=1e-9)


@each_camera
def test_undistortion_of_points_events_and_maps_agree(camera):
    x, y = np.array([10, 160, 300]), np.array([100, 120, 130])
    events = Events.from_arrays([0, 1, 2], x, y, [1, 0, 1], width=camera.width, height=camera.height)
    ideal = camera.undistort_points(np.stack([x, y], -1))
    assert camera.undistort_events(events) == pytest.approx(ideal, nan_ok=True)
    bearings = camera.unproject(np.stack([x, y], -1))
    assert (bearings @ camera.K.T)[:, :2] == pytest.approx(ideal * bearings[:, 2:], nan_ok=True)
    map_x, map_y = camera.undistort_maps()
    assert map_x.shape == (camera.height, camera.width)
    assert map_x.dtype == np.float32
    inside = ((ideal >= 0) & (ideal <= [camera.width - 1, camera.height - 1])).all(-1)
    for (u, v), source in zip(np.round(ideal[inside]).astype(int), np.stack([x, y], -1)[inside], strict=True):
        assert np.hypot(map_x[v, u] - source[0], map_y[v, u] - source[1]) < 1.0


def test_impossible_cameras_are_refused():
    good = [300.0, 300.0, 160.0, 120.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    with pytest.raises(InputError, match="known models: pinhole-"):
        Camera("pinhole", good, 320, 240)
    with pytest.raises(InputError, match="needs 9 finite numbers"):
        Camera("pinhole-radtan", good[:8], 320, 240)
    with pytest.raises(InputError, match="must be positive"):
        Camera("pinhole-radtan", [-1.0, *good[1:]], 320, 240)
    with pytest.raises(InputError, match="width"):
        Camera("pinhole-radtan", good, 0, 240)
    with pytest.raises(InputError, match="do not belong to a 320x240"):
        Camera("pinhole-radtan", good, 320, 240).undistort_events(Events.empty(10, 10))
    with pytest.raises(InputError, match="shape"):
        Camera("pinhole-radtan", good, 320, 240).project([1.0, 2.0])
