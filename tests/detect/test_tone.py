from dataclasses import replace

import cv2
import numpy as np
import pytest

from evcam.core.events import Events
from evcam.detect.moving.tone import ToneMap
from evcam.flow import edge_crossings


def events(*changes):
    """Changes (t in us, x, polarity, events) in row 1 of a small sensor."""
    rows = sorted((t + 100 * k, x, p) for t, x, p, n in changes for k in range(n))
    t, x, p = np.array(rows).T
    return Events.from_arrays(t, x, np.ones_like(x), p, width=8, height=5)


def crossings(*changes):
    return edge_crossings(events(*changes))


CHANGES = (10_000, 2, 0, 4), (900_000, 2, 1, 4), (10_000, 3, 1, 4), (10_000, 4, 0, 1)
EDGES = crossings(*CHANGES)


def test_before_its_first_edge_a_pixel_showed_the_opposite():
    tone = ToneMap.unknown(8, 5, min_count=2)
    tone.assume_before(events(*CHANGES))
    tone.settle(bright=True)
    assert tone.bright[1, 2:5].tolist() == [1, 0, 1]  # the single event tells nothing
    other = ToneMap.unknown(8, 5, min_count=2)
    other.assume_before(events(*CHANGES))
    other.settle(bright=False)
    assert (other.bright.sum(), other.bright[1, 2]) == (1, 1)


def test_what_is_known_is_not_assumed_again():
    tone = ToneMap.unknown(8, 5, min_count=2)
    tone.assume_before(events(*CHANGES))
    tone.assume_before(events((0, 2, 1, 4)))
    assert tone.bright[1, 2] == 1


def test_pixels_keep_the_tone_of_the_latest_edge():
    tone = ToneMap.unknown(8, 5, min_count=2)
    tone.settle(bright=True)
    tone.advance(EDGES.between(0, 500_000))
    assert tone.bright[1, 2:5].tolist() == [0, 1, 1]
    before = tone.copy()
    tone.advance(EDGES.between(500_000, 2_000_000))
    assert (tone.bright[1, 2], before.bright[1, 2]) == (1, 0)


def test_single_wrong_pixels_are_cleaned_away():
    tone = ToneMap.unknown(8, 5, min_count=2)
    tone.settle(bright=True)
    tone.advance(crossings((0, 5, 0, 4)))
    assert tone.bright.sum() == 39
    assert tone.cleaned().sum() == 40


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 2), (40, 61)])
def test_cleaning_is_the_median_of_three_by_three(shape):
    bright = (np.random.default_rng(0).random(shape) < 0.5).astype(np.uint8)
    tone = replace(ToneMap.unknown(shape[1], shape[0], min_count=2), bright=bright)
    assert np.array_equal(tone.cleaned(), cv2.medianBlur(bright, 3))
