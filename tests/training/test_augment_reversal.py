"""Sentences turned round with the dates: what is said of A then B is true of B then A."""

import json

import numpy as np
import pytest

from engine.words.text import is_well_formed
from training.augment import reverse_caption, reverse_captions, reverse_classes


@pytest.mark.parametrize(
    ("caption", "reversed_caption"),
    [
        ("some houses are built along the road", "some houses along the road are removed"),
        ("a large building appears in the upper left corner", "a large building in the upper left corner disappears"),
        ("many houses have been built on both sides of the road", "many houses on both sides of the road have been removed"),
        ("a house shows up next to the road on the right", "a house next to the road on the right disappears"),
        ("some houses are built on the bareland", "some houses are replaced by bareland"),
        ("two houses appear on the meadow in the lower left", "two houses in the lower left are replaced by a meadow"),
        ("the old houses at the top are demolished", "some houses are built at the top"),
        ("the orange building disappears", "an orange building appears"),
        ("the trees along the road are cut down", "some trees appear along the road"),
        ("the vegetation in the middle disappears", "vegetation appears in the middle"),
        ("the trees on the left are replaced by houses", "the houses on the left are replaced by trees"),
        ("the forest is replaced by new houses and roads", "the houses and the roads are replaced by a forest"),
        ("a house replaces the trees in the middle", "some trees replace the house in the middle"),
        ("the meadow turns into a parking lot", "the parking lot turns into a meadow"),
        ("the bareland becomes farmland", "the farmland becomes bareland"),
        ("some trees are removed and a house is built on the left", "a house on the left is removed and some trees appear"),
        ("more trees grow along the road", "some trees along the road are removed"),
        ("two rows of villas with pools are built in the upper left", "two rows of villas with pools in the upper left are removed"),
        ("the scene is the same as before", "the scene is the same as before"),
    ],
)
def test_true_reversals_in_good_english(caption, reversed_caption):
    assert " ".join(reverse_caption(tuple(caption.split())) or ()) == reversed_caption


@pytest.mark.parametrize(
    "caption",
    [
        "the road is widened",  # no word for it
        "a wide road replaces it",  # whom the pronoun means changes with the clauses' order
        "the old road is replaced by a new road",  # told apart by words that do not hold the other way
        "old buildings are replaced by a new building",
        "some houses are built near the original houses",
        "the old house is demolished and a new house is built",
        "many houses are built in the forest",  # of a settlement the forest may be gone
        "the land on the left is cleared",  # the land stays
        "some houses are built on the left and a road at the top",  # half a clause
        "the trees are removed and houses zzz",
        "the houses on the left are completed",
        "most of the trees are removed",
        "",
    ],
)
def test_what_is_not_understood_to_the_last_word_is_left(caption):
    assert reverse_caption(tuple(caption.split())) is None


def test_only_what_can_be_turned_is_kept():
    captions = (("a", "house", "is", "built"), ("the", "road", "is", "widened"))
    assert reverse_captions(captions) == (("a", "house", "is", "removed"),)


def test_added_and_removed_change_places():
    classes = np.arange(21).reshape(3, 7)
    assert np.array_equal(reverse_classes(classes), classes[[1, 0, 2]])
    assert np.array_equal(reverse_classes(reverse_classes(classes)), classes)


ADDED, REMOVED = {"built", "constructed", "added", "erected", "planted", "appear", "appears", "up", "grow", "grows"}, {"removed", "demolished"}
REMOVED |= {"dismantled", "cleared", "cut", "torn", "disappear", "disappears", "gone"}


def test_training_captions_stay_in_the_vocabulary_and_verbs_change_sides(shared_data):
    images = [row for name in ("levir_cc", "pairs") for row in json.loads((shared_data / name / "pairs.json").read_text())["images"]]
    captions = [tuple(s["tokens"]) for row in images if row["split"] == "train" and row.get("changeflag") for s in row["sentences"]]
    vocabulary = {word for caption in captions for word in caption}
    turned = {caption: reversed_caption for caption in set(captions) if (reversed_caption := reverse_caption(caption)) is not None}
    assert sum(caption in turned for caption in captions) > 0.4 * len(captions)
    for caption, reversed_caption in turned.items():
        assert set(reversed_caption) <= vocabulary
        assert is_well_formed(" ".join(reversed_caption)), reversed_caption
        old, new = (("replaced" in c or "replace" in c or "replaces" in c) for c in (caption, reversed_caption))
        if not old and not new:
            assert bool(set(caption) & ADDED) == bool(set(reversed_caption) & REMOVED), (caption, reversed_caption)
            assert bool(set(caption) & REMOVED) == bool(set(reversed_caption) & ADDED), (caption, reversed_caption)


def test_turned_twice_says_the_same_of_the_same_thing(shared_data):
    """What is understood again when turned back names the same things and places."""
    images = json.loads((shared_data / "levir_cc" / "pairs.json").read_text())["images"]
    captions = {tuple(s["tokens"]) for row in images if row["split"] == "train" and row["changeflag"] for s in row["sentences"]}
    light = {"the", "a", "an", "some", "more", "another", "new", "newly", "old", "original", "existing", "former", "is", "are", "has", "have", "been"}
    light |= (
        ADDED
        | REMOVED
        | {"show", "shows", "removed", "down", "and", "on", "in", "by", "replaced", "replace", "replaces", "turn", "turns", "become", "becomes"}
    )
    checked = 0
    for caption in captions:
        once = reverse_caption(caption)
        twice = reverse_caption(once) if once is not None else None
        if twice is not None:
            assert sorted(set(caption) - light) == sorted(set(twice) - light), (caption, once, twice)
            checked += 1
    assert checked > 0.8 * sum(reverse_caption(caption) is not None for caption in captions)
