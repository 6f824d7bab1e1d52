"""Captions of a pair whose two dates are exchanged: what was built is removed, what was replaced replaces.

Only sentences understood to the last word (`phrases`) are turned round; the others are left out. The clauses come in the opposite order, so that
what makes room is still named first: "some trees are removed and a house is built" becomes "a house is removed and some trees appear".
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .phrases import BUILT, GREEN, GROUND, Noun, Place, Words, join, nouns, places

# Sentences of unchanged pairs, the same both ways.
SYMMETRIC = frozenset(
    tuple(text.split())
    for text in (
        "there is no difference",
        "the two scenes seem identical",
        "the scene is the same as before",
        "no change has occurred",
        "almost nothing has changed",
    )
)
AUXILIARIES = (("has", "been"), ("have", "been"), ("is",), ("are",))
BUILDING_VERBS = frozenset({("built",), ("constructed",), ("added",), ("erected",), ("completed", "and", "built"), ("planted",)})
APPEARING = frozenset({("appear",), ("appears",), ("show", "up"), ("shows", "up")})
REMOVING_VERBS = frozenset({("removed",), ("demolished",), ("dismantled",), ("cleared",), ("cut", "down"), ("torn", "down"), ("gone",)})
DISAPPEARING = frozenset({("disappear",), ("disappears",)})
GROWING = frozenset({("grow",), ("grows",)})
BECOMING = frozenset({("turn", "into"), ("turns", "into"), ("become",), ("becomes",)})

Clause = tuple[Words, str, str]  # turned round; noun removed and noun added in the original, "" where none


def reverse_caption(tokens: Words) -> Words | None:
    """The true sentence about the same pair with its dates exchanged, or None where the sentence is not understood."""
    if tokens in SYMMETRIC:
        return tokens
    for clauses in _sentence(tokens, 0):
        removed = {clause[1] for clause in clauses} - {""}
        if removed & {clause[2] for clause in clauses}:
            return None  # rebuilt, or one of several: "the house is removed and a house is built"
        out: list[str] = []
        for number, (words, _, _) in enumerate(reversed(clauses)):
            out += ["and"] * (number > 0) + list(words)
        return tuple(out)
    return None


def reverse_captions(captions: tuple[Words, ...]) -> tuple[Words, ...]:
    """Those of the captions that can be turned round, turned round."""
    turned = (reverse_caption(caption) for caption in captions)
    return tuple(caption for caption in turned if caption is not None)


def reverse_classes(classes: np.ndarray) -> np.ndarray:
    """Added and removed exchanged, altered kept: (3, 7) → (3, 7)."""
    return classes[[1, 0, 2]]


def _sentence(tokens: Words, i: int) -> Iterator[tuple[Clause, ...]]:
    for clause, j in _clause(tokens, i):
        if j == len(tokens):
            yield (clause,)
        elif tokens[j] == "and":
            for rest in _sentence(tokens, j + 1):
                if len(rest) < 3:
                    yield (clause, *rest)


def _clause(tokens: Words, i: int) -> Iterator[tuple[Clause, int]]:
    for subject, j in nouns(tokens, i):
        for where, k in places(tokens, j):
            if _confused(subject, where):
                continue
            for auxiliary in ((), *AUXILIARIES):
                if tokens[k : k + len(auxiliary)] == auxiliary:
                    yield from _predicate(tokens, k + len(auxiliary), subject, where, auxiliary)


def _predicate(tokens: Words, i: int, subject: tuple[Noun, ...], where: tuple[Place, ...], auxiliary: Words) -> Iterator[tuple[Clause, int]]:
    for size in (3, 2, 1):
        verb, end = tokens[i : i + size], i + size
        if len(verb) < size:
            continue
        if auxiliary and verb == ("replaced", "by") or not auxiliary and verb in BECOMING | {("replace",), ("replaces",)}:
            for other, j in nouns(tokens, end):
                for more, k in places(tokens, j):
                    turned = _exchange(subject, where + more, auxiliary, verb, other)
                    if turned is not None:
                        yield turned, k
            continue
        for more, k in places(tokens, end):
            turned = None
            if _confused(subject, more):
                continue
            if verb in (BUILDING_VERBS if auxiliary else APPEARING | GROWING):
                turned = _remove(subject, where, more, auxiliary, verb)
            elif verb in (REMOVING_VERBS if auxiliary else DISAPPEARING):
                turned = _add(subject, where + more, auxiliary, verb)
            if turned is not None:
                yield turned, k


def _remove(subject: tuple[Noun, ...], where: tuple[Place, ...], more: tuple[Place, ...], auxiliary: Words, verb: Words) -> Clause | None:
    """Added, turned: "a house is built on the left" becomes "a house on the left is removed"; if on grass, "a house is replaced by grass"."""
    if any(phrase.head in GROUND for phrase in subject) and verb in BUILDING_VERBS:
        return None
    if verb in GROWING and any(phrase.head not in GREEN for phrase in subject):
        return None
    covers = [place.ground for place in more if place.ground is not None]
    kept = where + tuple(place for place in more if place.ground is None)
    start = join(subject) + _place_words(kept)
    if covers:
        cover = covers[0]
        if len(covers) > 1 or cover.head in GREEN:
            return None  # woods around a house stay, woods under a settlement do not: not said
        be = auxiliary or (("are",) if _plural(subject) else ("is",))
        return (*start, *be, "replaced", "by", *cover.fresh(some=False).words), "", subject[0].stem
    if auxiliary:
        return (*start, *auxiliary, "removed"), "", subject[0].stem
    if verb in GROWING:
        return (*start, *(("are",) if _plural(subject) else ("is",)), "removed"), "", subject[0].stem
    return (*start, "disappear" if _plural(subject) else "disappears"), "", subject[0].stem


def _add(subject: tuple[Noun, ...], where: tuple[Place, ...], auxiliary: Words, verb: Words) -> Clause | None:
    """Removed, turned: "the house on the left is removed" becomes "a house is built on the left", "the trees disappear" "some trees appear"."""
    heads = {phrase.head for phrase in subject}
    if verb == ("cleared",) and not heads <= BUILT | GREEN:
        return None  # "the land is cleared": the land stays
    start = join(tuple(phrase.fresh() for phrase in subject))
    if auxiliary and heads <= BUILT:
        return (*start, *auxiliary, "built", *_place_words(where)), subject[0].stem, ""
    return (*start, "appear" if _plural(subject) else "appears", *_place_words(where)), subject[0].stem, ""


def _exchange(subject: tuple[Noun, ...], where: tuple[Place, ...], auxiliary: Words, verb: Words, other: tuple[Noun, ...]) -> Clause | None:
    """Replaced, turned: "A is replaced by B" becomes "B is replaced by A"; "A replaces B" and "A turns into B" likewise."""
    if any(place.ground is not None for place in where):
        return None
    if any(a.stem == b.stem and (a.dated or b.dated) for a in subject for b in other):
        return None  # "the old road is replaced by a new road": the words that told them apart are gone
    if verb in (("replace",), ("replaces",)):
        first = join(tuple(phrase.fresh() for phrase in other))
        second = join(tuple(phrase.known() for phrase in subject))
        return (*first, "replace" if _plural(other) else "replaces", *second, *_place_words(where)), "", ""
    plural = _plural(other)
    if auxiliary:
        middle: Words = (("have", "been") if plural else ("has", "been")) if "been" in auxiliary else (("are",) if plural else ("is",))
        middle = (*middle, "replaced", "by")
    elif verb[0].startswith("turn"):
        middle = ("turn" if plural else "turns", "into")
    else:
        middle = ("become" if plural else "becomes",)
    start = join(tuple(phrase.known() for phrase in other)) + _place_words(where)
    return (*start, *middle, *join(tuple(phrase.fresh(some=False) for phrase in subject))), "", ""


def _confused(subject: tuple[Noun, ...], where: tuple[Place, ...]) -> bool:
    """As in "houses are built near the original houses": without "original" the two are one."""
    return any(phrase.stem in place.dated for phrase in subject for place in where)


def _plural(phrases: tuple[Noun, ...]) -> bool:
    return len(phrases) > 1 or phrases[0].plural


def _place_words(where: tuple[Place, ...]) -> Words:
    return tuple(word for place in where for word in place.words)
