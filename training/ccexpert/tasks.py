"""What CCExpert is trained on and scored by: cached tokens or images, their samples, and where they come from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.contract.errors import InputError
from engine.models.ccexpert.net import CCExpertNet
from engine.models.ccexpert.prompt import ChatTokenizer
from engine.words.text import NO_CHANGE

from ..datasets import STRICT, PairRow, SplitOptions, captioned, check_leakage, load_rows, read_batch, training_rows, unchanged_sentences
from ..datasets.conversations import read_conversations, rows_of
from ..diffusion.batches import LEVIR_STYLE, FeatureSource, ImageSource, Source
from ..diffusion.features import UNCHANGED, Tokens, read_cached
from .batches import LEVIR, OTHERS, UNCHANGED_ENDING, Item, epoch_items
from .features import both_levels
from .questions import questions_of
from .stages import Stage


@dataclass
class Task:
    """What a run trains on, and what scores it.

    captions, groups : of each pair of the source; groups are where it comes from, with "-unchanged" behind it where nothing has changed
    (``Stage.sources``).
    val_levels : of ``val_rows``, in batches. data : the data set's folder.
    no_change : its sentences for pairs without a change.
    questions : about each pair with their answers, empty where none are known; () where nothing is asked.
    """

    source: FeatureSource | ImageSource
    captions: Sequence[Sequence[Tokens]]
    groups: list[str]
    val_rows: list[PairRow]
    val_levels: Callable[[CCExpertNet], Iterator[Tensor]]
    data: Path | str = ""
    questions: Sequence[Sequence[tuple[str, str]]] = ()
    no_change: tuple[str, ...] = tuple(sorted(NO_CHANGE))


def stage_items(stage: Stage, task: Task, seed: tuple[int, int]) -> list[Item]:
    """The samples of a whole stage, epoch after epoch; of the last one as many as its share."""
    items: list[Item] = []
    for epoch in range(math.ceil(stage.epochs)):
        rng = np.random.default_rng((*seed, epoch))
        found = epoch_items(list(map(len, task.captions)), task.groups, stage.captions, stage.sources, rng, stage.packed)
        items += found[: math.ceil(len(found) * min(1.0, stage.epochs - epoch))]
    return items


def samples(source: FeatureSource | ImageSource, chat: ChatTokenizer, items: Sequence[Item], rng: np.random.Generator) -> tuple[Source, list]:
    """Tokens or images of the items' pairs, and the token ids of their answers."""
    found = source.take([pair for pair, _ in items], rng)
    chosen = [[texts[i % len(texts)] for i in numbers] for texts, (_, numbers) in zip(found.captions, items, strict=True)]
    return found.source, [[chat.answer(" ".join(text)) for text in texts] for texts in chosen]


def asked(
    task: Task, chat: ChatTokenizer, items: Sequence[Item], answers: list, share: float, rng: np.random.Generator
) -> tuple[list[list[int]], list]:
    """Prompts and answers of the items, of which ``share`` ask a question about their pair instead of its caption, where one is known."""
    prompts = [chat.prompt()] * len(items)
    told = list(answers)
    for row, (pair, _) in enumerate(items):
        known = task.questions[pair] if pair < len(task.questions) else ()
        if known and rng.random() < share:
            question, answer = known[int(rng.integers(len(known)))]
            prompts[row], told[row] = chat.prompt(question), [chat.answer(answer)]
    return prompts, told


def groups_of(sources: Sequence[str], changed: Sequence[bool]) -> list[str]:
    return [source + ("" if flag else UNCHANGED_ENDING) for source, flag in zip(sources, changed, strict=True)]


def verify_sources(stages: Sequence[Stage], groups: Sequence[str]) -> None:
    """Raises InputError where a stage weighs pairs that there are none of."""
    known = {*groups, *(name + ending for name in (LEVIR, OTHERS) for ending in ("", UNCHANGED_ENDING))}
    for stage in stages:
        if set(stage.sources) - known:
            got = f"sources {', '.join(sorted(set(stage.sources) - known))} of stage {stage.name}"
            raise InputError(got, "some of " + ", ".join(sorted(known)), "correct the stage; cached tokens know LEVIR-CC's pairs from others alone")


