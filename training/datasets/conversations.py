"""Conversations about image pairs as LLaVA's training code reads them, the format of CCExpert's CC-Foundation.

One JSON file, a list of {"id", "image": [BEFORE, AFTER], "conversations": [{"from": "human", "value": "… <image> … <image> …"}, {"from": "gpt",
"value": ANSWER}, …]}; paths are relative to the file's folder, or to its ``images``. The format is that of LLaVA's public code; CC-Foundation itself
has not been read here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from engine.contract.errors import InputError

from .rows import PairRow, words

# Questions that ask for the caption; all others are questions of their own.
CAPTION_QUESTION = re.compile(r"\b(difference|differences|changes?|changed|happened)\b")
ABOUT_SOMETHING = re.compile(r"\b(how many|which|did|was|were|is|are there|where|why)\b")
INTRODUCTION = re.compile(r"this is (the )?image ?\d( ?<image\d?>)?\.?|<image\d?>|\n")
SOURCE = "conv"


@dataclass(frozen=True)
class Conversation:
    """A pair with what was asked and answered about it, image marks and their introductions left out."""

    id: str
    before: Path
    after: Path
    turns: tuple[tuple[str, str], ...]

    def captions(self) -> tuple[tuple[str, ...], ...]:
        return tuple(words(answer) for question, answer in self.turns if asks_for_caption(question))

    def questions(self) -> tuple[tuple[str, str], ...]:
        return tuple(turn for turn in self.turns if not asks_for_caption(turn[0]))


def asks_for_caption(question: str) -> bool:
    """Whether a question asks what has changed, and not whether something certain has."""
    plain = question.lower()
    return not plain or (CAPTION_QUESTION.search(plain) is not None and ABOUT_SOMETHING.search(plain) is None)


def read_conversations(path: Path) -> list[Conversation]:
    """All conversations of a file about exactly two images.

    Raises
    ------
    InputError
        The file is no such list, or an entry is not complete or names an image that is not there.
    """
    need = 'a list of {"id", "image": [BEFORE, AFTER], "conversations"}'
    try:
        entries = json.loads(path.read_text("utf-8"))
        if not isinstance(entries, list):
            raise TypeError("no list")
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path} cannot be read ({error})", need, "name the conversations' JSON file") from error
    found = []
    for number, entry in enumerate(entries):
        try:
            images, said = entry["image"], entry["conversations"]
            if len(images) != 2 or not isinstance(images, list):
                raise ValueError(f"{len(images)} images")
            turns = tuple((_question(one["value"]), other["value"].strip()) for one, other in _paired(said))
            before, after = (_image(path.parent, name) for name in images)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"conversation {number} of {path} is not complete ({error!r})", need, "correct or remove it") from error
        found.append(Conversation(str(entry.get("id", number)), before, after, turns))
    return found


def rows_of(conversations: Sequence[Conversation]) -> list[PairRow]:
    """Training pairs, one for each two images, with the captions of all conversations about them; pairs without a caption keep none."""
    grouped: dict[tuple[Path, Path], list[Conversation]] = {}
    for conversation in conversations:
        grouped.setdefault((conversation.before, conversation.after), []).append(conversation)
    rows = []
    for (before, after), group in grouped.items():
        captions = tuple(caption for conversation in group for caption in conversation.captions())
        rows.append(PairRow(group[0].id, SOURCE, f"conv_{group[0].id}", "train", before, after, None, 1, None, captions, _side(before)))
    return rows


def _paired(said: Sequence[dict]) -> list[tuple[dict, dict]]:
    if len(said) % 2 or any(one["from"] != who for one, who in zip(said, ("human", "gpt") * len(said))):
        raise ValueError("turns that are not human and gpt in turn")
    return list(zip(said[::2], said[1::2], strict=True))


def _question(value: str) -> str:
    return INTRODUCTION.sub(" ", value.lower()).strip() and " ".join(re.sub(r"(?i)" + INTRODUCTION.pattern, " ", value).split())


def _image(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / "images" / name):
        if path.is_file():
            return path
    raise ValueError(f"no image {name} in {folder} or its images")


def _side(path: Path) -> int:
    try:
        with Image.open(path) as image:
            return image.width
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error})", "an image", "restore the file") from error
