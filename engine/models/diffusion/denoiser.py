"""The condition denoiser and the whole network of Diffusion-RSCC and KD-RSCC, which differ in the noise and the time embedding alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ...contract.errors import InputError
from .discrete import DiscreteDiffusion
from .encoder import ENCODERS, PIXELS, ImageDifferenceEncoder
from .fusion import BERT_EPS, CrossModeFusion, FourierTime, Memory, SinusoidTime, stacked_self_attention
from .karras import Preconditioning
from .samplers import Condition, Denoise
from .text import TextSpace

FAMILIES = ("discrete", "karras")
# Of the learned positions at the start, about the size of the text that they are added to: at BERT's 0.02, whose embeddings are as small and are
# normalised, words would take long to find their order.
POSITION_SIZE = 0.3


@dataclass(frozen=True)
class DiffusionConfig:
    """Sizes and switches.

    family : "discrete" (Diffusion-RSCC) or "karras" (KD-RSCC). encoder, pixels : as ``ImageDifferenceEncoder``.
    latent : width of the space that is diffused. inner, fusion_hidden : of the cross-attention and the block behind it.
    steps : T of the discrete chain. sigma_data : σ_d of the continuous one; sigma_min, sigma_max : of the grid that it is sampled on.
    query_residual : see ``CrossModeFusion``. normalised : embeddings of root mean square sigma_data.
    self_conditioning : the network is also given its last estimate (Chen et al. 2023, arXiv 2208.04202). change_flag : see ``ChangeFlag``.
    styles : kinds of captions told apart in training (0: LEVIR-CC's annotators, 1: ours); captions are written in kind 0. 0: no such input.
    length_prediction : see ``LengthHead``; the denoiser is told how many tokens to write.
    attention_dropout : of the attention's probabilities, in BERT's places, and no other dropout in the fusion; ``dropout`` is then that of hidden
    states. None: ``dropout`` in the places of PyTorch's layers, and on the fusion's outputs. entry_norm : a layer norm, with dropout, between
    fusion and self-attention. time_bias : of KD-RSCC's time projection.
    """

    family: str = "discrete"
    encoder: str = "resnet101"
    pixels: str = "levir-cc"
    length: int = 41
    latent: int = 16
    width: int = 768
    heads: int = 12
    hidden: int = 3072
    layers: int = 3
    inner: int = 2048
    fusion_heads: int = 8
    fusion_hidden: int = 128
    positions: int = 512
    dropout: float = 0.1
    steps: int = 2000
    sigma_data: float = 0.5
    sigma_min: float = 0.01
    sigma_max: float = 160.0
    query_residual: bool = False
    normalised: bool = False
    self_conditioning: bool = False
    change_flag: bool = False
    styles: int = 0
    length_prediction: bool = False
    attention_dropout: float | None = None
    entry_norm: bool = False
    time_bias: bool = True

    def __post_init__(self):
        for name, known in (("family", FAMILIES), ("encoder", ENCODERS), ("pixels", tuple(PIXELS))):
            if getattr(self, name) not in known:
                raise InputError(f"{name} {getattr(self, name)!r}", "one of " + ", ".join(known), "correct the configuration")
        for width, heads in ((self.width, self.heads), (self.inner, self.fusion_heads)):
            if width % heads or width % 2:
                raise InputError(f"width {width} with {heads} heads", "an even multiple of the heads", "correct the configuration")
        if self.length > self.positions:
            raise InputError(f"length {self.length} with {self.positions} positions", "a position for each word", "correct the configuration")


_COMPACT: dict[str, Any] = {
    "encoder": "efficientnet-lite2",
    "length": 20,
    "width": 256,
    "heads": 8,
    "hidden": 512,
    "inner": 512,
    "positions": 20,
    "dropout": 0.0,
    "query_residual": True,
    "normalised": True,
    "self_conditioning": True,
    "change_flag": True,
    "styles": 2,
}
# The published configurations carry the model's id; "-compact" are ours.
_PUBLISHED: dict[str, Any] = {"pixels": "imagenet", "attention_dropout": 0.1, "entry_norm": True}
PRESETS = {
    "diffusion-rscc": DiffusionConfig(**_PUBLISHED),
    "kd-rscc": DiffusionConfig("karras", length=44, dropout=0.0, time_bias=False, **_PUBLISHED),
    "diffusion-rscc-compact": DiffusionConfig(sigma_data=1.0, **_COMPACT),
    "kd-rscc-compact": DiffusionConfig("karras", sigma_min=0.1, sigma_max=10.0, **_COMPACT),
}


class ConditionDenoiser(nn.Module):
    """Noised text (N, L, latent), time (N,) and condition → (N, L, latent): x̂0 of Diffusion-RSCC, F of KD-RSCC (EDM, eq 7)."""

    def __init__(self, config: DiffusionConfig, condition_width: int):
        super().__init__()
        width = config.width
        self.self_conditioning = config.self_conditioning
        entering = config.latent * (2 if config.self_conditioning else 1)
        self.enter = nn.Sequential(nn.Linear(entering, width), nn.Tanh(), nn.Linear(width, width))
        self.positions = nn.Parameter(torch.randn(config.positions, width) * POSITION_SIZE)
        self.styles = nn.Parameter(torch.randn(config.styles, width) * 0.02) if config.styles else None
        self.lengths = nn.Parameter(torch.randn(config.length + 1, width) * 0.02) if config.length_prediction else None
        self.time = SinusoidTime(width) if config.family == "discrete" else FourierTime(width, config.time_bias)
        fusion = config.inner, config.fusion_heads, config.fusion_hidden, config.dropout, config.query_residual, config.attention_dropout
        self.fusion = CrossModeFusion(width, condition_width, *fusion)
        self.entry = nn.Sequential(nn.LayerNorm(width, eps=BERT_EPS), nn.Dropout(config.dropout)) if config.entry_norm else nn.Identity()
        sizes = width, config.heads, config.hidden, config.layers, config.dropout, config.attention_dropout
        self.attention = stacked_self_attention(*sizes)
        self.leave = nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, config.latent))

    def forward(
        self,
        x: Tensor,
        time: Tensor,
        condition: Condition,
        estimate: Tensor | None = None,
        style: Tensor | None = None,
        length: Tensor | None = None,
    ) -> Tensor:
        """Denoised text.

        estimate : (N, L, latent), the last x̂0, for self-conditioning; zeros where there is none yet. style : (N,) int64; 0 by default.
        length : (N,) int64, tokens before the padding, of a network with length prediction; 0, unknown, by default.
        """
        if self.self_conditioning:
            x = torch.cat((x, torch.zeros_like(x) if estimate is None else estimate), dim=2)
        text = self.enter(x) + self.positions[: x.shape[1]] + self.time(time)[:, None]
        if self.styles is not None:
            text = text + (self.styles[0] if style is None else self.styles[style][:, None])
        if self.lengths is not None:
            text = text + (self.lengths[0] if length is None else self.lengths[length][:, None])
        return self.leave(self.attention(self.entry(self.fusion(text, condition))))


class ChangeFlag(nn.Module):
    """Whether anything changed: condition (N, M, condition_width) → logit (N,). Swapping the dates changes nothing.

    Ours: the published models say so in their sentence alone, which costs a whole sampling.
    """

    def __init__(self, condition_width: int, width: int = 128, dropout: float = 0.2):
        super().__init__()
        self.enter = nn.Linear(condition_width, width, bias=False)
        self.mix = nn.Sequential(nn.Linear(width, width), nn.ReLU())
        self.leave = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * width, 1))

    def forward(self, condition: Tensor) -> Tensor:
        tokens = self.mix(self.enter(condition).abs())
        return self.leave(torch.cat((tokens.mean(1), tokens.amax(1)), dim=1))[:, 0]


class LengthHead(nn.Module):
    """How many tokens a caption has, with its start and end: condition (N, M, condition_width) → logits (N, length + 1) of 0 to ``length``.

    Ours, after the length predictors of non-autoregressive translation (Gu et al. 2018, arXiv 1711.02281): a chain that settles word by word
    and length at once often repeats a word or stops in the middle.
    """

    def __init__(self, condition_width: int, length: int, width: int = 128):
        super().__init__()
        self.mix = nn.Sequential(nn.Linear(condition_width, width), nn.ReLU())
        self.leave = nn.Linear(width, length + 1)

    def forward(self, condition: Tensor) -> Tensor:
        return self.leave(self.mix(condition).mean(1))


class DiffusionNet(nn.Module):
    """Image-difference encoder, text space and condition denoiser; ``denoise`` is the samplers' D(x, σ, condition)."""

    def __init__(self, config: DiffusionConfig, vocabulary: int):
        super().__init__()
        self.config = config
        self.encoder = ImageDifferenceEncoder(config.encoder, config.pixels)
        self.text = TextSpace(vocabulary, config.latent, config.sigma_data if config.normalised else None)
        self.denoiser = ConditionDenoiser(config, self.encoder.channels)
        self.flag = ChangeFlag(self.encoder.channels) if config.change_flag else None
        self.length = LengthHead(self.encoder.channels, config.length) if config.length_prediction else None
        if config.family == "discrete":
            self.diffusion = DiscreteDiffusion.sqrt(config.steps)
        else:
            self.preconditioning = Preconditioning(config.sigma_data)

    def memory(self, before: Tensor, after: Tensor) -> Memory:
        """Keys and values of the condition of RGB pairs (N, 3, 256, 256), 0..255: computed once, used by every step."""
        return self.denoiser.fusion.project(self.encoder(before, after))

    def denoise(self, x: Tensor, sigma: Tensor, condition: Condition) -> Tensor:
        """Clean estimate x̂0 (N, L, latent) of x = x0 + σ·noise, sigma (N,) > 0; of a network with self-conditioning that of the first step."""
        return self.chain()(x, sigma, condition)

    def likely_lengths(self, condition: Tensor) -> Tensor | None:
        """(N,) int64 of condition tokens (N, M, condition_width), of a network with length prediction."""
        return None if self.length is None else self.length(condition).argmax(1)

    def chain(self, lengths: Tensor | None = None) -> Denoise:
        """D(x, σ, condition) for one run of a sampler, which remembers its last estimate for self-conditioning.

        lengths : (N,) of the rows of x, of a network with length prediction.
        """
        last: Tensor | None = None

        def predict(x: Tensor, time: Tensor, condition: Condition) -> Tensor:
            return self.denoiser(x, time, condition, last, length=lengths)

        # Made anew: kept as a member it would go on using this denoiser in a deep copy (EMA).
        levels = self.diffusion if self.config.family == "discrete" else self.preconditioning
        denoise = levels.denoiser(predict)

        def remembering(x: Tensor, sigma: Tensor, condition: Condition) -> Tensor:
            nonlocal last
            last = denoise(x, sigma, condition)
            return last

        return remembering
