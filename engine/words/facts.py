"""What a caption states: which classes it says were added and which removed.

Rules over the English of LEVIR-CC's captions. They read a sentence clause by clause; what they cannot read states nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..contract.tiles import CLASSES

WORDS = {
    "building": """house houses home homes building buildings villa villas residential block blocks warehouse warehouses factory factories apartment
        apartments hut huts cottage cottages bungalow bungalows shed sheds mansion mansions neighborhood workshop workshops structure
        structures greenhouse greenhouses facility facilities school high-rise high-rises tower towers village villages roof roofs
        community complex annex""",
    "road": """road roads path paths street streets crossroad crossroads track tracks trail trails avenue highway highways roundabout roundabouts
        intersection intersections driveway driveways lane lanes cul-de-sac ramp ramps junction loop way ways boulevard overpass bridge
        bridges""",
    "parking": "parking",
    "vegetation": """tree trees wood woods forest forests plant plants vegetation vegetations grass grasses grassland meadow meadows lawn lawns jungle
        jungles shrubs shrub bushes bush green greens greenery field fields farmland farmlands crops cropland orchard woodland garden
        gardens""",
    "water": "water pool pools pond ponds lake lakes river rivers stream canal swimming reservoir creek",
    "bareland": "bareland barelands desert deserts soil wasteland sand dirt ground earth mud land lands clearing site",
    "comes": """appear appears appeared built constructed added emerge emerges emerged planted paved erected laid build constructs formed
        completed created opened established up dug grown expanded widened extended developed grow grows increase increased filled""",
    "goes": """removed disappear disappears disappeared demolished cleared destroyed vanish vanishes cut gone dismantled razed torn lost felled
        leveled flattened dried knocked burned collapsed reduced decreased""",
    # Nouns after these words are the place where it happens, not what changes. "of" is not among them: "a row of houses".
    "place": """on in along near beside besides at around next by with between through across under behind among to from inside over off into onto
        towards above for within alongside surrounded leading connected beyond""",
}
COMES, GOES, PLACE = (frozenset(WORDS[kind].split()) for kind in ("comes", "goes", "place"))
CLASS_OF = {word: name for name in CLASSES if name in WORDS for word in WORDS[name].split()}
# The first word decides the class of these.
COMPOUND = {
    (first, second) for first, seconds in (("parking", ("lot", "lots", "area", "areas")), ("swimming", ("pool", "pools"))) for second in seconds
}
COMPOUND.add(("residential", "area"))
SWAPS = {"replace", "replaces", "replaced", "replacing"}
TURNS = {"turn", "turns", "turned", "become", "becomes", "became", "changed", "change", "changes", "converted", "transformed"}
PASSIVE = {"is", "are", "was", "were", "been", "being", "get", "gets"}


def stated_changes(caption: str) -> tuple[frozenset[str], frozenset[str]]:
    """(added, removed) classes that a caption states."""
    added: set[str] = set()
    removed: set[str] = set()
    subject: set[str] = set()
    for clause in _clauses(caption):
        subject = _read(clause, subject, added, removed)
    return frozenset(added), frozenset(removed)


def _clauses(caption: str) -> Iterable[list[str]]:
    """Clauses: cut at commas and at conjunctions that begin a sentence of their own (one with a verb on both sides)."""
    for part in re.split(r",|;|\bwhile\b|\bwhereas\b|\bthen\b|\bbut\b", caption.lower()):
        words, start = part.split(), 0
        for i, word in enumerate(words):
            if word == "and" and _has_verb(words[start:i]) and _has_verb(_before_with(words[i + 1 :])):
                yield words[start:i]
                start = i + 1
        if words[start:]:
            yield words[start:]


def _before_with(words: list[str]) -> list[str]:
    return words[: words.index("with")] if "with" in words else words


def _has_verb(words: list[str]) -> bool:
    return any(word in COMES or word in GOES or word in SWAPS or word in TURNS for word in words)


def _read(words: list[str], subject: set[str], added: set[str], removed: set[str]) -> set[str]:
    """Put what one clause states into ``added`` and ``removed``; returns its subject, which a clause without one inherits."""
    at = next((i for i, word in enumerate(words) if word in SWAPS or word in TURNS or word in COMES or word in GOES), None)
    if at is None:
        return _classes(words)
    verb, subject = words[at], _classes(words[:at]) or subject
    passive = any(word in PASSIVE for word in words[max(0, at - 3) : at])
    if verb in SWAPS:
        after = words[at + 1 :]
        if passive:
            added |= _classes(after[1:] if after[:1] in (["by"], ["with"]) else after)
            removed |= subject
        else:
            added |= subject
            removed |= _classes(after)
    elif verb in TURNS and {"into", "to"} & set(words[at + 1 : at + 3]) or verb in {"become", "becomes", "became"}:
        removed |= subject
        rest = [word for word in words[at + 1 :] if word not in {"into", "to"}]
        added |= _classes(rest)
    elif verb in COMES:
        if verb != "up" or words[at - 1 : at] in (["show"], ["shows"], ["showed"], ["built"], ["shown"], ["pop"], ["pops"], ["spring"]):
            added |= subject or _classes(words[at + 1 :])
    elif verb in GOES:
        removed |= subject or _classes(words[at + 1 :])
    return subject


def _classes(words: list[str]) -> set[str]:
    """Classes named in a phrase up to its first word of place; of a compound noun only the head counts ("a road in the woods": road)."""
    found: set[str] = set()
    skip = False
    for word, following in zip(words, [*words[1:], ""]):
        if skip:
            skip = False
            continue
        if word in PLACE:
            break
        skip = (word, following) in COMPOUND
        if word in CLASS_OF and not (CLASS_OF.get(following) and not skip and word != "parking"):
            found.add(CLASS_OF[word])
    return found
