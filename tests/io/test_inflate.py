from concurrent.futures import ThreadPoolExecutor

import lz4.frame
import numpy as np
import pytest

from evcam.io.formats._inflate import inflate


def frames(count):
    """Bytes, and the frames that they are packed into."""
    rng = np.random.default_rng(0)
    return [(data, lz4.frame.compress(data)) for data in (rng.integers(0, 9, n, np.uint8).tobytes()
                                                          for n in rng.integers(0, 300_000, count))]


def test_threads_inflate_side_by_side():
    with ThreadPoolExecutor(8) as pool:
        for data, inflated in pool.map(lambda pair: (pair[0], inflate("lz4", pair[1])), frames(64)):
            assert inflated == data


@pytest.mark.parametrize("spoil", [lambda packed: packed[:-1], lambda packed: packed[:9] + b"\xff" + packed[10:],
                                   lambda packed: b"no frame at all", lambda packed: b""])
def test_a_refused_frame_leaves_nothing_behind(spoil):
    (data, packed), = frames(1)
    with pytest.raises(ValueError, match="lz4 data"):
        inflate("lz4", spoil(packed))
    assert inflate("lz4", packed) == data


def test_no_more_than_the_limit_is_made_room_for():
    packed = lz4.frame.compress(bytes(50_000_000))
    with pytest.raises(ValueError, match="hold more than the 1000000 bytes that they may"):
        inflate("lz4", packed, 1_000_000)
    assert len(inflate("lz4", packed)) == 50_000_000
