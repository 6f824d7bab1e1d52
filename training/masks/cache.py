"""Features of the encoder's frozen stages, computed once for each variant of a pair and kept on disk in half precision.

A variant is the pair turned, lit, zoomed in on or partly hidden in one way; the decoder sees each of them many times, swapped or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from engine.contract.objects import OBJECT_KINDS
from engine.models.mask import MASK_STAGES

from ..augment import joint_fill, photometric
from ..datasets import PairRow
from .samples import GRID, UNKNOWN, MaskSample, drawn

AT_ONCE = 4  # images through the encoder at a time: their features stay in the processor's cache
FRESH = 0.15  # share of the draws of any variant, which costs as much as a step where it is a new one
CENTRED = 0.8  # share of the quarters of changed tiles that hold some of the change
LIT = 0.7  # share of the variants, the first excepted, that get another look


class FeatureCache:
    """Variants of ``rows``: features of both dates and targets, filled as they are asked for.

    Files of fixed size in ``folder``: one row a pair and variant. They stay from run to run; a byte of ``done`` says what has been filled.
    """

    def __init__(self, rows: Sequence[PairRow], encoder: nn.Module, channels: Sequence[int], folder: Path, variants: int, seed: int):
        folder.mkdir(parents=True, exist_ok=True)
        self.rows, self.encoder, self.variants, self.seed = rows, encoder, variants, seed
        self.shapes = [(c, GRID >> level, GRID >> level) for level, c in enumerate(channels)]
        self.sizes = [int(np.prod(shape)) for shape in self.shapes]
        count, kinds = len(rows) * variants, len(OBJECT_KINDS)
        self.features = _file(folder / "features.f16", np.float16, (count, 2, sum(self.sizes)))
        self.cells = _file(folder / "cells.u8", np.uint8, (count, kinds + 1, GRID, GRID))
        self.named = _file(folder / "named.f32", np.float32, (count, kinds))
        self.done = _file(folder / "done.u8", np.uint8, (count,))

    def read(
        self, wanted: Sequence[tuple[int, int]], rng: np.random.Generator | None = None
    ) -> tuple[list[Tensor], list[Tensor], Tensor, Tensor, Tensor]:
        """Features of both dates by stride, (N, c, h, w) float32 each; cells (N, K, 128, 128) and changed (N, 128, 128), bytes; named (N, K).

        ``wanted`` : pairs and variants. ``rng`` : for a quarter of each tile, mostly one with built change; what is only named is then unknown.
        """
        places = [pair * self.variants + variant for pair, variant in wanted]
        self._fill([(pair, variant) for (pair, variant), place in zip(wanted, places, strict=True) if not self.done[place]])
        corners = [(0, 0) if rng is None else self._corner(place, rng) for place in places]
        side = 1 if rng is None else 2
        dates = [[self._cut(places, date, level, corners, side) for level in range(len(self.shapes))] for date in range(2)]
        size = GRID // side
        windows = [(slice(row << 3, (row << 3) + size), slice(col << 3, (col << 3) + size)) for row, col in corners]
        cells = torch.from_numpy(np.stack([self.cells[place][:, rows, cols] for place, (rows, cols) in zip(places, windows, strict=True)]))
        named = torch.from_numpy(self.named[places])
        return dates[0], dates[1], cells[:, :-1], cells[:, -1], named if rng is None else torch.where(named == 1, torch.nan, named)

    def choose(self, pair: int, rng: np.random.Generator) -> tuple[int, int]:
        """A pair and one of its variants, mostly one that is filled already."""
        filled = np.flatnonzero(self.done[pair * self.variants : (pair + 1) * self.variants])
        if len(filled) and rng.random() >= FRESH:
            return pair, int(rng.choice(filled))
        return pair, int(rng.integers(self.variants))

    def _corner(self, place: int, rng: np.random.Generator) -> tuple[int, int]:
        """Upper left cell, at stride 16, of a quarter of the tile."""
        changed = self.cells[place, -1]
        rows, cols = np.nonzero((changed > 0) & (changed != UNKNOWN))
        corner = rng.integers(0, (GRID >> 4) + 1, 2)
        if len(rows) and rng.random() < CENTRED:
            i, reach = rng.integers(len(rows)), rng.integers(0, GRID >> 4, 2)
            corner = np.clip((int(rows[i]) >> 3, int(cols[i]) >> 3) - reach, 0, GRID >> 4)
        return int(corner[0]), int(corner[1])

    def _cut(self, places: Sequence[int], date: int, level: int, corners: Sequence[tuple[int, int]], side: int) -> Tensor:
        """Features of one stride, (N, c, h / side, w / side), from the corners on."""
        start, (c, h, w), scale = sum(self.sizes[:level]), self.shapes[level], 3 - level
        found = np.empty((len(places), h // side, w // side, c), np.float16)
        for i, (place, (row, col)) in enumerate(zip(places, corners, strict=True)):
            stored = self.features[place, date, start : start + self.sizes[level]].reshape(h, w, c)
            found[i] = stored[row << scale : (row << scale) + h // side, col << scale : (col << scale) + w // side]
        return torch.from_numpy(found).float().permute(0, 3, 1, 2)

    def _fill(self, missing: list[tuple[int, int]]) -> None:
        for first in range(0, len(missing), AT_ONCE // 2):
            chunk = missing[first : first + AT_ONCE // 2]
            samples = [drawn(self.rows[pair], variant, np.random.default_rng((self.seed, pair, variant))) for pair, variant in chunk]
            images = pixels(samples, [variant > 0 for _, variant in chunk], (self.seed, *chunk[0]))
            found = [feature.permute(0, 2, 3, 1).flatten(1).half() for feature in stage_features(self.encoder, images)]
            features = torch.cat(found, dim=1).numpy()
            for i, (sample, (pair, variant)) in enumerate(zip(samples, chunk, strict=True)):
                place = pair * self.variants + variant
                self.features[place, 0], self.features[place, 1] = features[i], features[len(chunk) + i]
                self.cells[place, :-1], self.cells[place, -1] = sample.cells, sample.changed
                self.named[place] = sample.named
                self.done[place] = 1


def pixels(samples: Sequence[MaskSample], lit: Sequence[bool], seed: tuple[int, ...]) -> Tensor:
    """The befores, then the afters, float 0..255 (2N, 3, 256, 256), some of those that may be in another light."""
    rng, n = np.random.default_rng(seed), len(samples)
    images = torch.from_numpy(np.stack([s.before for s in samples] + [s.after for s in samples])).float()
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    for i, sample in enumerate(samples):
        if lit[i] and rng.random() < LIT:
            images[[i, n + i]] = photometric(images[[i, n + i]], generator)
        if sample.hidden is not None:  # after the looks: what fills a gap has none
            filled = joint_fill(images[i].numpy(), images[n + i].numpy(), sample.hidden, rng)
            images[i], images[n + i] = (torch.from_numpy(image) for image in filled)
    return images


def stage_features(encoder: nn.Module, images: Tensor) -> list[Tensor]:
    """Outputs of the stages that the mask is read from, of images 0..255."""
    with torch.inference_mode():
        return encoder(images, MASK_STAGES)


def _file(path: Path, kind: type, shape: tuple[int, ...]) -> np.ndarray:
    """A file of the shape, mapped; empty where it is new or has another size."""
    size = int(np.prod(shape)) * np.dtype(kind).itemsize
    there = path.is_file() and path.stat().st_size == size
    return np.memmap(path, np.dtype(kind), "r+" if there else "w+", shape=shape)
