"""The eight symmetries of a square tile, and the words of place in its captions rewritten to match.

A symmetry is (transpose, left_right, top_bottom), applied in that order. A caption that cannot be rewritten into true, natural English is not
guessed at: the function says None and the symmetry is not used for that pair.

The word lists were made from all 903 words of the training captions; what is deliberately left alone: "up" (shows up, put up), "across", "along",
"diagonal", "parallel" (the same in all eight), "over" (a bridge over the river: height, not place in the image).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Words = tuple[str, ...]

LEFT_RIGHT = {"left": "right", "lower-left": "lower-right", "upper-left": "upper-right", "west": "east", "western": "eastern"}
LEFT_RIGHT |= {"left-hand": "right-hand", "leftmost": "rightmost", "northwest": "northeast", "southwest": "southeast"}
TOP_BOTTOM = {"top": "bottom", "upper": "lower", "above": "below", "north": "south", "northern": "southern", "upward": "downward"}
TOP_BOTTOM |= {"upper-left": "lower-left", "upper-right": "lower-right", "northwest": "southwest", "northeast": "southeast", "topmost": "bottommost"}
TRANSPOSE = {"lower-left": "upper-right", "southwest": "northeast", "column": "row", "columns": "rows", "vertical": "horizontal"}
TRANSPOSE |= {"vertically": "horizontally", "west": "north", "east": "south", "western": "northern", "eastern": "southern"}
ROWS = frozenset({"row", "rows"})  # a row may run any way, a column runs up: the exchange is one-way


def _both_ways(table: dict[str, str]) -> dict[str, str]:
    return table | {b: a for a, b in table.items()}


LEFT_RIGHT, TOP_BOTTOM = _both_ways(LEFT_RIGHT), _both_ways(TOP_BOTTOM)
TRANSPOSE = {word: other for word, other in _both_ways(TRANSPOSE).items() if word not in ROWS}

HORIZONTAL = frozenset({"left", "right"})
VERTICAL = frozenset({"top", "bottom", "upper", "lower"})
BE = frozenset({"is", "are", "was", "were", "been", "being", "be"})
# "on the left side": the word before one of these is an adjective, otherwise a noun ("on the left").
EDGES = frozenset({"side", "sides", "edge", "edges", "corner", "corners", "border", "boundary"})
PARTS = frozenset({"part", "parts", "half", "end", "area", "wing", "bank", "road", "roads", "village", "pond"})
# "on the left of X": beside X where X is a thing or a line, X's own left part where X is an area.
BESIDE = frozenset({"road", "roads", "path", "paths", "highway", "railway", "river", "street", "track", "bridge", "pool", "them", "it"})
BESIDE |= {"building", "buildings", "house", "houses", "villa", "villas", "factory"}
WITHIN = frozenset({"scene", "image", "picture", "meadow", "grass", "grassland", "forest", "wood", "woods", "village", "bareland", "lawn"})
WITHIN |= {"land", "field", "fields", "lake", "pond", "desert"}
# "vertical" after one of these is LEVIR-CC's word for perpendicular ("two vertical roads").
SEVERAL = frozenset({"two", "three", "four", "several", "some", "many"})
COVERED_BY = frozenset({"disappear", "disappears", "vanish", "vanishes"})
NOT_PLACE_UNDER = frozenset({"construction", "expansion", "water", "vegetation"})
HEIGHT = frozenset({"bridge", "overpass", "interchange", "ramps", "elevated"})  # beside these "above" may mean height
# True only from where the image is up; no word for it when mirrored or turned.
FRONT = frozenset({"front", "behind", "beneath", "underneath", "clockwise", "counterclockwise"})


def symmetric_caption(tokens: Words, transpose: bool, left_right: bool, top_bottom: bool) -> Words | None:
    """The caption of a pair after a symmetry of its images, or None where no true sentence is known."""
    if (transpose or top_bottom) and _needs_up(tokens):
        return None
    if transpose:
        turned = _transpose(tokens)
        if turned is None:
            return None
        tokens = turned
    return mirror_words(tokens, left_right, top_bottom)


def mirror_words(tokens: Words, left_right: bool, top_bottom: bool) -> Words:
    """Tokens of a caption after mirroring its images left to right and/or top to bottom."""
    out = list(tokens)
    for i, token in enumerate(tokens):
        if not _is_place(tokens, i):
            continue
        if token == "higher" and top_bottom:
            out[i] = "lower"
            continue
        if left_right:
            token = LEFT_RIGHT.get(token, token)
        if top_bottom:
            token = TOP_BOTTOM.get(token, token)
        out[i] = token
    return tuple(out)


def random_symmetry(captions: tuple[Words, ...], rng: np.random.Generator) -> tuple[bool, bool, bool, tuple[Words, ...]]:
    """Draw (transpose, left_right, top_bottom) evenly from those that keep every caption true, and the captions rewritten."""
    for code in rng.permutation(8):
        symmetry = bool(code & 4), bool(code & 2), bool(code & 1)
        rewritten = [symmetric_caption(caption, *symmetry) for caption in captions]
        if None not in rewritten:
            return *symmetry, tuple(caption for caption in rewritten if caption is not None)
    raise AssertionError("the identity rewrites every caption")


def any_symmetry(captions: tuple[Words, ...], rng: np.random.Generator) -> tuple[bool, bool, bool, tuple[Words, ...]]:
    """Draw (transpose, left_right, top_bottom) evenly from all eight, and those captions that can be rewritten for it, rewritten."""
    code = int(rng.integers(8))
    symmetry = bool(code & 4), bool(code & 2), bool(code & 1)
    rewritten = (symmetric_caption(caption, *symmetry) for caption in captions)
    return *symmetry, tuple(caption for caption in rewritten if caption is not None)


def apply_symmetry(image: np.ndarray, transpose: bool, left_right: bool, top_bottom: bool) -> np.ndarray:
    """The same symmetry on (…, H, W)."""
    if transpose:
        image = image.swapaxes(-1, -2)
    if left_right:
        image = image[..., ::-1]
    if top_bottom:
        image = image[..., ::-1, :]
    return np.ascontiguousarray(image)


def has_place_words(tokens: Words) -> bool:
    """Whether the sentence says where in the image something is (then it holds nowhere else)."""
    known = LEFT_RIGHT.keys() | TOP_BOTTOM.keys() | TRANSPOSE.keys() | {"higher", "middle", "center", "central", "corner", "corners", "edge", "edges"}
    return _needs_up(tokens) or any(token in known and _is_place(tokens, i) for i, token in enumerate(tokens))


def _at(tokens: Sequence[str], i: int) -> str:
    return tokens[i] if 0 <= i < len(tokens) else ""


def _is_place(tokens: Words, i: int) -> bool:
    """False for "is left", "a right angle", "higher buildings"."""
    if tokens[i] == "left":
        return _at(tokens, i - 1) not in BE
    if tokens[i] == "right":
        return _at(tokens, i + 1) not in ("angle", "angles")
    if tokens[i] == "higher":
        return _at(tokens, i + 1) in HORIZONTAL | {"part"}
    return True


def _needs_up(tokens: Words) -> bool:
    """Whether the sentence holds only while the image's top stays its top."""
    if FRONT & set(tokens) or (HEIGHT & set(tokens) and {"above", "below"} & set(tokens)):
        return True
    for i, token in enumerate(tokens):
        before, after = _at(tokens, i - 1), _at(tokens, i + 1)
        if token == "under" and before not in COVERED_BY and after not in NOT_PLACE_UNDER:
            return True
        if token == "down" and (after in ("from", "to") or before in ("runs", "running", "going", "goes", "leading", "leads")):
            return True
    return False


