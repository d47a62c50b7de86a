import importlib.util
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from evcam.core.camera import Camera
from evcam.errors import FormatError, InputError, OutputExistsError

RADTAN = Camera("pinhole-radtan", [250.0, 251.0, 172.0, 130.0, -0.37, 0.2, 1e-3, -5e-4, 0.0], 346, 260)
RADTAN_K3 = Camera("pinhole-radtan", [250.0, 251.0, 172.0, 130.0, -0.37, 0.2, 1e-3, -5e-4, -0.05], 346, 260)
FISHEYE = Camera("pinhole-equidistant", [150.0, 151.0, 172.0, 130.0, -0.02, 0.01, 0.003, -0.001], 346, 260)
CAMERAS = {"radtan": RADTAN, "radtan-k3": RADTAN_K3, "fisheye": FISHEYE}
each_camera = pytest.mark.parametrize("camera", CAMERAS.values(), ids=CAMERAS)


def grid_points(camera):
    px = np.stack(np.meshgrid(np.linspace(0, 345, 36), np.linspace(0, 259, 27)), -1).reshape(-1, 2)
    bearings = camera.unproject(px)
    return px, bearings / bearings[:, 2:]


def kalibr_formula(path, points):
    """Kalibr's own projection, from its camchain."""
    cam = yaml.safe_load(Path(path).read_text())["cam0"]
    fu, fv, pu, pv = cam["intrinsics"]
    k = cam["distortion_coeffs"]
    assert len(k) == 4
    assert cam["resolution"] == [346, 260]
    assert cam["camera_model"] == "pinhole"
    x, y = points[:, 0], points[:, 1]
    if cam["distortion_model"] == "equidistant":
        r = np.sqrt(x**2 + y**2)
        theta = np.arctan(r)
        scaling = theta * (1 + k[0] * theta**2 + k[1] * theta**4 + k[2] * theta**6 + k[3] * theta**8) / r
        return np.stack([fu * x * scaling + pu, fv * y * scaling + pv], 1)
    mx2, my2, mxy, rho = x * x, y * y, x * y, x * x + y * y
    rad = k[0] * rho + k[1] * rho * rho
    return np.stack([fu * (x + x * rad + 2 * k[2] * mxy + k[3] * (rho + 2 * mx2)) + pu,
                     fv * (y + y * rad + 2 * k[3] * mxy + k[2] * (rho + 2 * my2)) + pv], 1)


def opencv_formula(matrix, d, points, fisheye):
    project = cv2.fisheye.projectPoints if fisheye else cv2.projectPoints
    return project(points[:, None], np.zeros(3), np.zeros(3), matrix, d)[0][:, 0]


@each_camera
def test_kalibr_file_projects_the_same_points(camera, tmp_path):
    report = camera.export(tmp_path / "cam.yaml", "kalibr")
    px, points = grid_points(camera)
    error = np.linalg.norm(kalibr_formula(tmp_path / "cam.yaml", points) - px, axis=1)
    text = (tmp_path / "cam.yaml").read_text()
    if camera is RADTAN_K3:
        assert not report.exact
        assert f"{report.max_px:.4f} px at most" in text
        assert "no k3" in text
        assert error.max() == pytest.approx(report.max_px, rel=0.1)
        assert np.sqrt((error**2).mean()) == pytest.approx(report.rms_px, rel=0.3)
        dropped = Camera(camera.model, [*camera.params[:8], 0.0], 346, 260).project(points)
        assert report.max_px < 0.3 * np.nanmax(np.linalg.norm(dropped - px, axis=1))
    else:
        assert report.exact
        assert report.max_px == 0
        assert error.max() < 1e-9
        assert "#" not in text


def test_closest_fit_that_does_not_reach_the_corners_states_what_the_file_makes_of_them(tmp_path):
    k = (-0.56, -0.06, 0.0, 0.0, 0.18)
    camera = Camera("pinhole-radtan", [231.0, 231.0, 172.5, 129.5, *k], 346, 260)
    report = camera.export(tmp_path / "cam.yaml", "kalibr")
    px, points = grid_points(camera)
    seen = np.isfinite(points).all(-1)
    fit = Camera.load(tmp_path / "cam.yaml")
    assert np.isnan(fit.project(points[seen])).any()
    error = np.linalg.norm(kalibr_formula(tmp_path / "cam.yaml", points[seen]) - px[seen], axis=1)
    assert error.max() == pytest.approx(report.max_px, rel=0.1)


@each_camera
def test_opencv_file_projects_the_same_points(camera, tmp_path):
    path = tmp_path / "cam.yaml"
    assert camera.export(path, "opencv").exact
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_READ)
    matrix, d = storage.getNode("camera_matrix").mat(), storage.getNode("distortion_coefficients").mat()
    assert storage.getNode("image_width").real() == 346
    storage.release()
    px, points = grid_points(camera)
    assert opencv_formula(matrix, d, points, camera is FISHEYE) == pytest.approx(px, abs=1e-8)


@each_camera
def test_ros_file_projects_the_same_points(camera, tmp_path):
    path = tmp_path / "cam.yaml"
    assert camera.export(path, "ros").exact
    info = yaml.safe_load(path.read_text())
    assert info["distortion_model"] == ("equidistant" if camera is FISHEYE else "plumb_bob")
    arrays = {name: np.array(info[name]["data"]).reshape(info[name]["rows"], info[name]["cols"])
              for name in ("camera_matrix", "distortion_coefficients", "rectification_matrix", "projection_matrix")}
    assert np.array_equal(arrays["rectification_matrix"], np.eye(3))
    assert arrays["projection_matrix"].shape == (3, 4)
    px, points = grid_points(camera)
    theirs = opencv_formula(arrays["camera_matrix"], arrays["distortion_coefficients"], points, camera is FISHEYE)
    assert theirs == pytest.approx(px, abs=1e-8)


