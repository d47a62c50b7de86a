import sys
import zlib
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from evcam.io.formats._hdf5_chunks import _inflater, is_plain, read_plain

pytest.importorskip("deflate", reason="chunks are left to HDF5 without the package deflate")

N, CHUNK = 1000, 64


@pytest.fixture
def file(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        yield file


def dataset(file, values, **options):
    return file.create_dataset("d", data=values, **{"chunks": (CHUNK,), "compression": "gzip", "shuffle": True, **options})


@pytest.mark.parametrize("dtype", ["u1", "i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<i8"])
@pytest.mark.parametrize("shuffle", [True, False])
def test_what_is_read_is_what_hdf5_reads(file, dtype, shuffle):
    limits = np.iinfo(dtype)
    values = np.random.default_rng(0).integers(limits.min, limits.max, N, dtype, endpoint=True)
    values[: N // 2] %= 100
    d = dataset(file, values, shuffle=shuffle)
    assert is_plain(d)
    for start, stop in ((0, N), (0, 64), (64, 192), (3, 500), (N - 5, N), (130, 131)):
        read = read_plain(d, start, stop)
        assert read.dtype == d.dtype
        assert np.array_equal(read, d[start:stop])


@pytest.mark.parametrize(("values", "options"), [
    (np.arange(N), {"chunks": None, "compression": None, "shuffle": False}),
    (np.arange(N), {"compression": None}),
    (np.arange(N), {"compression": "lzf"}),
    (np.arange(N), {"fletcher32": True}),
    (np.arange(N, dtype=">i8"), {}),
    (np.arange(N, dtype=float), {}),
    (np.arange(N) % 2 == 0, {}),
    (np.arange(N).reshape(-1, 2), {"chunks": (CHUNK, 2)}),
], ids=["in one piece", "as it is", "lzf", "checksums", "big-endian", "not whole", "truth values", "two dimensions"])
def test_everything_else_is_left_to_hdf5(file, values, options):
    assert not is_plain(dataset(file, values, **options))


def test_without_the_package_all_is_left_to_hdf5(file, monkeypatch):
    monkeypatch.setitem(sys.modules, "deflate", None)
    _inflater.cache_clear()
    try:
        assert not is_plain(dataset(file, np.arange(N)))
    finally:
        _inflater.cache_clear()


def test_chunks_that_were_never_written_are_left_to_hdf5(file):
    d = file.create_dataset("d", (N,), "i8", chunks=(CHUNK,), compression="gzip")
    d[:100] = 1
    assert not is_plain(d)


def test_damaged_chunks_are_told(file):
    d = dataset(file, np.arange(N))
    packed = d.id.read_direct_chunk((0,))[1]
    d.id.write_direct_chunk((0,), packed[:-6] + bytes(6))
    with pytest.raises(ValueError, match="cannot be inflated"):
        read_plain(d, 0, N)
    d.id.write_direct_chunk((0,), zlib.compress(bytes(10)))
    with pytest.raises(ValueError, match="the chunk at 0 holds 10 bytes instead of 512"):
        read_plain(d, 0, N)
    d.id.write_direct_chunk((0,), zlib.compress(bytes(1000)))
    with pytest.raises(ValueError, match="cannot be inflated"):
        read_plain(d, 0, N)


def test_a_chunk_that_a_filter_has_left_out_is_told():
    properties = SimpleNamespace(get_nfilters=lambda: 1, get_filter=lambda i: (1, 0, (), b""))
    low_level = SimpleNamespace(get_create_plist=lambda: properties, read_direct_chunk=lambda place: (1, b""))
    d = SimpleNamespace(chunks=(CHUNK,), dtype=np.dtype("u1"), id=low_level)
    with pytest.raises(ValueError, match="the chunk at 0 was not packed like the others"):
        read_plain(d, 0, 64)
