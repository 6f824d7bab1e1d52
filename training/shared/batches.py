"""Batches for training: pairs in memory, augmented, with every label that is known of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.contract.tiles import CLASSES
from engine.words.facts import stated_changes
from engine.words.text import Vocabulary

from ..augment import (
    TELLING,
    any_symmetry,
    apply_symmetry,
    composite,
    hidden_for,
    joint_fill,
    misregister,
    moves_whole,
    photometric,
    random_symmetry,
    rerender,
    reverse_captions,
    reverse_classes,
    season_safe,
    sensor_look,
    speaks_of_colour,
    unchanged_composite,
)
from ..datasets import DELTA_SIGNS, PairRow, read_pair
from ..datasets.rows import WORLD

MASK_PX = 32  # side of the mask head's grid
SEEN_CHANGE = 0.005  # share of a tile from which a building change counts as a changed tile
OWN_STYLE = ("lcc", "dcc", "conv", "reviewed")
REVIEWED = "reviewed"  # source of a user's own pairs (training.tuning.tune)
MEANING = 768  # width of all-MPNet-base-v2
FILL = joint_fill  # how hidden pixels look
Tokens = tuple[str, ...]


@dataclass
class Batch:
    """before, after (N, 3, 256, 256) float 0..255. flag (N,), mask (N, 1, 32, 32), classes (N, 3, 7): targets, NaN where unknown.

    ids (K, L) caption tokens, owner (K,) row of each caption, style (K,) of each caption.
    meaning (N, 768): embedding of a pair's captions, NaN where none.
    """

    before: Tensor
    after: Tensor
    flag: Tensor
    mask: Tensor
    classes: Tensor
    ids: Tensor
    owner: Tensor
    style: Tensor
    meaning: Tensor


@dataclass(frozen=True)
class AugmentOptions:
    """Chances of each augmentation, 0..1.

    compose : of pasting another pair's change into an unchanged pair. shift_px : largest misregistration. captions : most of them used of one pair.
    other_style : captions shown as the other corpus's. same_world : of one date twice, for changed pairs of the world, which has few unchanged ones.
    turned : of a symmetry drawn from all eight though not every caption can be rewritten for it. hidden : of pixels without data. sensor : of the
    other sensors' looks, each of which has a chance of its own.
    """

    swap: float = 0.25
    same: float = 0.08
    same_world: float = 0.08
    turned: float = 0.0
    hidden: float = 0.0
    sensor: float = 0.0
    compose: float = 0.3
    shift: float = 0.4
    shift_px: int = 4
    captions: int = 3
    other_style: float = 0.3


class PairStore:
    """Pairs decoded once and kept as uint8 (about 0.45 MB each).

    meanings : embedding (768,) of a changed pair's captions by row id, for text-guided contrast.
    """

    def __init__(self, rows: list[PairRow], meanings: Mapping[str, np.ndarray] | None = None):
        self.rows, self.meanings = rows, meanings or {}
        self.images = [read_pair(row) for row in rows]
        masks = {i: mask for i, (_, _, mask) in enumerate(self.images) if rows[i].changed and mask is not None and mask.any()}
        self.donors = list(masks)
        self.whole_donors = [i for i, mask in masks.items() if rows[i].captions and moves_whole(mask)]

    def __len__(self) -> int:
        return len(self.rows)


def style_of(row: PairRow) -> int:
    """0: the captions of published data sets and of a user's review; 1: those written by eye for the project's other sources.

    Models write in style 0. The published sets are not mixed with one another, so that their annotators need no styles of their own.
    """
    return 0 if row.source in OWN_STYLE else 1


@dataclass
class Sample:
    """One pair on its way into a batch: uint8 images (3, 256, 256) and what is known of them (None: unknown).

    classes : (3, 7), NaN where unknown. style : of the captions. season : a season's tint on one date leaves all of it true.
    meaning : (768,) embedding of the captions, where they say all of the change. hidden : pixels that neither date shows, bool (256, 256).
    """

    before: np.ndarray
    after: np.ndarray
    flag: float | None
    mask: np.ndarray | None
    classes: np.ndarray
    captions: tuple[Tokens, ...]
    style: int
    season: bool
    meaning: np.ndarray | None = None
    hidden: np.ndarray | None = None


def plain_sample(row: PairRow, images: tuple) -> Sample:
    """The pair as it is."""
    before, after, mask = images
    flag = None if row.changed is None or row.sure == 0 else float(row.changed)
    if flag is None and mask is not None and mask.mean() > SEEN_CHANGE:
        flag = 1.0
    season = season_safe(row.captions, flag)
    return Sample(before, after, flag, mask, class_targets(row), row.captions if row.changed else (), style_of(row), season)


def class_targets(row: PairRow) -> np.ndarray:
    """Added, removed and altered classes (3, 7); NaN where unknown.

    Where nobody noted them, those that two captions state are taken as true and those that none states as false.
    """
    if row.delta is not None:
        return row.delta
    targets = np.full((len(DELTA_SIGNS), len(CLASSES)), np.nan, np.float32)
    if row.changed and row.captions:
        stated = [stated_changes(" ".join(caption)) for caption in row.captions]
        for sign in range(2):
            for column, name in enumerate(CLASSES):
                votes = sum(name in found[sign] for found in stated)
                targets[sign, column] = 1.0 if votes >= 2 else 0.0 if votes == 0 else np.nan
    return targets


def augmented(store: PairStore, index: int, options: AugmentOptions, rng: np.random.Generator) -> Sample:
    """One pair, often with another's change in it, with one date twice or its dates swapped; turned, mirrored and slightly out of register."""
    found = plain_sample(store.rows[index], store.images[index])
    found.meaning = store.meanings.get(store.rows[index].id)
    draw, registered, world = rng.random(), True, store.rows[index].source in WORLD
    same = options.same_world if world and found.flag == 1 else options.same
    if found.flag == 0 and store.donors and not world and rng.random() < options.compose:
        _compose(found, store, rng)
    elif draw < same:  # no change, whatever the pair
        found.before, found.after = rerender(found.before, found.after, None if found.flag is None else found.flag == 1, rng)
        found.flag, found.captions, found.meaning, found.season, registered = 0.0, (), None, True, False
        found.classes, found.mask = np.zeros_like(found.classes), np.zeros((256, 256), np.uint8)
    elif draw < same + options.swap:
        found.before, found.after, found.meaning = found.after, found.before, None
        found.classes, found.captions = reverse_classes(found.classes), reverse_captions(found.captions)
    *symmetry, found.captions = (any_symmetry if rng.random() < options.turned else random_symmetry)(found.captions, rng)
    found.before, found.after = (apply_symmetry(image, *symmetry) for image in (found.before, found.after))
    found.mask = None if found.mask is None else apply_symmetry(found.mask, *symmetry)
    if registered and rng.random() < options.shift:
        found.after = misregister(found.after, rng, options.shift_px)
    if rng.random() < options.sensor:
        found.before, found.after, coloured = sensor_look(found.before, found.after, rng)
        if not coloured:
            found.captions = tuple(caption for caption in found.captions if not speaks_of_colour(caption))
    if rng.random() < options.hidden:
        _hide(found, rng)
    return found


