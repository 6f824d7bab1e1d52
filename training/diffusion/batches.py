"""Batches for the diffusion captioners: conditions cached from a frozen encoder, or image pairs to train the encoder with.

A batch is drawn from (seed, step) alone, so that a resumed run goes on as if it had never stopped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Union

import numpy as np
import torch
from torch import Tensor

from engine.words.text import NO_CHANGE, Vocabulary

from ..augment import apply_symmetry, photometric, random_symmetry
from ..datasets import PairRow
from ..shared.batches import AugmentOptions, PairStore, augmented, plain_sample
from .features import UNCHANGED, CachedPairs

LEVIR_STYLE = 0
# Cached conditions (N, …, tokens, C), or RGB images of both dates (N, 3, 256, 256), 0..255.
Source = Union[Tensor, tuple[Tensor, Tensor]]
Tokens = tuple[str, ...]


@dataclass
class Pairs:
    """N pairs with what is true of them; captions of each, at least one."""

    source: Source
    changed: list[bool]
    captions: list[tuple[Tokens, ...]]
    style: list[int]


@dataclass
class DiffusionBatch:
    """N pairs and K captions of each: changed (N,) float, 0 or 1; ids (N·K, L), style (N·K,), those of one pair in succession."""

    source: Source
    changed: Tensor
    ids: Tensor
    style: Tensor

    def parts(self, count: int) -> list[DiffusionBatch]:
        """The batch in ``count`` parts, whose losses are added up before a step; of fewer pairs one part a pair."""
        captions = len(self.ids) // len(self.changed)
        found = []
        for pairs in torch.arange(len(self.changed)).tensor_split(min(count, len(self.changed))):
            of_pairs = slice(int(pairs[0]), int(pairs[-1]) + 1)
            of_captions = slice(of_pairs.start * captions, of_pairs.stop * captions)
            source = (self.source[0][of_pairs], self.source[1][of_pairs]) if isinstance(self.source, tuple) else self.source[of_pairs]
            found.append(DiffusionBatch(source, self.changed[of_pairs], self.ids[of_captions], self.style[of_captions]))
        return found


class PairSource(Protocol):
    """Where pairs come from. weights : (N,) chance of each to be drawn."""

    weights: np.ndarray

    def take(self, indexes: Sequence[int], rng: np.random.Generator) -> Pairs: ...


class FeatureSource:
    """Pairs of cached conditions; those without a caption are left out.

    Parameters
    ----------
    mirror : turn and mirror the grid of tokens at random, and the captions with it; tokens without positions would not notice.
    """

    def __init__(self, cached: CachedPairs, unchanged_share: float | None, mirror: bool):
        self.cached, self.mirror = cached, mirror
        known = np.array([bool(captions) for captions in cached.captions])
        self.weights = draw_weights(cached.changed.numpy(), np.array(cached.style), unchanged_share, known)

    def take(self, indexes: Sequence[int], rng: np.random.Generator) -> Pairs:
        side = math.isqrt(self.cached.condition.shape[-2])
        order = np.arange(side * side).reshape(1, side, side)
        conditions, captions = [], []
        for i in indexes:
            if self.mirror:
                *symmetry, texts = random_symmetry(self.cached.captions[i], rng)
                tokens = torch.from_numpy(apply_symmetry(order, *symmetry).ravel().copy())
                conditions.append(self.cached.condition[i][..., tokens, :])
                captions.append(texts)
            else:
                conditions.append(self.cached.condition[i])
                captions.append(self.cached.captions[i])
        return Pairs(torch.stack(conditions).float(), self.cached.changed[indexes].tolist(), captions, [self.cached.style[i] for i in indexes])


class TextSource:
    """Sentences without a picture: the condition of each is one token of zeros."""

    def __init__(self, sentences: Sequence[Tokens], condition_width: int):
        self.sentences, self.condition_width = sentences, condition_width
        self.weights = np.full(len(sentences), 1 / len(sentences))

    def take(self, indexes: Sequence[int], rng: np.random.Generator) -> Pairs:
        n = len(indexes)
        return Pairs(torch.zeros(n, 1, self.condition_width), [True] * n, [(self.sentences[i],) for i in indexes], [LEVIR_STYLE] * n)


class ImageSource:
    """Pairs of images, kept decoded; with ``augment`` as ``scribe-s`` sees them.

    no_change : sentences of the data set for pairs without a change. LEVIR-CC's five stand for all such pairs; where a data set has others, a pair
    that is shown as it is keeps its own captions.
    """

    def __init__(self, rows: Sequence[PairRow], unchanged_share: float | None, augment: bool, no_change: Sequence[str] = ()):
        self.own_words = bool(no_change) and not NO_CHANGE & {*no_change}
        self.unchanged = tuple(tuple(sentence.split()) for sentence in no_change) if self.own_words else UNCHANGED
        self.store, self.augment = PairStore([row for row in rows if row.captions]), augment
        samples = [plain_sample(row, images) for row, images in zip(self.store.rows, self.store.images, strict=True)]
        changed, style = np.array([bool(s.flag) for s in samples]), np.array([s.style for s in samples])
        self.weights = draw_weights(changed, style, unchanged_share, np.ones(len(samples), bool))

    def take(self, indexes: Sequence[int], rng: np.random.Generator) -> Pairs:
        samples = []
        for i in indexes:
            sample = augmented(self.store, i, AugmentOptions(), rng) if self.augment else None
            if sample is None or sample.flag is None or (sample.flag and not sample.captions):  # nobody could say what it shows
                sample = plain_sample(self.store.rows[i], self.store.images[i])
            samples.append(sample)
        images = torch.from_numpy(np.stack([s.before for s in samples] + [s.after for s in samples])).float()
        if self.augment:
            generator = torch.Generator().manual_seed(int(rng.integers(1 << 62)))
            images = photometric(images, generator, season=torch.tensor([s.season for s in samples]))
        before, after = images.chunk(2)
        captions = [s.captions if s.flag else self._unchanged(i) for i, s in zip(indexes, samples, strict=True)]
        return Pairs((before, after), [bool(s.flag) for s in samples], captions, [s.style for s in samples])

    def _unchanged(self, index: int) -> tuple[Tokens, ...]:
        row = self.store.rows[index]
        return row.captions if self.own_words and row.changed == 0 else self.unchanged


def draw_weights(changed: np.ndarray, style: np.ndarray, unchanged_share: float | None, known: np.ndarray) -> np.ndarray:
    """Chance of each pair to be drawn, which sum to 1.

    Parameters
    ----------
    unchanged_share : of the pairs without a change, all of which have the same five sentences; LEVIR-CC's, of which there are few, then count
        twice. None: all pairs alike. known : pairs that have a caption; others are never drawn.
    """
    weights = known.astype(float)
    if unchanged_share is not None:
        weights *= np.where(style == LEVIR_STYLE, 2.0, 1.0)
        for which, share in ((changed, 1 - unchanged_share), (~changed, unchanged_share)):
            if weights[which].sum() > 0:
                weights[which] *= share / weights[which].sum()
    return weights / weights.sum()


def draw(source: PairSource, vocabulary: Vocabulary, length: int, pairs: int, captions: int, seed: tuple[int, ...]) -> DiffusionBatch:
    """A batch of ``pairs`` and ``captions`` of each at random; one that is too long or has an unknown word only where a pair has no other."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(source.weights), min(pairs, int((source.weights > 0).sum())), replace=False, p=source.weights)
    found = source.take(chosen.tolist(), rng)
    ids, style = [], []
    for texts, kind in zip(found.captions, found.style, strict=True):
        fitting = [text for text in texts if len(text) <= length - 2 and vocabulary.ids.keys() >= set(text)] or list(texts)
        order = np.concatenate([rng.permutation(len(fitting)) for _ in range(-(-captions // len(fitting)))])[:captions]
        ids += [vocabulary.encode(fitting[i], length) for i in order]
        style += [kind] * captions
    changed = torch.tensor(found.changed, dtype=torch.float32)
    return DiffusionBatch(found.source, changed, torch.tensor(ids), torch.tensor(style))
