"""``scribe-s``: DFM's architecture (ICME 2026, eqs 7–10) made compact, on an EfficientNet-lite encoder.

    before, after → shared encoder → change prior P (the change-detection branch: score, classes, building-change map)
                                   → raw difference D (eq 8) and joint features F
                                   → joint feature modelling: D and F attend to P, attend to each other, gated fusion Z (eq 10)
                                   → autoregressive decoder over Z

Departures from the paper: a convolutional encoder in place of the ViT; the change prior (eq 9) is trained together with the captions
on building masks and change flags, and captions send no gradient into it, where the paper takes a frozen pretrained one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..contract.tiles import CLASSES
from ..registry import checkpoint
from ..words.text import END, PAD, START, UNKNOWN, Vocabulary
from .beam import decode
from .blocks import block_size, in_blocks
from .captioner import Captioner, CaptionOptions, Classes, Encoded, ModelCard, calibrated
from .device import cpu_has_bf16, half_precision
from .efficientnet import FEATURE_STAGES, EfficientNetLite
from .layers import Attention, CaptionDecoder, feed_forward, sine_positions
from .mask import MASK_STAGES, MaskDecoder, fingerprint, percentages, read_mask
from .onednn import fused

DELTAS = ("added", "removed", "altered")
# Pairs encoded at once on a CPU, where the features of a few stay in the cache; a second look is at few.
CACHED_PAIRS, SECOND_LOOKS = 2, 1
DECODED_PAIRS = 8
MASKED_PAIRS = 1
ALL_STAGES = sorted({*MASK_STAGES, *FEATURE_STAGES})
DOUBTFUL = 2.0  # logits of the change flag, either side of even, that a second look is worth


@dataclass(frozen=True)
class ScribeConfig:
    """Sizes of the network; saved in the weights' metadata.

    styles : caption corpora told apart in training (0: LEVIR-CC's annotators, 1: ours); style : the one that captions are written in.
    """

    encoder: str = "lite0"
    prior_width: int = 96
    width: int = 256
    heads: int = 8
    hidden: int = 512
    decoder_layers: int = 2
    max_length: int = 32
    dropout: float = 0.1
    beams: int = 6
    styles: int = 2
    style: int = 0
    class_attention: bool = False


class ChangeState(NamedTuple):
    """What the change branch finds in N pairs.

    flag : (N,) logit of any change. classes : (N, 3, 7) logits of added, removed, altered by class.
    mask : (N, 1, 32, 32) logits of building change. prior : (N, 256, prior_width) tokens at stride 16.
    """

    flag: Tensor
    classes: Tensor
    mask: Tensor
    prior: Tensor


class Seen(NamedTuple):
    """The change branch before its heads: pooled features (N, c), maps (N, 3 · prior_width, 16, 16), mask and prior as in ``ChangeState``.

    levels : both dates merged at strides 8, 16 and 32, (N, prior_width, h, w) each.
    """

    pooled: Tensor
    maps: Tensor
    mask: Tensor
    prior: Tensor
    levels: tuple[Tensor, ...] = ()


class ChangePrior(nn.Module):
    """The change-detection branch: a small feature pyramid over both dates' features and their difference."""

    def __init__(self, channels: Sequence[int], width: int, class_attention: bool):
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(c, width, 1) for c in channels)
        self.mix = nn.ModuleList(nn.Conv2d(3 * width, width, 1) for _ in channels)
        self.refine = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(4))
        self.mask = nn.Conv2d(width, 1, 1)
        classes = len(DELTAS) * len(CLASSES)
        self.classes = ClassAttention(3 * width, width, classes) if class_attention else None
        pooled, out = (4 * width, 1) if class_attention else (2 * width, 1 + classes)
        self.head = nn.Sequential(nn.Linear(pooled, 128), nn.GELU(), nn.Dropout(0.2), nn.Linear(128, out))

    def forward(self, before: Sequence[Tensor], after: Sequence[Tensor]) -> ChangeState:
        return self.state(self.look(before, after))

    def state(self, seen: Seen) -> ChangeState:
        """What the heads make of what was seen."""
        flag, classes = self.judge(seen)
        return ChangeState(flag, classes, seen.mask.float(), seen.prior)

    def look(self, before: Sequence[Tensor], after: Sequence[Tensor]) -> Seen:
        """What the heads see in the features of both dates."""
        levels, dates = [], []
        for lateral, mix, b, a in zip(self.lateral, self.mix, before, after):
            b, a = lateral(b), lateral(a)
            dates.append((b, a))
            levels.append(F.relu(mix(torch.cat((b, a, (a - b).abs()), dim=1))))
        coarse = F.relu(levels[1] + self.refine[0](_upsample(levels[2])))
        fine = F.relu(levels[0] + self.refine[1](_upsample(coarse)))
        fine = F.relu(self.refine[2](fine)) if self.classes is None else fine + F.relu(self.refine[2](fine))
        mask = self.mask(fine)
        prior = coarse + F.relu(self.refine[3](coarse + F.avg_pool2d(fine, 2)))
        pooled = [prior.mean((2, 3)), prior.amax((2, 3))]
        if self.classes is not None:
            # Small changes fill a cell of the fine level and vanish in the coarse one.
            pooled += [fine.mean((2, 3)), fine.amax((2, 3))]
        return Seen(torch.cat(pooled, dim=1), torch.cat((prior, *dates[1]), dim=1), mask, prior.flatten(2).transpose(1, 2), tuple(levels))

    def judge(self, seen: Seen) -> tuple[Tensor, Tensor]:
        """Logits of the change flag (N,) and of the classes (N, 3, 7)."""
        logits = self.head(seen.pooled).float()
        classes = logits[:, 1:] if self.classes is None else self.classes(seen.maps).float()
        return logits[:, 0], classes.unflatten(1, (len(DELTAS), -1))