def _hide(found: Sample, rng: np.random.Generator) -> None:
    """Hide part of both dates and what can then no longer be known; the pixels themselves are filled after the looks are drawn (``collate``)."""
    found.hidden = hidden_for(found.flag, found.mask, found.before.shape[-1], rng)
    if found.hidden is None:
        return
    if found.mask is not None:
        found.mask = np.where(found.hidden, 0, found.mask).astype(found.mask.dtype)
    if found.flag != 0 and found.hidden.mean() > TELLING:
        found.captions, found.meaning = (), None
        found.classes = np.where(found.classes > 0, np.nan, found.classes).astype(np.float32)


def _compose(found: Sample, store: PairStore, rng: np.random.Generator) -> None:
    """Paste a donor's change into both dates, or one date of it into both, so that a seam alone says nothing."""
    donors = store.whole_donors if store.whole_donors and rng.random() < 0.4 else store.donors
    donor = donors[rng.integers(len(donors))]
    row, (before, after, mask) = store.rows[donor], store.images[donor]
    assert mask is not None  # donors have one
    host = (found.before, found.after)
    if rng.random() < 0.35:
        found.before, found.after = unchanged_composite(host, (before, after), mask, rng) or host
        return
    changed = composite(host, (before, after), mask, row.captions, rng)
    if changed is not None:
        found.before, found.after, found.mask, found.captions = changed
        found.flag, found.style, found.season = 1.0, style_of(row), season_safe(row.captions, True)
        found.classes = np.full_like(found.classes, np.nan)  # which of the donor's changes came along is not known


