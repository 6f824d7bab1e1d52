"""Each symmetry of the images rewrites the caption so that it still says where the thing is."""

import itertools
import json

import numpy as np
import pytest

from training.augment import apply_symmetry, has_place_words, random_symmetry, symmetric_caption

SYMMETRIES = list(itertools.product((False, True), repeat=3))
# (row, col) of a mark in a 3×3 tile and the phrases that say so.
PLACES = {
    (0, 0): {"in the upper left corner", "in the top left corner", "at the upper-left", "in the top left"},
    (0, 2): {"in the upper right corner", "in the top right corner", "at the upper-right", "in the top right"},
    (2, 0): {"in the lower left corner", "in the bottom left corner", "at the lower-left", "in the bottom left"},
    (2, 2): {"in the lower right corner", "in the bottom right corner", "at the lower-right", "in the bottom right"},
    (0, 1): {"at the top", "at the top of the scene", "in the upper part", "above the road", "in the upper middle", "on the top side", "above it"},
    (2, 1): {"at the bottom", "at the bottom of the scene", "in the lower part", "below the road", "in the lower middle", "on the bottom side"},
    (1, 0): {"on the left", "on the left of the scene", "in the left part", "on the left of the road", "in the middle left", "on the left side"},
    (1, 2): {
        "on the right",
        "on the right of the scene",
        "in the right part",
        "on the right of the road",
        "in the middle right",
        "on the right side",
    },
    (1, 1): {"in the middle", "along the diagonal road", "across the forest"},
}
PLACES[2, 1] |= {"below it"}
PLACES[1, 0] |= {"on the left of it", "to the west of the road"}
PLACES[1, 2] |= {"on the right of it", "to the east of the road"}
PLACES[0, 1] |= {"to the north of the road"}
PLACES[2, 1] |= {"to the south of the road"}


@pytest.mark.parametrize("symmetry", SYMMETRIES)
@pytest.mark.parametrize("place", PLACES)
def test_caption_names_where_the_mark_went(symmetry, place):
    tile = np.zeros((3, 3), np.uint8)
    tile[place] = 1
    moved = tuple(int(i) for i in np.argwhere(apply_symmetry(tile, *symmetry))[0])
    for phrase in PLACES[place]:
        caption = ("a", "house", "is", "built", *phrase.split())
        rewritten = symmetric_caption(caption, *symmetry)
        assert rewritten is not None, phrase
        assert " ".join(rewritten[4:]) in PLACES[moved], (phrase, rewritten)


@pytest.mark.parametrize(
    ("caption", "transposed"),
    [
        ("the fields on the left of the village turn into houses", "the fields at the top of the village turn into houses"),
        ("the field to the right of the houses is cleared", "the field below the houses is cleared"),
        ("the road runs from the upper left to the lower right", "the road runs from the upper left to the lower right"),
        ("a road runs from top to bottom", "a road runs from left to right"),
        ("houses appear at the top right and bottom left corners", "houses appear at the bottom left and top right corners"),
        ("the houses on the left and right are rebuilt", "the houses at the top and bottom are rebuilt"),
        ("a column of villas shows up beside the vertical road", "a row of villas shows up beside the horizontal road"),
        ("two rows of houses appear", "two rows of houses appear"),
        ("the wasteland above becomes a pool", "the wasteland on the left becomes a pool"),
        ("a house is built on its left", "a house is built above it"),
        ("the village extends downward", "the village extends to the right"),
        ("the trees are removed and bare soil is left on the left", "the trees are removed and bare soil is left at the top"),
        ("a road at a right angle is built at the bottom", "a road at a right angle is built on the right"),
        ("the trees are cut down at the top", "the trees are cut down on the left"),
        ("a building is under construction at the left edge", "a building is under construction at the top edge"),
        ("villas are built at top of the scene", "villas are built on the left of the scene"),
    ],
)
def test_transposition_in_good_english(caption, transposed):
    assert " ".join(symmetric_caption(tuple(caption.split()), True, False, False)) == transposed


@pytest.mark.parametrize(
    "caption",
    [
        "two vertical roads and houses appear",  # LEVIR-CC's word for perpendicular
        "houses appear in the lower left and right",  # a corner and a side, or two corners
        "houses appear in the left and lower-right corner",
        "new buildings appear both above and below the road",
        "a bridge is built above the highway",  # higher, or further up the image
        "houses are built in front of the forest",
    ],
)
def test_no_caption_where_none_is_sure(caption):
    assert symmetric_caption(tuple(caption.split()), True, False, False) is None


@pytest.mark.parametrize("caption", ["houses appear behind the trees", "a path appears under it", "a road runs down from the top"])
def test_words_that_need_the_top_forbid_top_bottom_and_turns(caption):
    allowed = [s for s in SYMMETRIES if symmetric_caption(tuple(caption.split()), *s) is not None]
    assert allowed == [(False, False, False), (False, True, False)]


def test_higher_is_a_place_only_beside_a_side():
    assert symmetric_caption(("the", "higher", "left", "corner"), False, True, True) == ("the", "lower", "right", "corner")
    assert symmetric_caption(("higher", "buildings"), True, True, True) == ("higher", "buildings")


def test_random_symmetry_reaches_all_eight_and_keeps_every_caption():
    rng, seen = np.random.default_rng(0), set()
    captions = (("a", "house", "on", "the", "left"), ("a", "house", "is", "built"))
    for _ in range(200):
        *symmetry, rewritten = random_symmetry(captions, rng)
        seen.add(tuple(symmetry))
        assert rewritten == tuple(symmetric_caption(c, *symmetry) for c in captions)
    assert seen == set(SYMMETRIES)


def test_place_words():
    assert has_place_words(("a", "house", "on", "the", "left"))
    assert has_place_words(("a", "house", "in", "the", "corner"))
    assert not has_place_words(("only", "grass", "is", "left"))
    assert not has_place_words(("the", "trees", "are", "cut", "down"))


def test_training_captions_make_no_new_words_and_few_are_refused(shared_data):
    images = [row for name in ("levir_cc", "pairs") for row in json.loads((shared_data / name / "pairs.json").read_text())["images"]]
    captions = [tuple(s["tokens"]) for row in images if row["split"] == "train" for s in row.get("sentences", ())]
    words = {word for caption in captions for word in caption}
    for symmetry in SYMMETRIES:
        rewritten = [symmetric_caption(caption, *symmetry) for caption in captions]
        assert sum(r is None for r in rewritten) < 0.02 * len(captions)
        assert {word for r in rewritten if r is not None for word in r} <= words
