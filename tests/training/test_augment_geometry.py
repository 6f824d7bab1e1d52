"""Misregistration and zoom leave flag, mask and captions true."""

import numpy as np
import pytest

from training.augment import misregister, shift, zoom
from training.augment.geometry import similarity


def _marks(size=256, marks=((60, 60), (60, 200), (200, 128))):
    image = np.zeros((3, size, size), np.uint8)
    for row, col in marks:
        image[:, row - 3 : row + 4, col - 3 : col + 4] = 255
    return image


def _centres(image, marks=((60, 60), (60, 200), (200, 128))):
    """Centre of gravity of each mark, searched 16 px around its place."""
    found = []
    for row, col in marks:
        window = image[0, row - 16 : row + 17, col - 16 : col + 17].astype(float)
        rows, cols = np.mgrid[row - 16 : row + 17, col - 16 : col + 17]
        found.append(((rows * window).sum() / window.sum(), (cols * window).sum() / window.sum()))
    return np.array(found)


def test_nothing_moves_further_than_shift_turn_and_scale_allow():
    rng, image = np.random.default_rng(0), _marks()
    still = _centres(image)
    moved = np.array([_centres(misregister(image, rng)) - still for _ in range(60)])
    # 4 px by shift; at 120 px from the centre 1° is 2.1 px and 1 % is 1.2 px
    assert np.abs(moved).max() < 4 + 2.1 + 1.2
    assert np.abs(moved).max() > 3
    assert (np.abs(moved - moved.round()) > 0.2).any()  # parts of a pixel too


def test_similarity_moves_by_the_pixels_asked_for():
    image = _marks()
    assert np.allclose(_centres(similarity(image, 0.0, 1.0, 2.5, -1.25)) - _centres(image), (2.5, -1.25), atol=0.05)
    assert np.array_equal(similarity(image, 0.0, 1.0, 0.0, 0.0), image)
    assert np.abs(similarity(image, 0.0, 1.0, 3.0, -2.0).astype(int) - shift(image, 3, -2)).max() <= 1


def test_similarity_turns_and_scales_about_the_centre():
    image = _marks(marks=((128, 200),))
    (row, col) = _centres(similarity(image, np.pi / 180, 1.01, 0, 0), marks=((128, 200),))[0]
    radius, turn = np.hypot(row - 127.5, col - 127.5), np.degrees(np.arctan2(row - 127.5, col - 127.5))
    assert radius == pytest.approx(np.hypot(0.5, 72.5) * 1.01, abs=0.15)
    assert abs(turn - np.degrees(np.arctan2(0.5, 72.5))) == pytest.approx(1.0, abs=0.1)


def test_a_mask_that_stays_still_covers_the_moved_change():
    rng = np.random.default_rng(1)
    before = np.full((3, 256, 256), 90, np.uint8)
    after, mask = before.copy(), np.zeros((256, 256), bool)
    after[:, 100:160, 80:140] = 220
    mask[100:160, 80:140] = True
    for _ in range(30):
        changed = np.abs(misregister(after, rng)[0].astype(int) - before[0]) > 60
        assert (changed & mask).sum() / (changed | mask).sum() > 0.75


def _pair_with_change():
    before = np.full((3, 256, 256), 90, np.uint8)
    after, mask = before.copy(), np.zeros((256, 256), np.uint8)
    after[:, 10:60, 10:60] = 220
    mask[10:60, 10:60] = 1
    return before, after, mask


def test_zoom_keeps_the_mask_on_the_change_and_knows_what_it_knows():
    rng, known = np.random.default_rng(2), []
    for _ in range(60):
        before, after, mask, changed, hold = zoom(*_pair_with_change(), True, rng)
        seen = np.abs(after[0].astype(int) - before[0]) > 65
        assert not hold and before.shape == after.shape == (3, 256, 256)
        if mask.sum() > 1000:
            assert (seen & (mask == 1)).sum() / (seen | (mask == 1)).sum() > 0.9
        assert changed is (True if mask.mean() > 0.005 else None)
        known.append(changed)
    assert None in known and True in known


def test_zoom_of_an_unchanged_pair_stays_unchanged_and_captioned():
    before, _, mask = _pair_with_change()
    *_, none, changed, hold = zoom(before, before, None, False, np.random.default_rng(0))
    assert none is None and changed is False and hold
    assert zoom(before, before, mask * 0, None, np.random.default_rng(0))[3:] == (None, False)
