"""Captions of a change that was moved into another scene: what they say of the change itself, and the place where it now is."""

from __future__ import annotations

import numpy as np

from .phrases import APPEARING, BUILDING, GREEN, GROUND, GROWING, REPLACING, Clause, Noun, Words, join, sentences, word_set

# A building mask shows these; what else a caption tells of (roads, ponds, trees) may lie outside of the window that was moved.
STRUCTURES = word_set(
    "house houses building buildings villa villas factory factories warehouse warehouses workshop workshops shed sheds greenhouse greenhouses",
    "structure structures mansion mansions bungalow bungalows apartments",
)
BELONGING = STRUCTURES | word_set("roof roofs pool pools")  # "a house with a pool"
COVER = GREEN | GROUND
OUTER = 1 / 3  # a change with its middle in the outer third of the tile and nothing beyond the tile's middle is "on the left"


def moved_captions(captions: tuple[Words, ...], mask: np.ndarray, rng: np.random.Generator) -> tuple[Words, ...]:
    """Those clauses of the captions that tell of buildings, without their old place and, half of the time, with their new one.

    () where buildings both come and go: the mask does not tell which of them the window holds.

    Parameters
    ----------
    mask : changed pixels (H, W) where they now are.
    """
    told = [sentence for caption in captions if (sentence := _sentence(caption)) is not None]
    if len({sign for _, sign in told}) > 1:
        return ()  # some built, some removed: what is not of the mask may have stayed behind
    return tuple(dict.fromkeys(words + (place_words(mask, rng) if rng.integers(2) else ()) for words, _ in told))


def _sentence(caption: Words) -> tuple[Words, str] | None:
    """As "some trees are removed and a house is built on the left" tells of a moved house: "a house is built", "+". None for nothing or for both."""
    for clauses in sentences(caption):
        told = [(words, _sign(clause)) for clause in clauses if (words := _told(clause)) is not None]
        if len({sign for _, sign in told}) != 1 or len(told[-1][0]) < 3:
            return None
        return told[-1]
    return None


def place_words(mask: np.ndarray, rng: np.random.Generator) -> Words:
    """Where in the tile the change is, in the words of the captions; () where no one phrase is plainly right."""
    vertical, horizontal = (_third(np.flatnonzero(mask.any(axis)), mask.shape[1 - axis]) for axis in (1, 0))
    if vertical is None or horizontal is None:
        return ()
    side = ("left", "", "right")[horizontal + 1]
    if vertical == 0:
        return ("on", "the", side) if side else ("in", "the", "middle")
    if not side:
        return ("at", "the", "top" if vertical < 0 else "bottom")
    upper = (("upper", "lower") if rng.integers(2) else ("top", "bottom"))[vertical > 0]
    return ("in", "the", upper, side) + (("corner",) if rng.integers(2) else ())


def _third(indexes: np.ndarray, size: int) -> int | None:
    """-1, 0, 1: low, middle or high third; None where the change reaches over more than that."""
    low, high = indexes[0] / size, (indexes[-1] + 1) / size
    middle = (low + high) / 2
    if middle < OUTER and high <= 0.5:
        return -1
    if middle > 1 - OUTER and low >= 0.5:
        return 1
    return 0 if low > 0.2 and high < 0.8 else None


def _told(clause: Clause) -> Words | None:
    """The clause without its place, if it speaks of buildings, or of buildings and the ground cover that gives way to them or they to it."""
    if clause.verb in GROWING or not all(_belongs(phrase) for phrase in clause.subject + clause.other):
        return None
    heads, others = ({phrase.head for phrase in phrases} for phrases in (clause.subject, clause.other))
    start = (*_one_of_several(clause.subject), *clause.auxiliary, *clause.verb)
    if not clause.other:
        ground = [place.words for place in clause.more if place.ground is not None and place.ground.head in GROUND and place.words[0] == "on"]
        return (*start, *(ground[0] if len(ground) == 1 else ())) if heads <= STRUCTURES else None
    if heads <= STRUCTURES and others <= COVER or heads <= COVER and others <= STRUCTURES:
        return (*start, *_one_of_several(clause.other))
    return None


def _sign(clause: Clause) -> str:
    """Give "+" where buildings come, "-" where they go."""
    subject_comes = clause.verb in BUILDING | APPEARING | REPLACING
    if not clause.other:
        return "+" if subject_comes else "-"
    return "+" if subject_comes == (clause.subject[0].head in STRUCTURES) else "-"


def _one_of_several(phrases: tuple[Noun, ...]) -> Words:
    """For "the houses" say "some houses": in the other scene there may be more of them. An area ("the meadow") stays the one it is on."""
    return join(tuple(phrase if phrase.head in COVER and not phrase.plural else phrase.fresh() for phrase in phrases))


def _belongs(phrase: Noun) -> bool:
    return not phrase.extra or phrase.extra[-1] in BELONGING
