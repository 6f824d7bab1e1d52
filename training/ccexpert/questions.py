"""Questions about a pair whose answers follow from its classes and captions, and how often a model answers them exactly.

    python -m training.ccexpert.questions --model ccexpert --data ../shared/data --split val

"What was removed?", "Did the roads change?" and "How many houses were built?" are asked where the answer is known. Of yes-or-no questions as many are
kept with each answer as there are of the rarer one.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine import registry
from engine.contract.tiles import CLASSES
from engine.models.captioner import CaptionOptions
from engine.models.device import choose
from engine.words.facts import stated_changes

from ..datasets import DELTA_SIGNS, PairRow, captioned, load_rows, read_batch
from ..shared.batches import class_targets

NOUNS = {"building": "buildings", "road": "roads", "parking": "parking lots", "vegetation": "trees or plants", "water": "water"}
NOUNS |= {"bareland": "bare land", "other": "something else"}
VERBS = {"+": "added", "-": "removed", "~": "altered"}
NOTHING = "nothing"
NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
COUNTED = re.compile(rf"\b({'|'.join(NUMBERS)}|a|an) (?:\w+ )?(houses?|buildings?|villas?)\b")
KINDS = ("which", "whether", "count")


@dataclass(frozen=True)
class Asked:
    """A question with its answer; kind is one of ``KINDS``."""

    question: str
    answer: str
    kind: str


def noun(name: str) -> str:
    """How a class is called in questions and answers."""
    return NOUNS.get(name, name)


def questions_of(row: PairRow) -> tuple[Asked, ...]:
    """All questions about a pair whose answers are known: from its noted classes, else from those that its captions agree on."""
    targets = class_targets(row)
    found = []
    for number, sign in enumerate(DELTA_SIGNS):
        if not np.isnan(targets[number]).any():
            names = [noun(name) for name, value in zip(CLASSES, targets[number], strict=True) if value > 0]
            found.append(Asked(f"What was {VERBS[sign]}?", " and ".join(names) or NOTHING, "which"))
    for column, name in enumerate(CLASSES):
        if name != "other" and not np.isnan(targets[:, column]).any():
            found.append(Asked(f"Did the {noun(name)} change?", "yes" if (targets[:, column] > 0).any() else "no", "whether"))
    count = built_houses(row.captions) if row.changed else None
    if count:
        found.append(Asked("How many houses were built?", count, "count"))
    return tuple(found)


def built_houses(captions: Sequence[Sequence[str]]) -> str | None:
    """The number of houses that two or more captions say were built, where none says another."""
    said = set()
    times = 0
    for text in map(" ".join, captions):
        match = COUNTED.search(text)
        if match and "building" in stated_changes(text)[0]:
            said.add("one" if match[1] in ("a", "an") else match[1])
            times += 1
    return said.pop() if times >= 2 and len(said) == 1 else None


def balanced(asked: Sequence[tuple[int, Asked]], rng: np.random.Generator) -> list[tuple[int, Asked]]:
    """Of yes-or-no questions as many with each answer as there are of the rarer one, in each question; all others. Each with its pair's index."""
    kept, groups = [pair for pair in asked if pair[1].kind != "whether"], {pair[1].question for pair in asked if pair[1].kind == "whether"}
    for question in sorted(groups):
        by_answer = {answer: [pair for pair in asked if pair[1].question == question and pair[1].answer == answer] for answer in ("yes", "no")}
        fewest = min(map(len, by_answer.values()))
        for found in by_answer.values():
            kept += [found[i] for i in rng.permutation(len(found))[:fewest]]
    return kept


def is_exact(found: str, wanted: Asked) -> bool:
    """Whether an answer names exactly the wanted classes, says yes or no as wanted, or gives the number."""
    return read_answer(found, wanted.kind) == read_answer(wanted.answer, wanted.kind)


def read_answer(text: str, kind: str) -> frozenset[str]:
    """What an answer says: names of classes, "yes" or "no", or a number; empty where it says nothing of the kind."""
    words = re.findall(r"[a-z]+|\d+", text.lower())
    if kind == "whether":
        return frozenset(words[:1]) & {"yes", "no"}
    if kind == "count":
        spelled = [NUMBERS[int(word) - 1] if word.isdigit() and 0 < int(word) <= len(NUMBERS) else word for word in words]
        return frozenset([word for word in spelled if word in NUMBERS][:1])
    plain = " ".join(words)
    names = frozenset(name for name in CLASSES if re.search(rf"\b{re.escape(noun(name))}\b", plain))
    return names or (frozenset({NOTHING}) if NOTHING in words else frozenset())


Answer = Callable[[Sequence[int], str], Sequence[str]]  # pairs and a question → their answers


def measure(asked: Sequence[tuple[int, Asked]], answer: Answer) -> dict[str, float]:
    """Share of exact answers, %, of each kind and of all, beside what always giving the most frequent answer to a question reaches."""
    hits: dict[str, list[bool]] = {kind: [] for kind in KINDS}
    constant: dict[str, list[bool]] = {kind: [] for kind in KINDS}
    for question in sorted({one.question for _, one in asked}):
        group = [(pair, one) for pair, one in asked if one.question == question]
        frequent = Counter(one.answer for _, one in group).most_common(1)[0][0]
        for (_, one), found in zip(group, answer([pair for pair, _ in group], question), strict=True):
            hits[one.kind].append(is_exact(found, one))
            constant[one.kind].append(is_exact(frequent, one))
    return {f"{name} {kind}": value for name, table in (("exact", hits), ("constant", constant)) for kind, value in _shares(table)}


def _shares(table: dict[str, list[bool]]) -> Iterator[tuple[str, float]]:
    everything = [hit for hits in table.values() for hit in hits]
    for kind, hits in (*table.items(), ("all", everything)):
        if hits:
            yield kind, round(100 * float(np.mean(hits)), 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="ccexpert", help="id of a model that answers questions")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--split", default="val")
    parser.add_argument("--pairs", type=int, help="at most so many pairs, evenly spread")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    args = parser.parse_args()
    rows = captioned(load_rows(args.data), args.split)
    rows = rows[:: max(1, len(rows) // args.pairs)][: args.pairs] if args.pairs else rows
    asked = balanced([(i, one) for i, row in enumerate(rows) for one in questions_of(row)], np.random.default_rng(0))
    captioner = registry.load(args.model, choose(args.device).name)

    def answer(pairs: Sequence[int], question: str) -> list[str]:
        found: list[str] = []
        for start in range(0, len(pairs), 32):
            before, after = read_batch([rows[i] for i in pairs[start : start + 32]])
            captions = captioner.caption(before, after, CaptionOptions(threshold=2.0, question=question))  # nothing but the answers is written
            found += [caption.answer or "" for caption in captions]
        return found

    print(json.dumps({"pairs": len(rows), "questions": len(asked), **measure(asked, answer)}, indent=1))


if __name__ == "__main__":
    main()