def _transpose(tokens: Words) -> Words | None:
    """Exchange rows and columns of the image: left and top, right and bottom change places."""
    out: list[str] = []
    i = 0
    while i < len(tokens):
        taken = _transpose_at(tokens, i, out)
        if taken == 0:
            return None
        i += taken
    return tuple(out)


def _transpose_at(tokens: Words, i: int, out: list[str]) -> int:
    """Rewrite the words from i on to the end of ``out``; how many were read, 0 where it cannot be done."""
    token, following = tokens[i], _at(tokens, i + 1)
    if not _is_place(tokens, i):
        out.append(token)
        return 1
    sides = HORIZONTAL | VERTICAL | {"higher"}
    if token in sides and following in sides and (token in HORIZONTAL) != (following in HORIZONTAL):
        return _corner(tokens, i, out)
    if token == "middle" and following in HORIZONTAL:
        out += ["upper" if following == "left" else "lower", "middle"]
        return 2
    if token in VERTICAL and following == "middle":
        out += ["middle", _horizontal(token)]
        return 2
    if token in ("above", "below"):
        return _beside(tokens, i, out)
    if token in sides:
        return _side(tokens, i, out)
    if token in ("upward", "downward"):
        out += ["to", "the", "left" if token == "upward" else "right"]
        return 1
    if token in ("vertical", "horizontal") and (_at(tokens, i - 1) in SEVERAL or following == "cross"):
        return 0
    out.append(TRANSPOSE.get(token, token))
    return 1