class ClassAttention(nn.Module):
    """One logit a class, read where that class's own attention looks: (N, channels, h, w) → (N, classes)."""

    def __init__(self, channels: int, width: int, classes: int):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(channels, width, 1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Dropout2d(0.1))
        self.look = nn.Conv2d(width, classes, 1)
        self.say = nn.Conv2d(width, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        attention = self.look(x).flatten(2).float().softmax(2)
        return (attention * self.say(x).flatten(2)).sum(2)


class JointFeatures(nn.Module):
    """Joint feature modelling (DFM eq 10): D and F are refined by the change prior and by each other, then fused by a learned gate.

    Tokens of both dates (N, 64, c16 + c32), as ``date_tokens`` makes them, and P (N, 256, prior_width) → Z (N, 64, width).
    """

    def __init__(self, channels: Sequence[int], prior_width: int, width: int, heads: int, hidden: int, dropout: float):
        super().__init__()
        token = channels[1] + channels[2]
        self.difference = nn.Linear(token, width)
        self.joint = nn.Linear(2 * token, width)
        self.prior = nn.Linear(prior_width, width)
        self.attend_difference = Attention(width, heads)
        self.attend_joint = Attention(width, heads)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(5))
        self.both = Attention(width, heads)
        self.feed_forward = feed_forward(width, hidden, dropout)
        self.gate = nn.Linear(2 * width, width)
        self.register_buffer("positions", sine_positions(8, 8, width), persistent=False)
        self.register_buffer("prior_positions", sine_positions(16, 16, width), persistent=False)

    def forward(self, b: Tensor, a: Tensor, prior: Tensor) -> Tensor:
        memory = self.norms[0](self.prior(prior)) + self.prior_positions
        difference = self.norms[1](self.difference(a - b)) + self.positions
        joint = self.norms[2](self.joint(torch.cat((b, a), dim=2))) + self.positions
        difference = difference + self.attend_difference(difference, memory)
        joint = joint + self.attend_joint(joint, memory)
        both = torch.cat((difference, joint), dim=1)
        normed = self.norms[3](both)
        both = both + self.both(normed, normed)
        both = both + self.feed_forward(self.norms[4](both))
        difference, joint = both.chunk(2, dim=1)
        gate = torch.sigmoid(self.gate(torch.cat((difference, joint), dim=2)))
        return gate * difference + (1 - gate) * joint


