"""Batches for training: pairs in memory, augmented, with every label that is known of them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.text import Vocabulary

from .augment import apply_symmetry, photometric, random_symmetry, shift
from .datasets import PairRow, read_pair

MASK_PX = 32  # side of the mask head's grid


@dataclass
class Batch:
    """before, after (N, 3, 256, 256) float 0..255. flag (N,), mask (N, 1, 32, 32), classes (N, 3, 7): targets, NaN where unknown.

    ids (K, L) caption tokens, owner (K,) row of each caption, style (K,) of each caption.
    """

    before: Tensor
    after: Tensor
    flag: Tensor
    mask: Tensor
    classes: Tensor
    ids: Tensor
    owner: Tensor
    style: Tensor


@dataclass(frozen=True)
class AugmentOptions:
    """Chances of each augmentation, 0..1; shift_px is the largest misregistration."""

    swap: float = 0.2
    same: float = 0.08
    shift: float = 0.4
    shift_px: int = 4
    captions: int = 3
    other_style: float = 0.3


class PairStore:
    """Pairs decoded once and kept as uint8 (about 0.45 MB each)."""

    def __init__(self, rows: list[PairRow]):
        self.rows = rows
        self.images = [read_pair(row) for row in rows]

    def __len__(self) -> int:
        return len(self.rows)


def style_of(row: PairRow) -> int:
    """0: LEVIR-CC's captions; 1: the captions written by eye for the other sources."""
    return 0 if row.source == "lcc" else 1


def sample(store: PairStore, index: int, vocabulary: Vocabulary, length: int, options: AugmentOptions, rng: np.random.Generator) -> tuple:
    """One augmented pair: before, after, flag, mask, classes, [(ids, style)]."""
    row, (before, after, mask) = store.rows[index], store.images[index]
    flag = np.nan if row.changed is None else float(row.changed)
    if row.changed is None and mask is not None and mask.mean() > 0.005:
        flag = 1.0
    classes = np.full((3, 7), np.nan, np.float32) if row.delta is None else row.delta
    captions = row.captions if row.changed else ()
    transpose, left_right, top_bottom, captions = random_symmetry(captions, rng)
    before, after = (apply_symmetry(image, transpose, left_right, top_bottom) for image in (before, after))
    mask_grid = _mask_grid(None if mask is None else apply_symmetry(mask, transpose, left_right, top_bottom))
    draw = rng.random()
    if draw < options.same:  # one date rendered twice: no change
        after = before if rng.integers(2) else after
        before, captions, flag = after, (), 0.0
        classes, mask_grid = np.zeros((3, 7), np.float32), np.zeros((1, MASK_PX, MASK_PX), np.float32)
    elif draw < options.same + options.swap:  # dates swapped: added and removed change places, the captions do not hold
        before, after, captions = after, before, ()
        classes = classes[[1, 0, 2]]
    if rng.random() < options.shift:
        after = shift(after, *rng.integers(-options.shift_px, options.shift_px + 1, 2))
    chosen = rng.permutation(len(captions))[: options.captions]
    texts = []
    for i in chosen:
        style = 0 if rng.random() < options.other_style else style_of(row)
        texts.append((vocabulary.encode(captions[i], length), style))
    return before, after, flag, mask_grid, classes, texts


def _mask_grid(mask: np.ndarray | None) -> np.ndarray:
    """Share of change in each cell of the 32×32 grid; NaN where there is no mask."""
    if mask is None:
        return np.full((1, MASK_PX, MASK_PX), np.nan, np.float32)
    step = mask.shape[0] // MASK_PX
    return mask.reshape(MASK_PX, step, MASK_PX, step).mean((1, 3), dtype=np.float32)[None]


def collate(samples: list[tuple], length: int, generator: torch.Generator) -> Batch:
    before, after, flag, mask, classes, texts = zip(*samples, strict=True)
    images = torch.from_numpy(np.concatenate((np.stack(before), np.stack(after)))).float()
    images = photometric(images, generator)
    tokens = [(ids, owner, style) for owner, row in enumerate(texts) for ids, style in row]
    ids, owner, style = ([t[i] for t in tokens] for i in range(3))
    n = len(samples)
    return Batch(
        images[:n],
        images[n:],
        torch.tensor(flag, dtype=torch.float32),
        torch.from_numpy(np.stack(mask)),
        torch.from_numpy(np.stack(classes).astype(np.float32)),
        torch.tensor(ids, dtype=torch.long).reshape(len(tokens), length),
        torch.tensor(owner, dtype=torch.long),
        torch.tensor(style, dtype=torch.long),
    )


def epoch_order(store: PairStore, batch_size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Indexes of one epoch's batches; the LEVIR-CC pairs, of which there are few, come twice."""
    twice = [i for i, row in enumerate(store.rows) if row.source == "lcc"]
    order = rng.permutation(np.concatenate((np.arange(len(store)), twice)))
    return [order[i : i + batch_size] for i in range(0, len(order) - batch_size + 1, batch_size)]


def batches(store: PairStore, order: list[np.ndarray], vocabulary: Vocabulary, length: int, options: AugmentOptions, seed: int) -> Iterator[Batch]:
    """Batches of one epoch, prepared by a thread two ahead."""
    ready: queue.Queue = queue.Queue(maxsize=2)

    def work() -> None:
        try:
            for number, indexes in enumerate(order):
                rng = np.random.default_rng((seed, number))
                generator = torch.Generator().manual_seed(seed * 1_000_003 + number)
                ready.put(collate([sample(store, i, vocabulary, length, options, rng) for i in indexes], length, generator))
            ready.put(None)
        except BaseException as error:  # handed to the training thread, which raises it
            ready.put(error)

    threading.Thread(target=work, daemon=True).start()
    while (item := ready.get()) is not None:
        if isinstance(item, BaseException):
            raise item
        yield item