def _horizontal(side: str) -> str:
    return "left" if side in ("top", "upper", "higher") else "right"


def _corner(tokens: Words, i: int, out: list[str]) -> int:
    """Of "upper right" or "right bottom": the corner on the other side of the diagonal, in the same pair of words (upper, lower or top, bottom)."""
    across, along = sorted(tokens[i : i + 2], key=lambda word: word not in HORIZONTAL)
    if _at(tokens, i + 2) == "and" and _at(tokens, i + 3) in HORIZONTAL | VERTICAL and _at(tokens, i + 4) not in HORIZONTAL:
        return 0  # "lower left and right": two corners, or a corner and a side
    if _at(tokens, i - 1) == "and" and _at(tokens, i - 2) in HORIZONTAL | VERTICAL and _at(tokens, i - 3) not in HORIZONTAL | VERTICAL:
        return 0  # "upper and lower left"
    first, second = ("top", "bottom") if along in ("top", "bottom") else ("upper", "lower")
    out += [first if across == "left" else second, _horizontal(along)]
    return 2


def _beside(tokens: Words, i: int, out: list[str]) -> int:
    """Sideways: "above the road" becomes "on the left of the road", "the grass above" "the grass on the left"."""
    following = _at(tokens, i + 1)
    if following == "and" and _at(tokens, i + 2) in ("above", "below"):
        return 0
    out += ["on", "the", "left" if tokens[i] == "above" else "right"]
    if following in ("the", "it", "them", "a", "an", "its"):
        out.append("of")
    return 1


def _side(tokens: Words, i: int, out: list[str]) -> int:
    """One side word, noun or adjective, with the preposition before it."""
    token, following = tokens[i], _at(tokens, i + 1)
    if following == "and" and (_at(tokens, i + 2) in LEFT_RIGHT and "-" in _at(tokens, i + 2)):
        return 0  # "the left and lower-right corner"
    if token not in HORIZONTAL:
        side = _horizontal(token)
        if out[-2:] in (["at", "the"], ["in", "the"]) and following not in EDGES | PARTS:
            out[-2] = "on"
        elif out[-1:] == ["at"]:
            out[-1:] = ["on", "the"]
        out.append(side)
        return 1
    if following in PARTS:
        if following in ("part", "half") and out[-2:] == ["on", "the"]:
            out[-2] = "in"
        out.append("upper" if token == "left" else "lower")
        return 1
    if following == "of":
        return _side_of(tokens, i, out)
    if out[-2:] == ["on", "its"] and following not in EDGES:
        out[-2:] = ["above" if token == "left" else "below", "it"]
        return 1
    if out[-2:] in (["on", "the"], ["in", "the"]) and following not in EDGES:
        out[-2] = "at"
    out.append("top" if token == "left" else "bottom")
    return 1


def _side_of(tokens: Words, i: int, out: list[str]) -> int:
    """Sides of something: "on the left of the road" becomes "above the road", "on the left of the meadow" "at the top of the meadow"."""
    if len(out) < 2 or out[-2] not in ("on", "to", "in", "at") or out[-1] != "the":
        return 0
    head = _head_noun(tokens, i + 2)
    if head in BESIDE or out[-2] == "to" and head != "":
        out[-2:] = ["above" if tokens[i] == "left" else "below"]
        return 2
    if head in WITHIN:
        out[-2:] = ["at", "the", "top" if tokens[i] == "left" else "bottom", "of"]
        return 2
    return 0


def _head_noun(tokens: Words, start: int) -> str:
    """The noun of the phrase that begins at ``start``, "" where it is not one of those known."""
    nouns = BESIDE | WITHIN
    for i in range(start, min(start + 6, len(tokens))):
        if tokens[i] in nouns and _at(tokens, i + 1) not in nouns:
            return tokens[i]
    return ""
