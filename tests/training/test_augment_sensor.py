"""Pixels that neither date shows, and the looks of other sensors."""

import numpy as np
import pytest

from training.augment import hidden_for, joint_fill, sensor_look, speaks_of_colour
from training.augment.nodata import BLIND_SHARE, KEPT_CHANGE, random_hidden
from training.augment.symmetry import any_symmetry, apply_symmetry


def _pair(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (2, 3, 64, 64), dtype=np.uint8)


def test_what_is_hidden_has_every_shape_and_stays_within_its_share():
    rng = np.random.default_rng(0)
    shares = [random_hidden(64, rng, 0.5).mean() for _ in range(200)]
    assert max(shares) < 0.6
    assert np.median(shares) > 0.1


def test_most_of_a_known_change_stays_in_sight():
    rng, mask = np.random.default_rng(0), np.zeros((64, 64), np.uint8)
    mask[10:20, 40:60] = 1
    found = [hidden for _ in range(60) if (hidden := hidden_for(1.0, mask, 64, rng)) is not None]
    assert len(found) > 30
    assert all(mask[~hidden].sum() >= KEPT_CHANGE * mask.sum() for hidden in found)


def test_little_is_hidden_where_the_change_is_not_known():
    rng = np.random.default_rng(0)
    assert max(hidden_for(1.0, None, 64, rng).mean() for _ in range(100)) < BLIND_SHARE + 0.1


def test_both_dates_show_one_colour_where_they_are_hidden():
    before, after = _pair()
    hidden = np.zeros((64, 64), bool)
    hidden[:, :20] = True
    for seed in range(8):
        filled = joint_fill(before, after, hidden, np.random.default_rng(seed))
        assert np.array_equal(filled[0][:, hidden], filled[1][:, hidden])
        assert (np.ptp(filled[0][:, hidden], axis=1) == 0).all()
        assert np.array_equal(filled[1][:, ~hidden], after[:, ~hidden])


def test_a_tile_that_is_hidden_altogether_can_be_filled():
    filled = joint_fill(*_pair(), np.ones((64, 64), bool), np.random.default_rng(0))
    assert np.array_equal(*filled)


def test_sensors_look_alike_on_both_dates_or_say_that_colours_are_gone():
    before, _ = _pair()
    told = set()
    for seed in range(300):
        b, a, coloured = sensor_look(before, before, np.random.default_rng(seed))
        told.add(coloured)
        assert b.dtype == np.uint8 and b.shape == before.shape
        if not coloured and not np.array_equal(b, a):  # one date alone is grey
            assert min(np.ptp(b, axis=0).max(), np.ptp(a, axis=0).max()) == 0
    assert told == {True, False}


@pytest.mark.parametrize(
    ("caption", "coloured"), [("a blue-roofed shed appears", True), ("a grey roof", True), ("a house is built on the left", False)]
)
def test_captions_that_speak_of_colours(caption, coloured):
    assert speaks_of_colour(tuple(caption.split())) is coloured


def test_any_symmetry_is_drawn_and_keeps_the_captions_that_it_can_rewrite():
    captions = (("a", "house", "is", "built"), ("a", "house", "appears", "under", "the", "road"))
    image, seen, kept = np.arange(16).reshape(1, 4, 4), set(), set()
    for seed in range(80):
        *symmetry, rewritten = any_symmetry(captions, np.random.default_rng(seed))
        seen.add(apply_symmetry(image, *symmetry).tobytes())
        kept.add(len(rewritten))
        assert rewritten[0] == captions[0]
    assert len(seen) == 8
    assert kept == {1, 2}