def feature_task(data: Path, features: Path, val_pairs: int, apart: SplitOptions = STRICT) -> Task:
    """Tokens cached by ``training.ccexpert.features``, which looks for leaks; of the validation pairs ``val_pairs``, evenly spread.

    Raises
    ------
    InputError
        They are not there, or of other pairs.
    """
    cached, held_out = (read_cached(features / f"{split}.safetensors") for split in ("train", "val"))
    rows = load_rows(data)
    train_ids, by_id = [row.id for row in _training(rows, apart)], {row.id: row for row in captioned(rows, "val")}
    if cached.ids != train_ids or held_out.ids != list(by_id):
        raise InputError(f"{features} with tokens of other pairs", f"those of {data}", "run python -m training.ccexpert.features again")
    source = FeatureSource(cached, None, mirror=True)
    groups = groups_of([LEVIR if style == LEVIR_STYLE else OTHERS for style in cached.style], cached.changed.tolist())
    chosen = evenly(len(by_id), val_pairs)
    val_rows = [list(by_id.values())[i] for i in chosen]
    return Task(
        source,
        cached.captions,
        groups,
        val_rows,
        lambda net: cached_levels(held_out.condition[chosen]),
        data,
        known_questions(_training(rows, apart)),
    )


def cached_levels(levels: Tensor, batch_size: int = 32) -> Iterator[Tensor]:
    return (part.float() for part in levels.split(batch_size))


def evenly(count: int, wanted: int) -> np.ndarray:
    """``wanted`` indexes below ``count``, evenly spread."""
    return np.linspace(0, count - 1, min(wanted, count)).round().astype(int)


def image_task(data: Path, val_pairs: int, apart: SplitOptions = STRICT, limit: int | None = None) -> Task:
    """Pairs of images, for a tower that is trained too; of the validation pairs ``val_pairs``, evenly spread.

    Raises
    ------
    InputError
        The data are not complete, or leak.
    """
    rows = load_rows(data)
    train_rows, held_out = _training(rows, apart)[:limit], captioned(rows, "val")
    val_rows = [held_out[i] for i in evenly(len(held_out), val_pairs)]
    check_leakage(train_rows, [row for row in rows if row.split != "train"], apart)

    def levels(net: CCExpertNet) -> Iterator[Tensor]:
        device = next(net.parameters()).device
        for start in range(0, len(val_rows), 8):
            yield both_levels(net)(*(torch.from_numpy(images).to(device) for images in read_batch(val_rows[start : start + 8])))

    source, texts, groups = _shown(train_rows)
    return Task(source, texts, groups, val_rows, levels, data, known_questions(source.store.rows), unchanged_sentences(train_rows))


def stage_task(data: Path, whole: Task, held_out: Sequence[PairRow], apart: SplitOptions = STRICT, limit: int | None = None) -> Task:
    """What a stage trains on that has data of its own: a data set's folder, or a JSON file of conversations; ``whole`` validates it.

    Raises
    ------
    InputError
        The data are not complete, or show the ground of ``held_out``, the run's own evaluation pairs.
    """
    if data.suffix == ".json":
        conversations = read_conversations(data)
        rows = [row for row in rows_of(conversations) if row.captions][:limit]
        about: dict[tuple[Path, Path], list[tuple[str, str]]] = {}
        for conversation in conversations:
            about.setdefault((conversation.before, conversation.after), []).extend(conversation.questions())
        questions: Sequence[Sequence[tuple[str, str]]] = [about[row.before, row.after] for row in rows]
    else:
        rows = _training(load_rows(data), apart)[:limit]
        questions = known_questions(rows)
    if not rows:
        raise InputError(f"no captioned training pair in {data}", "pairs with captions", "name other data for the stage")
    check_leakage(rows, held_out, apart)
    source, texts, groups = _shown(rows)
    return Task(source, texts, groups, whole.val_rows, whole.val_levels, data, questions)


def known_questions(rows: Sequence[PairRow]) -> list[list[tuple[str, str]]]:
    """Questions about pairs as they are, with answers that are known (``questions.questions_of``)."""
    return [[(one.question, one.answer) for one in questions_of(row)] for row in rows]


def _shown(rows: Sequence[PairRow]) -> tuple[ImageSource, list, list[str]]:
    """Pairs as they are, their captions and their groups."""
    source = ImageSource(rows, None, False, unchanged_sentences(rows))
    stored = source.store.rows
    texts = [row.captions if row.changed or source.own_words else UNCHANGED for row in stored]
    return source, texts, groups_of([row.source for row in stored], [bool(row.changed) for row in stored])


def _training(rows: list[PairRow], apart: SplitOptions = STRICT) -> list[PairRow]:
    return [row for row in training_rows(rows, apart) if row.captions]
