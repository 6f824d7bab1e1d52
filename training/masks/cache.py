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
from .samples import GRID, MaskSample, drawn

AT_ONCE = 4  # images through the encoder at a time: their features stay in the processor's cache
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

    def read(self, wanted: Sequence[tuple[int, int]]) -> tuple[list[Tensor], list[Tensor], Tensor, Tensor, Tensor]:
        """Features of both dates by stride, (N, c, h, w) float32 each; cells (N, K, 128, 128) and changed (N, 128, 128), bytes; named (N, K).

        ``wanted`` : pairs and variants.
        """
        places = [pair * self.variants + variant for pair, variant in wanted]
        self._fill([(pair, variant) for (pair, variant), place in zip(wanted, places, strict=True) if not self.done[place]])
        flat = torch.from_numpy(self.features[places]).float()
        dates = [[self._shaped(flat[:, date], level) for level in range(len(self.shapes))] for date in range(2)]
        cells = torch.from_numpy(self.cells[places])
        return dates[0], dates[1], cells[:, :-1], cells[:, -1], torch.from_numpy(self.named[places])

    def _shaped(self, flat: Tensor, level: int) -> Tensor:
        start, (c, h, w) = sum(self.sizes[:level]), self.shapes[level]
        return flat[:, start : start + self.sizes[level]].reshape(-1, h, w, c).permute(0, 3, 1, 2)  # stored channels last

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
    mode = "r+" if path.is_file() and path.stat().st_size == size else "w+"
    return np.memmap(path, kind, mode, shape=shape)
