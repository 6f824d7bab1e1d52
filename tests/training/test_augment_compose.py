"""Composites: what moved is the change, its mask follows it, its captions are those that hold in the new place."""

import itertools
import json

import numpy as np
import pytest

from engine.words.text import is_well_formed
from training.augment import composite, moves_whole, rerender, unchanged_composite
from training.augment.moved import moved_captions, place_words


def _scene(seed, level=100):
    rng = np.random.default_rng(seed)
    return np.clip(level + rng.normal(0, 6, (3, 256, 256)), 0, 255).astype(np.uint8)


def _host():
    return _scene(1, 120), _scene(2, 90)


def _donor(rows=slice(100, 150), cols=slice(60, 120)):
    before, after, mask = _scene(3), _scene(4), np.zeros((256, 256), np.uint8)
    after[:, rows, cols] = 210
    mask[rows, cols] = 1
    return (before, after), mask


HOUSE = (("a", "house", "is", "built", "on", "the", "left"),)


def test_only_the_window_changes_and_the_change_is_where_the_mask_is():
    host, (donor, mask) = _host(), _donor()
    made = composite(host, donor, mask, HOUSE, np.random.default_rng(0))
    assert made is not None and made.mask.sum() == mask.sum()
    rows, cols = np.flatnonzero(made.mask.any(1)), np.flatnonzero(made.mask.any(0))
    window = np.zeros((256, 256), bool)
    window[rows[0] - 12 : rows[-1] + 13, cols[0] - 12 : cols[-1] + 13] = True
    for new, old in zip((made.before, made.after), host, strict=True):
        assert np.array_equal(new[:, ~window], old[:, ~window])
    contrast = np.abs(made.after.astype(float) - host[1]).mean(0)
    assert contrast[made.mask == 1].min() > 40
    assert np.abs(made.before.astype(float).mean((1, 2)) - host[0].mean((1, 2))).max() < 3  # the before has no building and no box


def test_the_window_has_the_hosts_colours_and_no_edge():
    host, (donor, mask) = _host(), _donor()
    made = composite(host, donor, mask, (), np.random.default_rng(0))
    rows, cols = np.flatnonzero(made.mask.any(1)), np.flatnonzero(made.mask.any(0))
    ring = made.after[:, rows[0] - 12 : rows[0] - 2, cols[0] : cols[-1]].astype(float)
    assert abs(ring.mean() - host[1].mean()) < 4


def test_captions_lose_their_old_place_and_may_get_the_new_one():
    host, (donor, mask) = _host(), _donor()
    seen = set()
    for seed in range(60):
        made = composite(host, donor, mask, HOUSE, np.random.default_rng(seed))
        (words,) = made.captions
        assert words[:4] == ("a", "house", "is", "built")
        row, col = np.argwhere(made.mask).mean(0)
        for word, true in (("left", col < 128), ("right", col > 128), ("top", row < 128), ("upper", row < 128), ("bottom", row > 128)):
            assert word not in words or true
        seen.add(words[4:])
    assert () in seen and len(seen) > 5


@pytest.mark.parametrize("cut", [(slice(0, 40), slice(60, 120)), (slice(20, 230), slice(60, 120))])
def test_part_of_a_change_brings_no_caption(cut):
    donor, mask = _donor(*cut)
    assert not moves_whole(mask)
    made = composite(_host(), donor, mask, HOUSE, np.random.default_rng(0))
    assert made.captions == () and 150 <= made.mask.sum() <= mask.sum()


def test_no_change_or_far_colours_make_no_composite():
    host, (donor, mask) = _host(), _donor()
    rng = np.random.default_rng(0)
    assert composite(host, donor, mask * 0, (), rng) is None
    assert unchanged_composite(host, donor, mask * 0, rng) is None
    assert composite((_scene(1, 240), _scene(2, 10)), donor, mask, (), rng) is None


