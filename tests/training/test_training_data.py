"""Joining by name, splits by place, augmentation that keeps captions true."""

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engine.contract.errors import InputError
from engine.contract.tiles import CLASSES
from engine.words.text import Vocabulary
from training.augment import apply_symmetry, mirror_words, photometric, random_symmetry, shift
from training.datasets import captioned, load_rows, read_pair, training_rows
from training.shared.batches import AugmentOptions, PairStore, augmented, batches, class_targets, epoch_order, style_of

BUILDING, VEGETATION = CLASSES.index("building"), CLASSES.index("vegetation")


def test_rows_carry_labels_of_their_own_pair(small_data):
    rows = {row.name: row for row in load_rows(small_data)}
    changed, unchanged = rows["msh_1.webp"], rows["msh_0.webp"]
    assert (changed.changed, unchanged.changed) == (1, 0)
    assert changed.delta[0, BUILDING] == 1
    assert changed.delta[1, VEGETATION] == 1
    assert changed.delta.sum() == 2
    assert unchanged.delta.sum() == 0
    assert rows["val_000001.webp"].delta is None  # a changed LEVIR-CC pair names no classes
    before, after, mask = read_pair(changed)
    assert np.array_equal((before != after).any(0), mask.astype(bool))


def test_a_missing_partner_is_an_error_not_a_shift(small_data, tmp_path):
    root = tmp_path / "data"
    shutil.copytree(small_data, root)
    (root / "pairs" / "B" / "msh_2.webp").unlink()
    with pytest.raises(InputError, match=r"1 files of pairs are missing, the first: .*B.msh_2\.webp"):
        load_rows(root)


def test_evaluation_rows_are_not_trained_on(small_data):
    rows = load_rows(small_data)
    assert {row.split for row in training_rows(rows)} == {"train"}


def test_a_place_in_two_splits_stops_the_training(small_data, tmp_path):
    root = tmp_path / "data"
    shutil.copytree(small_data, root)
    path = root / "levir_cc" / "pairs.json"
    entries = json.loads(path.read_text())
    entries["images"][0]["place"] = entries["images"][-1]["place"]
    path.write_text(json.dumps(entries))
    with pytest.raises(InputError, match=r"places \['val_19'\] are in train and in an evaluation split"):
        training_rows(load_rows(root))


def test_shared_data_splits_keep_their_places_apart(shared_data):
    rows = load_rows(shared_data)
    train = training_rows(rows)
    assert len(captioned(rows, "test", "lcc")) == 436
    assert not {row.name for row in train} & {row.name for row in rows if row.split == "test"}


@pytest.mark.parametrize(
    ("left_right", "top_bottom", "expected"),
    [
        (True, False, "a house in the upper right corner and a road on the left"),
        (False, True, "a house in the lower left corner and a road on the right"),
        (True, True, "a house in the lower right corner and a road on the left"),
    ],
)
def test_mirrored_captions_name_the_mirrored_place(left_right, top_bottom, expected):
    tokens = tuple("a house in the upper left corner and a road on the right".split())
    assert " ".join(mirror_words(tokens, left_right, top_bottom)) == expected
    assert mirror_words(mirror_words(tokens, left_right, top_bottom), left_right, top_bottom) == tokens


def test_symmetries_move_the_pixels_where_the_words_say():
    image = np.zeros((1, 4, 4), np.uint8)
    image[0, 0, 0] = 1  # upper left
    for seed in range(40):
        captions = (("in", "the", "upper", "left", "corner"),)
        transpose, left_right, top_bottom, (words,) = random_symmetry(captions, np.random.default_rng(seed))
        row, col = np.argwhere(apply_symmetry(image, transpose, left_right, top_bottom)[0])[0]
        assert words == ("in", "the", "upper" if row == 0 else "lower", "left" if col == 0 else "right", "corner")


def test_words_without_a_mirror_forbid_it():
    for seed in range(20):
        _, _, top_bottom, _ = random_symmetry((("a", "path", "under", "the", "trees"),), np.random.default_rng(seed))
        assert not top_bottom


def test_shift_moves_by_whole_pixels():
    image = np.arange(16, dtype=np.uint8).reshape(1, 4, 4)
    moved = shift(image, 1, 0)
    assert np.array_equal(moved[0, 1:], image[0, :3])
    assert np.array_equal(moved[0, 0], image[0, 0])


def test_photometric_stays_in_range_and_keeps_edges_in_place():
    images = torch.full((4, 3, 32, 32), 60.0)
    images[:, :, :, 16:] = 190.0
    changed = photometric(images.clone(), torch.Generator().manual_seed(0))
    assert changed.min() >= 0 and changed.max() <= 255
    assert (changed[:, :, :, 18:].mean((1, 2, 3)) > changed[:, :, :, :14].mean((1, 2, 3)) + 30).all()
    assert not torch.allclose(changed[0], changed[1])


