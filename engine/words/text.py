"""Sanity of a generated sentence, and the vocabulary."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from ..contract.tiles import UNCHANGED_TEXT

PAD, START, END, UNKNOWN = "<pad>", "<start>", "<end>", "<unk>"
SPECIAL = (PAD, START, END, UNKNOWN)
# What LEVIR-CC's annotators wrote on pairs without change; older versions of the file have no flag.
NO_CHANGE = frozenset(
    (
        "there is no difference",
        "the two scenes seem identical",
        UNCHANGED_TEXT,
        "no change has occurred",
        "almost nothing has changed",
    )
)


def first_sentence(no_change: Collection[str]) -> str:
    """The sentence that stands for all of ``no_change``: the engine's own where it is among them, else the first."""
    return UNCHANGED_TEXT if UNCHANGED_TEXT in no_change or not no_change else next(iter(no_change))


def is_well_formed(text: str) -> bool:
    """Whether a caption can be shown: 3 to 40 words, none special, nothing said twice in a row, not one word over and over."""
    words = text.split()
    if not 3 <= len(words) <= 40 or any(word in SPECIAL for word in words):
        return False
    for length in range(1, len(words) // 2 + 1):
        if any(words[i : i + length] == words[i + length : i + 2 * length] for i in range(len(words) - 2 * length + 1)):
            return False
    return len(set(words)) >= 0.4 * len(words)


class Vocabulary:
    """Words and ids; ids of the special tokens are 0 to 3."""

    def __init__(self, words: Sequence[str]):
        if tuple(words[:4]) != SPECIAL:
            raise ValueError(f"a vocabulary must begin with {SPECIAL}, not {tuple(words[:4])}")
        self.words: list[str] = list(words)
        self.ids: dict[str, int] = {word: i for i, word in enumerate(self.words)}

    @classmethod
    def build(cls, sentences: Iterable[Sequence[str]], min_count: int = 1) -> Vocabulary:
        counts: dict[str, int] = {}
        for tokens in sentences:
            for token in tokens:
                counts[token] = counts.get(token, 0) + 1
        return cls(list(SPECIAL) + sorted(word for word, count in counts.items() if count >= min_count))

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, tokens: Sequence[str], length: int) -> list[int]:
        """Ids of start, tokens, end, padded or cut to ``length``."""
        unknown = self.ids[UNKNOWN]
        ids = [self.ids[START]] + [self.ids.get(token, unknown) for token in tokens][: length - 2] + [self.ids[END]]
        return ids + [self.ids[PAD]] * (length - len(ids))

    def decode(self, ids: Iterable[int]) -> str:
        """Text between start and end."""
        words = []
        for i in ids:
            word = self.words[i]
            if word == END:
                break
            if word not in (START, PAD):
                words.append(word)
        return " ".join(words)
