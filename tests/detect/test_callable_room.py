"""The room `evcam.detect` is called like the function that it holds."""

import pickle

import evcam


def test_room_travels_to_other_processes():
    assert pickle.loads(pickle.dumps(evcam.detect)) is evcam.detect
