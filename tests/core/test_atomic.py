import errno
import os

import pytest

from evcam.core.atomic import atomic_path, check_writable
from evcam.errors import InputError, OutputExistsError


def test_file_appears_whole_with_the_usual_permissions(tmp_path):
    path = tmp_path / "out.csv"
    old = os.umask(0o022)
    try:
        with atomic_path(path) as temporary:
            assert temporary.suffix == ".csv"
            temporary.write_text("whole")
            assert not path.exists()
    finally:
        os.umask(old)
    assert path.read_text() == "whole"
    assert path.stat().st_mode & 0o777 == 0o644
    assert os.listdir(tmp_path) == ["out.csv"]


@pytest.mark.parametrize("interruption", [RuntimeError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("before", [None, "older"])
def test_interruption_leaves_what_was_there(tmp_path, interruption, before):
    path = tmp_path / "out.csv"
    if before:
        path.write_text(before)

    def write():
        with atomic_path(path, force=True) as temporary:
            temporary.write_text("half")
            raise interruption

    with pytest.raises(interruption):
        write()
    assert os.listdir(tmp_path) == (["out.csv"] if before else [])
    assert not before or path.read_text() == before


def test_existing_file_is_replaced_only_by_force(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("older")
    with pytest.raises(OutputExistsError, match=r"out\.csv: exists already; use --force"), atomic_path(path):
        pass
    assert path.read_text() == "older"
    with atomic_path(path, force=True) as temporary:
        temporary.write_text("newer")
    assert path.read_text() == "newer"


def test_file_that_appears_meanwhile_is_kept(tmp_path):
    path = tmp_path / "out.csv"

    def write():
        with atomic_path(path) as temporary:
            temporary.write_text("ours")
            path.write_text("theirs")

    with pytest.raises(OutputExistsError, match="appeared"):
        write()
    assert path.read_text() == "theirs"
    assert os.listdir(tmp_path) == ["out.csv"]


def test_impossible_places_are_refused_at_once(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="does not exist; create it first"):
        check_writable(tmp_path / "none" / "out.csv")
    with pytest.raises(InputError, match="is a folder"):
        check_writable(tmp_path, force=True)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(InputError, match="cannot be written"):
        check_writable(tmp_path / "out.csv")


def test_a_full_disk_names_the_file_and_leaves_nothing(tmp_path):
    path = tmp_path / "out.csv"

    def write():
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match="No space left") as caught:
        write()
    assert caught.value.filename == str(path)
    assert os.listdir(tmp_path) == []


def test_a_folder_that_takes_no_files_is_named(tmp_path, monkeypatch):
    """Root may write anywhere as far as the permissions tell, and yet not, e.g., in /proc."""

    def refuse(**options):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "out-of-mkstemp")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    with pytest.raises(InputError, match=r"out\.csv: cannot be written in the folder"), atomic_path(tmp_path / "out.csv"):
        pytest.fail("there is no file to write")
    with pytest.raises(InputError, match=r"out\.csv: cannot be written in the folder"):
        check_writable(tmp_path / "out.csv")


def test_looking_whether_a_file_can_be_written_leaves_nothing(tmp_path):
    assert check_writable(tmp_path / "out.csv") == tmp_path / "out.csv"
    with pytest.raises(InputError, match="File name too long"):
        check_writable(tmp_path / f"{250 * 'a'}.csv")
    assert os.listdir(tmp_path) == []
