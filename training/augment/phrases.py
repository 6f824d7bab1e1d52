"""A small grammar of change captions: clauses of noun phrases, verbs and phrases of place, every word known.

Each parser is a generator of (result, next index), longest readings first, so that the sentence as a whole decides between readings. A word outside
the lists ends the parse: a sentence is understood as a whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

Words = tuple[str, ...]


def word_set(*lines: str) -> frozenset[str]:
    """The words of the lines; far easier to read and to compare than a thousand quotes."""
    return frozenset(word for line in lines for word in line.split())


def _longest_first(phrases: str) -> list[Words]:
    """Phrases between bars, those of more words first."""
    return sorted((tuple(phrase.split()) for phrase in phrases.split("|")), key=len, reverse=True)


BUILT_ONE = word_set(
    "house building villa road path factory warehouse workshop shed greenhouse structure driveway highway roundabout playground park pool lot",
    "bridge square court railway crossroad cul-de-sac mansion bungalow area site complex apartment roof track garden pond lake ditch street",
    "yard clearing",
)
BUILT_MANY = word_set(
    "houses buildings villas roads paths factories warehouses workshops sheds greenhouses structures driveways highways playgrounds pools lots",
    "bridges courts apartments roofs tracks gardens ponds lakes ditches streets mansions bungalows cars containers",
)
GREEN_MANY, GREEN_ONE, GREEN_MASS = word_set("trees bushes plants shrubs woods"), word_set("forest orchard"), word_set("vegetation woodland")
GROUND_ONE, GROUND_MANY = word_set("meadow field lawn wasteland"), word_set("fields meadows lawns")
GROUND_MASS = word_set("bareland grass grassland farmland land ground")
PLACE = word_set("scene village desert river")  # stays where it is; never itself built or removed
ONE, MANY = BUILT_ONE | GREEN_ONE | GROUND_ONE, BUILT_MANY | GREEN_MANY | GROUND_MANY
MASS = GREEN_MASS | GROUND_MASS
GREEN, GROUND = GREEN_ONE | GREEN_MANY | GREEN_MASS, GROUND_ONE | GROUND_MANY | GROUND_MASS
BUILT = BUILT_ONE | BUILT_MANY
NOUNS = ONE | MANY | MASS | PLACE

# What a thing is; true on whichever date it stands. Left out: everything that compares the dates (more, wider, another part, completed).
ADJECTIVES = word_set(
    "large big small huge tall long wide narrow broad short straight curved winding round square circular diagonal parallel main dense sparse",
    "scattered white blue red green grey gray brown dark black orange purple blue-roofed white-roofed red-roofed paved dirt concrete cement bare",
    "open residential parking swimming sports storage apartment factory commercial industrial detached high-rise t-shaped massive",
)
# What a thing is only seen from the other date: left out of the sentence turned round, which stays true without it.
DATED = word_set("new newly old original former existing")
DETERMINERS = _longest_first("the|a|an|some|many|several|two|three|four|five|a few|a lot of|lots of|a number of|more|another")
UNDATED: dict[Words, Words] = {("more",): ("some",), ("another",): ("a",)}  # without the comparison
GROUPS = word_set("row rows line lines group groups strip cluster")
SIDES = word_set("left right top bottom upper lower middle center corner upper-left upper-right lower-left lower-right")
SIDE_NOUNS = word_set("side part corner edge half end area")
PREPOSITIONS = _longest_first("along|beside|near|next to|around|across|through|alongside|above|below|between|on|in|among|inside")

AUXILIARIES: tuple[Words, ...] = (("has", "been"), ("have", "been"), ("is",), ("are",))
BUILDING = frozenset(_longest_first("built|constructed|added|erected|planted"))  # after an auxiliary
REMOVING = frozenset(_longest_first("removed|demolished|dismantled|cleared|cut down|torn down|gone"))
APPEARING, DISAPPEARING = frozenset(_longest_first("appear|appears|show up|shows up")), frozenset(_longest_first("disappear|disappears"))
GROWING, REPLACING = frozenset(_longest_first("grow|grows")), frozenset(_longest_first("replace|replaces"))
BECOMING = frozenset(_longest_first("turn into|turns into|become|becomes"))
REPLACED = frozenset(_longest_first("replaced by"))


@dataclass(frozen=True)
class Noun:
    """A noun phrase: determiner, words between, head; ``dated`` where a word such as "new" was left out."""

    determiner: Words
    inner: Words
    head: str
    group: str = ""
    dated: bool = False
    extra: Words = ()

    @property
    def plural(self) -> bool:
        return self.group.endswith("s") if self.group else self.head in MANY

    @property
    def stem(self) -> str:
        """The head without its plural s, to compare things by."""
        return self.head.removesuffix("s")

    @property
    def words(self) -> Words:
        return (*self.determiner, *self.inner, self.head, *self.extra)

    def known(self) -> Noun:
        """As spoken of a thing that is already there: the house, the grass, some houses."""
        if self.determiner in ((), ("a",), ("an",)):
            return replace(self, determiner=("the",))
        return self

    def fresh(self, some: bool = True) -> Noun:
        """As spoken of a thing not seen before: a house, some houses, grass."""
        if self.determiner != ("the",):
            return self
        if self.group and not self.plural or not self.group and self.head in ONE - {"wasteland"}:
            first = (*self.inner, self.head)[0]
            return replace(self, determiner=("an",) if first[0] in "aeio" else ("a",))
        plain = not some or self.head in MASS | GROUND_MANY | {"woods", "wasteland"}
        return replace(self, determiner=() if plain else ("some",))


@dataclass(frozen=True)
class Place:
    """A phrase of place; ``ground`` is the noun phrase where the place is a cover of the ground that building on it removes.

    ``dated`` : stems of nouns from which a word such as "original" was left out.
    """

    words: Words
    dated: frozenset[str] = frozenset()
    ground: Noun | None = None


@dataclass(frozen=True)
class Clause:
    """Subject, place, auxiliary, verb, ``other`` (what it is replaced by or turns into), place."""

    subject: tuple[Noun, ...]
    where: tuple[Place, ...]
    auxiliary: Words
    verb: Words
    other: tuple[Noun, ...]
    more: tuple[Place, ...]


def sentences(tokens: Words, i: int = 0) -> Iterator[tuple[Clause, ...]]:
    """All readings of the whole rest of a sentence as one to three clauses joined by "and"."""
    for clause, j in _clause(tokens, i):
        if j == len(tokens):
            yield (clause,)
        elif tokens[j] == "and":
            for rest in sentences(tokens, j + 1):
                if len(rest) < 3:
                    yield (clause, *rest)


def _clause(tokens: Words, i: int) -> Iterator[tuple[Clause, int]]:
    for subject, j in nouns(tokens, i):
        for where, k in places(tokens, j):
            for auxiliary in ((), *AUXILIARIES):
                start = k + len(auxiliary)
                if tokens[k:start] != auxiliary:
                    continue
                for verb in (tokens[start : start + 2], tokens[start : start + 1]):
                    for other, more, end in _rest(tokens, start + len(verb), verb, bool(auxiliary)):
                        yield Clause(subject, where, auxiliary, verb, other, more), end


def _rest(tokens: Words, i: int, verb: Words, passive: bool) -> Iterator[tuple[tuple[Noun, ...], tuple[Place, ...], int]]:
    """What follows the verb: an object where it takes one, and phrases of place."""
    if verb in (REPLACED if passive else REPLACING | BECOMING):
        for other, j in nouns(tokens, i):
            for more, end in places(tokens, j):
                yield other, more, end
    elif verb in (BUILDING | REMOVING if passive else APPEARING | DISAPPEARING | GROWING):
        for more, end in places(tokens, i):
            yield (), more, end


def noun(tokens: Words, i: int) -> Iterator[tuple[Noun, int]]:
    """Read determiner? adjective* (row of …)? head (with noun)?"""
    for determiner, start in _determiner(tokens, i):
        inner: list[str] = []
        group, dated, j = "", False, start
        while j < len(tokens):
            word = tokens[j]
            if word in NOUNS:
                phrase = Noun(determiner, tuple(inner), word, group, dated)
                if word not in ADJECTIVES or _ends(tokens, j + 1):
                    yield from _with(phrase, tokens, j + 1)
                    yield phrase, j + 1
            if word in GROUPS and tokens[j + 1 : j + 2] == ("of",) and not group:
                group = word
                inner += [word, "of"]
                j += 2
                if tokens[j : j + 1] in (("the",), ("some",)):
                    j += 1
                continue
            if word in DATED:
                dated = True
            elif word in ADJECTIVES:
                inner.append(word)
            else:
                return
            j += 1


def nouns(tokens: Words, i: int) -> Iterator[tuple[tuple[Noun, ...], int]]:
    """One to three noun phrases joined by "and"."""
    for first, j in noun(tokens, i):
        if tokens[j : j + 1] == ("and",):
            for rest, end in nouns(tokens, j + 1):
                if len(rest) < 3:
                    yield (first, *rest), end
        yield (first,), j


def places(tokens: Words, i: int) -> Iterator[tuple[tuple[Place, ...], int]]:
    """Up to three phrases of place in a row, longest first."""
    for first, j in place(tokens, i):
        for rest, end in places(tokens, j):
            if len(rest) < 3:
                yield (first, *rest), end
    yield (), i


def place(tokens: Words, i: int) -> Iterator[tuple[Place, int]]:
    """Where: "on the left side of the road", "on both sides of the road", "along the road", "on the bareland"."""
    yield from _side_place(tokens, i)
    for preposition in PREPOSITIONS:
        j = i + len(preposition)
        if tokens[i:j] != preposition:
            continue
        for phrases, end in nouns(tokens, j):
            if any(p.determiner not in (("the",), ("a",), ("an",), ("two",)) for p in phrases[:1]):
                continue
            ground = phrases[0] if preposition[0] in ("on", "in") and phrases[0].head in GREEN | GROUND and len(phrases) == 1 else None
            yield Place((*preposition, *join(phrases)), _dated(phrases), ground), end


def join(phrases: tuple[Noun, ...]) -> Words:
    out: list[str] = []
    for number, phrase in enumerate(phrases):
        out += ["and"] * (number > 0) + list(phrase.words)
    return tuple(out)


def _dated(phrases: tuple[Noun, ...]) -> frozenset[str]:
    return frozenset(phrase.stem for phrase in phrases if phrase.dated)


def _ends(tokens: Words, i: int) -> bool:
    return i >= len(tokens) or tokens[i] not in NOUNS


def _with(phrase: Noun, tokens: Words, i: int) -> Iterator[tuple[Noun, int]]:
    if tokens[i : i + 1] == ("with",):
        for other, end in noun(tokens, i + 1):
            if not other.extra:
                yield replace(phrase, extra=("with", *other.words)), end


def _determiner(tokens: Words, i: int) -> Iterator[tuple[Words, int]]:
    for determiner in DETERMINERS:
        if tokens[i : i + len(determiner)] == determiner:
            yield UNDATED.get(determiner, determiner), i + len(determiner)
            return
    yield (), i


def _side_place(tokens: Words, i: int) -> Iterator[tuple[Place, int]]:
    """Read on|at|in the (upper) left (side|corner …) (and right) (of the …); on both|two sides of the …; at the edge of the …"""
    if tokens[i : i + 1] not in (("on",), ("at",), ("in",)):
        return
    j = i + 1
    if tokens[j : j + 2] in (("both", "sides"), ("two", "sides"), ("either", "side")):
        j += 2
    elif tokens[j : j + 3] == ("the", "two", "sides"):
        j += 3
    elif tokens[j : j + 2] in (("the", "edge"), ("the", "end")):
        j += 2
    else:
        start = j = j + (tokens[j : j + 1] == ("the",))
        while j < len(tokens) and tokens[j] in SIDES and j - start < 3:
            j += 1
        if j == start or j == i + 1:
            return
        if j < len(tokens) and tokens[j] in SIDE_NOUNS:
            j += 1
    if tokens[j : j + 1] == ("of",):
        for phrases, end in nouns(tokens, j + 1):
            if phrases[0].determiner == ("the",):
                yield Place((*tokens[i : j + 1], *join(phrases)), _dated(phrases)), end
        return
    yield Place(tokens[i:j]), j
