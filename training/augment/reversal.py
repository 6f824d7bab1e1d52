"""Captions of a pair whose two dates are exchanged: what was built is removed, what was replaced replaces.

Only sentences understood to the last word (`phrases`) are turned round; the others are left out. The clauses come in the opposite order, so that
what makes room is still named first: "some trees are removed and a house is built" becomes "a house is removed and some trees appear".
"""

from __future__ import annotations

import numpy as np

from engine.evaluation.evaluate import NO_CHANGE

from .phrases import (
    APPEARING,
    BUILDING,
    BUILT,
    DISAPPEARING,
    GREEN,
    GROUND,
    GROWING,
    REMOVING,
    REPLACING,
    Clause,
    Noun,
    Place,
    Words,
    join,
    sentences,
)

VAGUE = frozenset({"land", "ground"})  # "turns into ground" says nothing without an adjective


def reverse_caption(tokens: Words) -> Words | None:
    """The true sentence about the same pair with its dates exchanged, or None where the sentence is not understood."""
    if " ".join(tokens) in NO_CHANGE:
        return tokens
    for clauses in sentences(tokens):
        turned = [_turn(clause) for clause in clauses]
        if None in turned or _rebuilt(clauses):
            continue
        out: list[str] = []
        for number, words in enumerate(reversed(turned)):
            out += ["and"] * (number > 0) + list(words or ())
        return tuple(out)
    return None


def reverse_captions(captions: tuple[Words, ...]) -> tuple[Words, ...]:
    """Those of the captions that can be turned round, turned round."""
    turned = (reverse_caption(caption) for caption in captions)
    return tuple(caption for caption in turned if caption is not None)


def reverse_classes(classes: np.ndarray) -> np.ndarray:
    """Added and removed exchanged, altered kept: (3, 7) → (3, 7)."""
    return classes[[1, 0, 2]]


def _turn(clause: Clause) -> Words | None:
    if _confused(clause):
        return None
    if clause.other:
        return _exchange(clause)
    if clause.verb in BUILDING | APPEARING | GROWING:
        return _remove(clause)
    return _add(clause)


def _confused(clause: Clause) -> bool:
    """As in "houses are built near the original houses": without "original" the two are one."""
    return any(phrase.stem in place.dated for phrase in clause.subject for place in clause.where + clause.more)


def _rebuilt(clauses: tuple[Clause, ...]) -> bool:
    """One thing removed and added: "the old house is removed and a new house is built"."""
    gone = {phrase.stem for clause in clauses if clause.verb in REMOVING | DISAPPEARING for phrase in clause.subject}
    come = {phrase.stem for clause in clauses if clause.verb in BUILDING | APPEARING | GROWING for phrase in clause.subject}
    return bool(gone & come)


def _remove(clause: Clause) -> Words | None:
    """Added, turned: "a house is built on the left" becomes "a house on the left is removed"; if on grass, "a house is replaced by grass"."""
    subject, auxiliary = clause.subject, clause.auxiliary
    if clause.verb in BUILDING and any(phrase.head in GROUND for phrase in subject):
        return None
    if clause.verb in GROWING and any(phrase.head not in GREEN for phrase in subject):
        return None
    covers = [place.ground for place in clause.more if place.ground is not None]
    start = join(subject) + _place_words(clause.where + tuple(place for place in clause.more if place.ground is None))
    be = auxiliary or (("are",) if _plural(subject) else ("is",))
    if covers:
        if len(covers) > 1 or covers[0].head in GREEN:
            return None  # woods around a house stay, woods under a settlement do not: not said
        return (*start, *be, "replaced", "by", *covers[0].fresh(some=False).words)
    if clause.verb in APPEARING:
        return (*start, "disappear" if _plural(subject) else "disappears")
    return (*start, *be, "removed")


def _add(clause: Clause) -> Words | None:
    """Removed, turned: "the house on the left is removed" becomes "a house is built on the left", "the trees disappear" "some trees appear"."""
    heads = {phrase.head for phrase in clause.subject}
    if clause.verb == ("cleared",) and not heads <= BUILT | GREEN:
        return None  # "the land is cleared": the land stays
    start = join(tuple(phrase.fresh() for phrase in clause.subject))
    where = _place_words(clause.where + clause.more)
    if clause.auxiliary and heads <= BUILT:
        return (*start, *clause.auxiliary, "built", *where)
    return (*start, "appear" if _plural(clause.subject) else "appears", *where)


def _exchange(clause: Clause) -> Words | None:
    """Replaced, turned: "A is replaced by B" becomes "B is replaced by A"; "A replaces B" and "A turns into B" likewise."""
    subject, other, verb, where = clause.subject, clause.other, clause.verb, clause.where + clause.more
    if any(place.ground is not None for place in where) or any(phrase.head in VAGUE and len(phrase.words) < 3 for phrase in subject):
        return None
    if any(a.stem == b.stem and (a.dated or b.dated) for a in subject for b in other):
        return None  # "the old road is replaced by a new road": the words that told them apart are gone
    plural = _plural(other)
    if verb in REPLACING:
        first, second = join(tuple(phrase.fresh() for phrase in other)), join(tuple(phrase.known() for phrase in subject))
        return (*first, "replace" if plural else "replaces", *second, *_place_words(where))
    if clause.auxiliary:
        be: Words = (("have" if plural else "has"), "been") if "been" in clause.auxiliary else ("are" if plural else "is",)
        middle: Words = (*be, "replaced", "by")
    elif verb[0].startswith("turn"):
        middle = ("turn" if plural else "turns", "into")
    else:
        middle = ("become" if plural else "becomes",)
    start = join(tuple(phrase.known() for phrase in other)) + _place_words(where)
    return (*start, *middle, *join(tuple(phrase.fresh(some=False) for phrase in subject)))


def _plural(phrases: tuple[Noun, ...]) -> bool:
    return len(phrases) > 1 or phrases[0].plural


def _place_words(where: tuple[Place, ...]) -> Words:
    return tuple(word for place in where for word in place.words)