@each_camera
@pytest.mark.parametrize("format", ["json", "kalibr", "ros", "opencv"])
def test_written_cameras_are_read_back(camera, format, tmp_path):
    path = tmp_path / "camera.txt"  # the content tells the format, not the name
    exact = camera.save(path) is None if format == "json" else camera.export(path, format).exact
    back = Camera.load(path)
    assert (back.model, back.width, back.height) == (camera.model, 346, 260)
    assert exact == np.array_equal(back.params, camera.params)


def test_files_of_opencv_itself_are_read(tmp_path):
    path = str(tmp_path / "cv.yml")
    storage = cv2.FileStorage(path, cv2.FILE_STORAGE_WRITE)
    storage.write("image_width", 346)
    storage.write("image_height", 260)
    storage.write("camera_matrix", RADTAN.K)
    storage.write("distortion_coefficients", RADTAN_K3.distortion.reshape(5, 1))
    storage.release()
    assert Camera.load(path).params == pytest.approx(RADTAN_K3.params, abs=1e-12)


def test_plain_text_needs_the_sensor_size(tmp_path):
    path = tmp_path / "calib.txt"
    path.write_text("250 251 172 130 -0.37 0.2 0.001 -0.0005 -0.05\n")
    assert np.array_equal(Camera.load(path, width=346, height=260).params, RADTAN_K3.params)
    with pytest.raises(InputError, match="give width and height"):
        Camera.load(path)


def test_camera_is_read_from_a_calibration(tmp_path):
    path = tmp_path / "cal.json"
    path.write_text(json.dumps({"format": "evcam calibration 1", "camera": RADTAN.to_dict(), "views": []}))
    assert np.array_equal(Camera.load(path).params, RADTAN.params)


@pytest.mark.parametrize(("content", "error", "says"), [
    (b"", FormatError, "nothing"),
    (b"\xff\xfe\x00", FormatError, "not text"),
    (b"{\"model\": ", FormatError, "neither JSON nor YAML"),
    (b"{hello: 1}", FormatError, "not a camera file that evcam knows"),
    (b"hello: 1", FormatError, "not a camera file that evcam knows"),
    (b"1 2 3", FormatError, "3 numbers"),
    (b"just words", FormatError, "no 'key: value' lines"),
    (b"cam0: {camera_model: omni, distortion_model: radtan}", FormatError, "omni"),
    (b"cam0: {camera_model: pinhole}", FormatError, "missing"),
    (b"{camera_matrix: [1,0,0,0,1,0,0,0,1], distortion_model: rational_polynomial, distortion_coefficients: [0]}",
     FormatError, "neither JSON|rational_polynomial"),
    (b"{\"model\": \"pinhole-radtan\", \"params\": {\"fx\": 1}}", FormatError, "has the parameters"),
])
def test_broken_files_get_one_clear_line(content, error, says, tmp_path):
    path = tmp_path / "camera.yaml"
    path.write_bytes(content)
    with pytest.raises(error, match=says) as caught:
        Camera.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_plain_numbers_that_are_no_camera_name_their_file(tmp_path):
    path = tmp_path / "calib.txt"
    path.write_text("nan 300 120 90 0 0 0 0 0")
    with pytest.raises(FormatError, match=r"calib\.txt.*finite"):
        Camera.load(path, width=240, height=180)


def test_missing_contradicting_and_existing_files(tmp_path):
    with pytest.raises(InputError, match="no such camera file"):
        Camera.load(tmp_path / "none.json")
    with pytest.raises(InputError, match="is a folder"):
        Camera.load(tmp_path)
    path = tmp_path / "camera.json"
    RADTAN.save(path)
    with pytest.raises(InputError, match="346x260 sensor, not 640x480"):
        Camera.load(path, width=640, height=480)
    with pytest.raises(InputError, match="346x260 sensor, not 640x260"):
        Camera.load(path, width=640)
    with pytest.raises(OutputExistsError):
        RADTAN.save(path)
    with pytest.raises(OutputExistsError):
        RADTAN.export(path, "ros")
    with pytest.raises(InputError, match="kalibr, ros, opencv"):
        RADTAN.export(tmp_path / "x", "colmap")
    FISHEYE.save(path, force=True)
    assert Camera.load(path).model == "pinhole-equidistant"
    assert [entry.name for entry in tmp_path.iterdir()] == ["camera.json"]


@pytest.mark.skipif("EVCAM_REFERENCE_DATA" not in os.environ, reason="EVCAM_REFERENCE_DATA is not set")
@pytest.mark.parametrize("format", ["kalibr", "ros", "opencv"])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_scoring_script_reads_every_export(format, tmp_path):
    script = Path(os.environ["EVCAM_REFERENCE_DATA"]) / "score" / "score_intrinsics.py"
    spec = importlib.util.spec_from_file_location("score_intrinsics", script)
    score = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(score)
    for camera, model in ((RADTAN, "radtan"), (FISHEYE, "equidistant")):
        camera.export(tmp_path / "cam.yaml", format, force=True)
        values, found = score.read_camera(str(tmp_path / "cam.yaml"))
        assert found == model
        assert values[:2] == [346, 260]
        assert values[2:10] == pytest.approx(camera.params[:8])