class ScribeNet(nn.Module):
    """Encoder, change branch, joint features and decoder of ``scribe-s``."""

    def __init__(self, config: ScribeConfig, vocabulary: int):
        super().__init__()
        self.config = config
        self.encoder = EfficientNetLite(config.encoder)
        channels = self.encoder.channels
        self.prior = ChangePrior(channels, config.prior_width, config.class_attention)
        self.joint = JointFeatures(channels, config.prior_width, config.width, config.heads, config.hidden, config.dropout)
        self.styles = nn.Embedding(config.styles, config.width)
        self.decoder = CaptionDecoder(vocabulary, config.width, config.heads, config.hidden, config.decoder_layers, config.max_length, config.dropout)

    def encode(self, before: Tensor, after: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Features of both dates from one pass: uint8 (N, 3, 256, 256) each."""
        features = self.encoder(torch.cat((before, after)))
        n = len(before)
        return [f[:n] for f in features], [f[n:] for f in features]

    def memory(self, before: Sequence[Tensor], after: Sequence[Tensor], change: ChangeState) -> Tensor:
        """Memory tokens for the decoder, without the style token: (N, 64, width)."""
        return self.joint(date_tokens(before), date_tokens(after), change.prior.detach())

    def with_style(self, memory: Tensor, style: Tensor) -> Tensor:
        """Append the style's token (style: (N,) ids): (N, 65, width)."""
        return torch.cat((memory, self.styles(style)[:, None].to(memory.dtype)), dim=1)


def _upsample(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def date_tokens(features: Sequence[Tensor]) -> Tensor:
    """Strides 16 and 32 as tokens at stride 32: (N, 64, c16 + c32)."""
    return torch.cat((F.avg_pool2d(features[1], 2), features[2]), dim=1).flatten(2).transpose(1, 2)


def read_checkpoint(path: str) -> tuple[ScribeNet, Vocabulary, ModelCard, dict[str, Any]]:
    """Network (float32), vocabulary, card and calibration of a file written by ``training.scribe.export``.

    Raises
    ------
    ModelError
        Not a safetensors file, or without the metadata or tensors of this model.
    """
    with checkpoint.opened(path, "a scribe checkpoint (safetensors)", "add the published file with `changescribe models add FILE`") as found:
        net = ScribeNet(ScribeConfig(**found.config), len(found.vocabulary))
        net.load_state_dict(found.state)
    return net, found.vocabulary, found.card, found.calibration


class Found(NamedTuple):
    """The captioner's state of N pairs.

    before, after : tokens of both dates. stages : features of each pair's dates for its mask, (1, c, h, w) by stride; empty where none is wanted.
    """

    before: Tensor
    after: Tensor
    change: ChangeState
    stages: list[tuple[list[Tensor], list[Tensor]]]


class ScribeCaptioner(Captioner):
    """``scribe-s`` behind the Captioner interface."""

    has_heatmap = True
    cpu_batch = 32  # pixels are encoded CACHED_PAIRS at a time all the same; of many tiles, blocks for the decoder are fuller

    def __init__(self, net: ScribeNet, vocabulary: Vocabulary, card: ModelCard, calibration: dict[str, Any], device: torch.device):
        self.card, self.vocabulary, self.calibration, self.device = card, vocabulary, calibration, device
        self.early_stages = fingerprint(net.encoder)
        computes_bf16 = cpu_has_bf16() if device.type == "cpu" else half_precision(device.type) == torch.bfloat16
        self.precision = torch.bfloat16 if computes_bf16 else torch.float32  # its weights were never tried in float16
        self.net = net.eval().to(device=device, dtype=self.precision).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.encoder = fused(self.net.encoder) if device.type == "cpu" else self.net.encoder
        self.class_limits = torch.logit(torch.tensor(calibration["class_thresholds"]))
        self.mask: MaskDecoder | None = None

    @classmethod
    def from_checkpoint(cls, path: str, device: str = "cpu") -> ScribeCaptioner:
        """Load a file written by ``training.scribe.export``; raises as ``read_checkpoint``."""
        net, vocabulary, card, calibration = read_checkpoint(path)
        return cls(net, vocabulary, card, calibration, torch.device(device))

    def save_metadata(self) -> dict[str, str]:
        """What ``from_checkpoint`` needs beside the tensors."""
        return checkpoint.metadata(self.net.config, self.vocabulary, self.card, self.calibration)

    def draw_masks_with(self, path: str) -> None:
        """Take up mask weights, where they were trained for this encoder's stages; ModelError as ``read_mask`` raises it."""
        found = read_mask(path)
        if found.encoder != self.early_stages:
            return
        self.mask = found.decoder.eval().to(device=self.device, dtype=self.precision).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.card = replace(self.card, objects=found.kinds)

    def find_change(self, before: Tensor, after: Tensor) -> tuple[Tensor, Tensor, ChangeState]:
        """Tokens of both dates and the change found; where its flag is in doubt, averaged with the mirrored pair's."""
        return self._find(before, after, None)

    def _find(self, before: Tensor, after: Tensor, kept: list[list[Tensor]] | None) -> tuple[Tensor, Tensor, ChangeState]:
        b, a, change = self._look(before, after, kept=kept)
        doubtful = torch.nonzero(change.flag.abs() < DOUBTFUL).flatten()
        if len(doubtful):
            mirrored = self._look(before[doubtful].flip(3), after[doubtful].flip(3), SECOND_LOOKS)[2]
            change.flag[doubtful] = (change.flag[doubtful] + mirrored.flag) / 2
        return b, a, change

    def _look(
        self, before: Tensor, after: Tensor, on_cpu: int = CACHED_PAIRS, kept: list[list[Tensor]] | None = None
    ) -> tuple[Tensor, Tensor, ChangeState]:
        """Tokens of both dates and the change in them, of all pairs; each block's features for masks go into ``kept``."""
        b, a, *change = in_blocks(partial(self._look_at, kept=kept), block_size(self.device, on_cpu), before, after)
        return b, a, ChangeState(*change)

    def _look_at(self, before: Tensor, after: Tensor, kept: list[list[Tensor]] | None) -> tuple[Tensor, ...]:
        n, images = len(before), torch.cat((before, after))
        if kept is None:
            features = self.encoder(images)
        else:
            found = dict(zip(ALL_STAGES, self.encoder(images, ALL_STAGES)))
            kept.append([found[stage] for stage in MASK_STAGES])
            features = [found[stage] for stage in FEATURE_STAGES]
        tokens = date_tokens(features)
        return tokens[:n], tokens[n:], *self.net.prior([f[:n] for f in features], [f[n:] for f in features])

    def encode(self, before: Tensor, after: Tensor) -> Encoded:
        return self._encoded(before, after, None)

    def encode_for_objects(self, before: Tensor, after: Tensor) -> Encoded:
        return self._encoded(before, after, [])

    def _encoded(self, before: Tensor, after: Tensor, kept: list[list[Tensor]] | None) -> Encoded:
        b, a, change = self._find(before, after, kept)
        score = calibrated(change.flag, self.calibration["temperature"], self.calibration["bias"])
        names = [class_names(found) for found in (change.classes.cpu() >= self.class_limits)]
        stages = [pair for block in kept or () for pair in _pairs_of(block)][: len(before)]
        return Encoded(score, names, Found(b, a, change, stages), torch.sigmoid(change.mask[:, 0]).cpu().numpy())

    def masks(self, state: Any, index: Tensor) -> list[np.ndarray]:
        if self.mask is None:
            raise NotImplementedError("the card names no objects")
        size, wanted, found = block_size(self.device, MASKED_PAIRS), index.tolist(), []
        for first in range(0, len(wanted), size):
            rows = wanted[first : first + size]
            pairs = [state.stages[row] for row in (rows + rows[-1:] * size)[:size]]
            dates = [[torch.cat([pair[date][level] for pair in pairs]) for level in range(len(MASK_STAGES))] for date in range(2)]
            found += [*percentages(self.mask(*dates))[: len(rows)]]
        return found

    def generate(self, state: Any, index: Tensor, options: CaptionOptions, seeds: Sequence[int]) -> list[tuple[str, float]]:
        rows = state.before[index], state.after[index], state.change.prior[index]
        (memory,) = in_blocks(self._memory, block_size(self.device, CACHED_PAIRS), *rows)
        ids, block = self.vocabulary.ids, block_size(self.device, DECODED_PAIRS)
        beams = 1 if options.decoding == "greedy" else self.net.config.beams
        results = decode(self.net.decoder, memory, ids[START], ids[END], beams, banned=(ids[PAD], ids[START], ids[UNKNOWN]), block=block)
        return [(self.vocabulary.decode(tokens), score) for tokens, score in results]

    def _memory(self, before: Tensor, after: Tensor, prior: Tensor) -> tuple[Tensor]:
        memory = self.net.joint(before, after, prior)
        return (self.net.with_style(memory, torch.full((len(memory),), self.net.config.style, device=self.device)),)


def _pairs_of(block: Sequence[Tensor]) -> list[tuple[list[Tensor], list[Tensor]]]:
    """Features of a block's images, (2 n, c, h, w) by stage, the befores first, as those of each pair and date, (1, c, h, w)."""
    n = len(block[0]) // 2
    return [([f[i : i + 1] for f in block], [f[n + i : n + i + 1] for f in block]) for i in range(n)]


def class_names(found: Tensor) -> Classes:
    """Names of the classes added, removed and altered: (3, 7) bool."""
    added, removed, altered = (tuple(name for name, there in zip(CLASSES, row) if there) for row in found.tolist())
    return added, removed, altered