def test_unchanged_composites_hold_the_same_window_twice():
    (donor, mask), host = _donor(), (_scene(1), _scene(1))
    for seed in range(6):
        before, after = unchanged_composite(host, donor, mask, np.random.default_rng(seed))
        assert np.array_equal(before, after)  # one host date twice, one window: no difference at all
        assert not np.array_equal(before, host[0])


def test_rerendered_pairs_show_one_scene():
    before, after = (_scene(seed) for seed in (1, 2))
    before[:, 20:60, 20:60] = 220  # in one date only
    firsts = set()
    for seed in range(40):
        first, second = rerender(before, after, True, np.random.default_rng(seed))
        marks = [bool(image[0, 30:50, 30:50].mean() > 180) for image in (first, second)]
        assert marks[0] == marks[1]
        firsts.add(marks[0])
    assert firsts == {False, True}
    orders = {
        tuple(bool(image[0, 30:50, 30:50].mean() > 180) for image in rerender(before, after, False, np.random.default_rng(seed)))
        for seed in range(40)
    }
    assert orders == set(itertools.product((False, True), repeat=2))  # of a pair known to be unchanged also both dates, in either order


def _told(caption):
    rng = np.random.default_rng(0)
    captions = {" ".join(words) for _ in range(8) for words in moved_captions((tuple(caption.split()),), np.ones((9, 9), np.uint8), rng)}
    return captions or None


@pytest.mark.parametrize(
    ("caption", "told"),
    [
        ("some trees are removed and a house is built on the left", {"a house is built"}),
        ("several buildings are built on the bareland along the road", {"several buildings are built on the bareland"}),
        ("the houses in the upper right are demolished", {"some houses are demolished"}),
        ("the trees at the top are replaced by a villa with a pool", {"some trees are replaced by a villa with a pool"}),
        ("a house is built in the forest", {"a house is built"}),
        ("a road is built on the left", None),
        ("a house with a driveway is built", None),
        ("the trees disappear", None),
        ("the house is removed and a villa is built", None),
        ("some villas line up neatly", None),
    ],
)
def test_what_is_told_of_a_moved_building(caption, told):
    assert _told(caption) == told


def test_buildings_that_come_and_go_tell_nothing():
    captions = (("a", "house", "is", "built"), ("some", "sheds", "are", "removed"))
    assert moved_captions(captions, np.ones((9, 9), np.uint8), np.random.default_rng(0)) == ()


@pytest.mark.parametrize(
    ("row", "col", "words"),
    [(0, 0, {"upper", "top", "left"}), (0, 4, {"top"}), (4, 8, {"right"}), (8, 0, {"lower", "bottom", "left"}), (4, 4, {"middle"})],
)
def test_place_words_name_the_ninth_of_the_tile(row, col, words):
    mask = np.zeros((90, 90), np.uint8)
    mask[row * 10 : row * 10 + 10, col * 10 : col * 10 + 10] = 1
    for seed in range(8):
        assert set(place_words(mask, np.random.default_rng(seed))) - {"in", "on", "at", "the", "corner"} <= words


def test_a_wide_change_has_no_one_place():
    mask = np.zeros((90, 90), np.uint8)
    mask[10:80, 10:20] = 1
    assert place_words(mask, np.random.default_rng(0)) == ()


def test_moved_training_captions_are_well_formed(shared_data):
    images = [row for name in ("levir_cc", "pairs") for row in json.loads((shared_data / name / "pairs.json").read_text())["images"]]
    captions = [tuple(s["tokens"]) for row in images if row["split"] == "train" and row.get("changeflag") for s in row["sentences"]]
    vocabulary, mask = {word for caption in captions for word in caption}, np.zeros((90, 90), np.uint8)
    mask[:20, :20] = 1
    rng = np.random.default_rng(0)
    moved = [words for caption in captions for words in moved_captions((caption,), mask, rng)]
    assert len(moved) > 0.2 * len(captions)
    for words in moved:
        assert is_well_formed(" ".join(words)) and set(words) <= vocabulary
        assert not {"right", "lower", "bottom", "road", "roads", "it"} & set(words)