def _sample(small_data, options, name="msh_1.webp", seed=0):
    rows = [row for row in load_rows(small_data) if row.name == name]
    return augmented(PairStore(rows), 0, options, np.random.default_rng(seed))


STILL = AugmentOptions(swap=0.0, same=0.0, shift=0.0, compose=0.0)


def test_swapped_dates_swap_added_and_removed_and_keep_only_captions_turned_round(small_data):
    found = _sample(small_data, replace(STILL, swap=1.0))
    assert found.flag == 1.0
    assert found.classes[1, BUILDING] == 1 and found.classes[0, VEGETATION] == 1
    assert found.captions
    assert not any("built" in caption for caption in found.captions)


def test_one_date_twice_is_no_change(small_data):
    found = _sample(small_data, replace(STILL, same=1.0))
    red = [(image[0] == 200).sum() for image in (found.before, found.after)]  # the house: in both or in none, but for the misregistration
    assert min(red) > 0 or max(red) == 0
    assert (found.flag, found.mask.sum(), found.classes.sum(), found.captions) == (0.0, 0.0, 0.0, ())


def test_the_mask_follows_the_symmetry_and_the_words(small_data):
    for seed in range(8):
        found = _sample(small_data, STILL, seed=seed)
        changed = (found.before != found.after).any(0)
        assert np.array_equal(changed, found.mask > 0)
        row, col = np.argwhere(changed).mean(0)
        words = " ".join(" ".join(caption) for caption in found.captions)
        assert ("left" in words) == (col < min(row, 256 - row, 256 - col))


def test_a_change_pasted_into_an_unchanged_pair_makes_it_changed_where_the_mask_says(small_data):
    rows = [row for row in load_rows(small_data) if row.name in ("msh_0.webp", "msh_1.webp")]
    store = PairStore(rows)
    assert store.donors == [1]
    flags = []
    for seed in range(20):
        found = augmented(store, 0, replace(STILL, compose=1.0), np.random.default_rng(seed))
        flags.append(found.flag)
        difference = np.abs(found.before.astype(int) - found.after).max(0)
        if found.flag:
            assert np.isnan(found.classes).all()
            assert difference[found.mask > 0].mean() > 50
            assert difference[found.mask == 0].mean() < 5
        else:
            assert difference.max() == 0
    assert {*flags} == {0.0, 1.0}


def test_classes_that_nobody_noted_are_read_from_the_captions(small_data):
    row = next(row for row in load_rows(small_data) if row.source == "lcc" and row.changed)
    targets = class_targets(row)
    assert targets[0, BUILDING] == 1
    assert np.isnan(targets[1, VEGETATION])  # one caption of five says that the grass was replaced
    assert targets[0, VEGETATION] == 0
    assert np.isnan(targets[2]).all()


def test_batches_are_the_same_for_the_same_seed(small_data):
    rows = training_rows(load_rows(small_data))
    store, vocabulary = PairStore(rows), Vocabulary.build(c for row in rows for c in row.captions)
    order = epoch_order(store, 4, np.random.default_rng(0))
    first, second = (list(batches(store, order, vocabulary, 16, AugmentOptions(), seed=7)) for _ in range(2))
    assert len(first) == len(order) == 8  # 16 LEVIR-CC pairs twice, 2 others: 34 pairs in batches of 4
    assert all(torch.equal(a.before, b.before) and torch.equal(a.ids, b.ids) for a, b in zip(first, second))
    assert all(int(batch.owner.max()) < 4 for batch in first if len(batch.owner))


def test_an_epoch_of_a_data_set_without_levir_ccs_pairs_shows_each_once():
    class Store:
        rows = [SimpleNamespace(source="dcc")] * 6
        __len__ = lambda self: 6  # noqa: E731

    order = np.concatenate(epoch_order(Store(), 3, np.random.default_rng(0)))
    assert sorted(order.tolist()) == list(range(6)) and order.dtype.kind == "i"


@pytest.mark.parametrize(("source", "style"), [("lcc", 0), ("dcc", 0), ("conv", 0), ("msh", 1), ("sen", 1)])
def test_models_write_as_the_published_data_sets_do(source, style):
    assert style_of(SimpleNamespace(source=source)) == style


def test_an_error_in_the_loader_reaches_the_training(small_data):
    store = PairStore(training_rows(load_rows(small_data)))
    vocabulary = Vocabulary.build(c for row in store.rows for c in row.captions)
    with pytest.raises(IndexError):
        list(batches(store, [np.array([10_000])], vocabulary, 16, AugmentOptions(), seed=1))
