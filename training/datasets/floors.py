"""Floors of Dubai-CC's scores, which need no model: what one constant sentence, or a perfect change flag with one, reaches.

    python -m training.datasets floors --data FOLDER_OF_THE_JSONS

The constant of the changed pairs is the training sentence that scores best on the changed validation pairs, by the mean of BLEU-4, ROUGE-L and
CIDEr-D.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.table import Table

from engine.evaluation.metrics import score
from engine.words.dubai import CAPTIONS_FILES, CAPTIONS_FOLDER, denies_change, is_changed

from .rows import read_images_list

CANDIDATES = 40  # most frequent sentences that are tried
SHOWN = ("BLEU-1", "BLEU-4", "METEOR", "ROUGE-L", "CIDEr-D", "S*m")
Sentences = Mapping[str, Sequence[str]]


def read_sentences(root: Path) -> dict[str, Sentences]:
    """Sentences of each pair by split; ``root`` is the data set's folder or that of the three JSON files."""
    folder = root / CAPTIONS_FOLDER if (root / CAPTIONS_FOLDER).is_dir() else root
    listed = {split: read_images_list(folder / name) for split, name in CAPTIONS_FILES.items()}
    return {split: {entry["filename"]: [s["raw"] for s in entry["sentences"]] for entry in rows} for split, rows in listed.items()}


def constants(sentences: Mapping[str, Sentences]) -> tuple[str, str, str]:
    """Most frequent denial, most frequent caption of changed training pairs, and the one that is best on the changed validation pairs."""
    train, val = sentences["train"], {name: texts for name, texts in sentences["val"].items() if is_changed(texts)}
    denials = Counter(text.strip() for texts in train.values() for text in texts if denies_change(text))
    changes = Counter(text.strip() for texts in train.values() if is_changed(texts) for text in texts if not denies_change(text))

    def mean(text: str) -> float:
        found = score(dict.fromkeys(val, text), val, meteor=False)
        return found["BLEU-4"] + found["ROUGE-L"] + found["CIDEr-D"]

    tried = [text for text, _ in changes.most_common(CANDIDATES)]
    return denials.most_common(1)[0][0], tried[0], max(tried, key=mean)


def floors(sentences: Mapping[str, Sentences], meteor: bool | str = "words") -> dict[str, dict[str, float]]:
    """Scores × 100 of the test split by what is always said."""
    denial, frequent, best = constants(sentences)
    test = sentences["test"]
    changed = {name: texts for name, texts in test.items() if is_changed(texts)}
    first = {name: texts[0] for name, texts in changed.items()}
    other_four = {name: texts[1:] for name, texts in changed.items()}

    def with_flag(change: str) -> Callable[[str], str]:
        return lambda name: change if name in changed else denial

    said: dict[str, Callable[[str], str]] = {f"always {denial!r}": lambda name: denial}
    said |= {f"perfect flag, {text!r}": with_flag(text) for text in dict.fromkeys((frequent, best))}
    found = {what: score({name: say(name) for name in test}, test, meteor) for what, say in said.items()}
    found |= {f"changed pairs alone, {text!r}": score(dict.fromkeys(changed, text), changed, meteor) for text in dict.fromkeys((frequent, best))}
    return found | {"changed pairs alone, one annotator against the other four": score(first, other_four, meteor)}


def table(found: Mapping[str, Mapping[str, float]]) -> Table:
    grid = Table(title="Test split of Dubai-CC, without a model")
    grid.add_column("always said", overflow="fold")
    for name in SHOWN:
        grid.add_column(name, justify="right")
    for what, scores in found.items():
        grid.add_row(what, *(f"{scores[name]:.2f}" if name in scores else "–" for name in SHOWN))
    return grid
