"""Batches for DFM: captioned pairs, one of their captions at random (the baseline's recipe), as they are or augmented so that it stays true."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.evaluation.evaluate import NO_CHANGE
from engine.words.text import Vocabulary

from ..augment import apply_symmetry, misregister, photometric, random_symmetry, reverse_captions
from ..datasets import PairRow, read_pair

UNCHANGED_SENTENCES = tuple(sorted(NO_CHANGE))
SWAPPED, SHIFTED = 0.25, 0.4  # chances of exchanged dates and of a misregistration


@dataclass
class DfmBatch:
    """before, after : (N, 3, 256, 256) float, 0..255. changed : (N,) float, 0 or 1.

    ids : (N, L) tokens of a caption; pads alone for unchanged pairs that are not captioned.
    sentences : N, for the text-guided contrast; where nothing changed one that says so.
    """

    before: Tensor
    after: Tensor
    changed: Tensor
    ids: Tensor
    sentences: list[str]


def targets(
    captions: Sequence[Sequence[str]],
    changed: bool,
    vocabulary: Vocabulary,
    length: int,
    rng: np.random.Generator,
    unchanged_captions: bool = False,
) -> tuple[list[int], str]:
    """Token ids and sentence of one of the captions; of an unchanged pair pads alone, unless such pairs are captioned too."""
    if not changed and not (unchanged_captions and captions):
        return [0] * length, UNCHANGED_SENTENCES[rng.integers(len(UNCHANGED_SENTENCES))]
    chosen = captions[int(rng.integers(len(captions)))]
    return vocabulary.encode(chosen, length), " ".join(chosen)


class DfmPairs:
    """Captioned pairs decoded once and kept as uint8 (0.4 MB each).

    augment, unchanged_captions : as ``DfmOptions``.
    """

    def __init__(self, rows: Sequence[PairRow], vocabulary: Vocabulary, length: int, augment: bool = True, unchanged_captions: bool = False):
        self.rows, self.vocabulary, self.length = rows, vocabulary, length
        self.augment, self.unchanged_captions = augment, unchanged_captions
        self.images = [read_pair(row)[:2] for row in rows]

    def __len__(self) -> int:
        return len(self.rows)

    def _augmented(self, index: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, tuple[tuple[str, ...], ...]]:
        row, (before, after) = self.rows[index], self.images[index]
        if not self.augment:
            return before, after, row.captions
        *symmetry, captions = random_symmetry(row.captions if row.changed else (), rng)
        before, after = apply_symmetry(before, *symmetry), apply_symmetry(after, *symmetry)
        if rng.random() < SWAPPED:
            turned = reverse_captions(captions)
            if turned or not row.changed:  # else nobody could say what the exchanged dates show
                before, after, captions = after, before, turned
        if rng.random() < SHIFTED:
            after = misregister(after, rng)
        return before, after, captions if row.changed else row.captions  # no change remains none, whatever the symmetry

    def batch(self, indexes: Sequence[int], seed: tuple[int, ...]) -> DfmBatch:
        """The pairs of ``indexes``; everything random comes from ``seed``."""
        rng = np.random.default_rng(seed)
        found = [self._augmented(index, rng) for index in indexes]
        changed = [bool(self.rows[index].changed) for index in indexes]
        texts = [
            targets(captions, flag, self.vocabulary, self.length, rng, self.unchanged_captions) for (_, _, captions), flag in zip(found, changed)
        ]
        images = torch.from_numpy(np.stack([before for before, _, _ in found] + [after for _, after, _ in found])).float()
        if self.augment:
            images = photometric(images, torch.Generator().manual_seed(int(rng.integers(1 << 62))))
        ids = torch.tensor([tokens for tokens, _ in texts])
        return DfmBatch(
            images[: len(found)], images[len(found) :], torch.tensor(changed, dtype=torch.float32), ids, [sentence for _, sentence in texts]
        )

    def epoch(self, batch_size: int, seed: tuple[int, ...]) -> Iterator[DfmBatch]:
        """Every pair once, in an order drawn from ``seed``; prepared by a thread two batches ahead."""
        order = np.random.default_rng(seed).permutation(len(self))
        ready: queue.Queue = queue.Queue(maxsize=2)

        def work() -> None:
            try:
                for number, start in enumerate(range(0, len(order), batch_size)):
                    ready.put(self.batch(order[start : start + batch_size].tolist(), (*seed, number)))
                ready.put(None)
            except BaseException as error:  # handed to the training thread, which raises it
                ready.put(error)

        threading.Thread(target=work, daemon=True).start()
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