def texts_of(found: Sample, vocabulary: Vocabulary, length: int, options: AugmentOptions, rng: np.random.Generator) -> list[tuple[list[int], int]]:
    """Ids and style of some of the captions."""
    chosen = rng.permutation(len(found.captions))[: options.captions]
    return [(vocabulary.encode(found.captions[i], length), 0 if rng.random() < options.other_style else found.style) for i in chosen]


def _mask_grid(mask: np.ndarray | None) -> np.ndarray:
    """Share of change in each cell of the 32×32 grid; NaN where there is no mask."""
    if mask is None:
        return np.full((1, MASK_PX, MASK_PX), np.nan, np.float32)
    step = mask.shape[0] // MASK_PX
    return mask.reshape(MASK_PX, step, MASK_PX, step).mean((1, 3), dtype=np.float32)[None]


def collate(samples: list[Sample], texts: list[list[tuple[list[int], int]]], length: int, generator: torch.Generator) -> Batch:
    """One batch of samples and of the captions chosen for each, with a look drawn for every date."""
    n = len(samples)
    images = torch.from_numpy(np.stack([s.before for s in samples] + [s.after for s in samples])).float()
    images = photometric(images, generator, season=torch.tensor([s.season for s in samples]))
    for i, sample in enumerate(samples):
        if sample.hidden is not None:  # after the looks: what fills a gap has none
            rng = np.random.default_rng(int(torch.randint(2**31, (), generator=generator)))
            filled = FILL(images[i].numpy(), images[n + i].numpy(), sample.hidden, rng)
            images[i], images[n + i] = (torch.from_numpy(image) for image in filled)
    tokens = [(ids, owner, style) for owner, row in enumerate(texts) for ids, style in row]
    ids, owner, style = ([t[i] for t in tokens] for i in range(3))
    return Batch(
        images[:n],
        images[n:],
        torch.tensor([np.nan if s.flag is None else s.flag for s in samples], dtype=torch.float32),
        torch.from_numpy(np.stack([_mask_grid(s.mask) for s in samples])),
        torch.from_numpy(np.stack([s.classes for s in samples]).astype(np.float32)),
        torch.tensor(ids, dtype=torch.long).reshape(len(tokens), length),
        torch.tensor(owner, dtype=torch.long),
        torch.tensor(style, dtype=torch.long),
        torch.from_numpy(np.stack([np.full(MEANING, np.nan, np.float32) if s.meaning is None else s.meaning for s in samples])),
    )


def epoch_order(store: PairStore, batch_size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Indexes of one epoch's batches; the LEVIR-CC pairs, of which there are few, come twice."""
    twice = [i for i, row in enumerate(store.rows) if row.source == "lcc"]
    order = rng.permutation(np.concatenate((np.arange(len(store)), np.array(twice, int))))
    return [order[i : i + batch_size] for i in range(0, len(order) - batch_size + 1, batch_size)]


class _Epoch(torch.utils.data.Dataset):
    """The batches of one epoch; each is drawn from its own seed, so that its content does not depend on which process makes it."""

    def __init__(self, store: PairStore, order: list[np.ndarray], vocabulary: Vocabulary, length: int, options: AugmentOptions, seed: int):
        self.store, self.order, self.vocabulary, self.length, self.options, self.seed = store, order, vocabulary, length, options, seed

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, number: int) -> Batch:
        if number >= len(self.order):
            raise IndexError(number)
        rng = np.random.default_rng((self.seed, number))
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + number)
        samples = [augmented(self.store, i, self.options, rng) for i in self.order[number]]
        texts = [texts_of(found, self.vocabulary, self.length, self.options, rng) for found in samples]
        return collate(samples, texts, self.length, generator)


def batches(store: PairStore, order: list[np.ndarray], vocabulary: Vocabulary, length: int, options: AugmentOptions, seed: int) -> Iterable[Batch]:
    """Batches of one epoch, prepared by another process three ahead: its small operations would wait for one another on the training's threads."""
    epoch = _Epoch(store, order, vocabulary, length, options, seed)
    return torch.utils.data.DataLoader(epoch, batch_size=None, num_workers=1, prefetch_factor=3)
