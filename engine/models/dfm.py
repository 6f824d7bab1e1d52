"""DFM (ICME 2026): joint feature modelling over any image encoder, with a frozen change-detection prior.

    before, after → encoder (CLIP ViT-B/32, DINOv2 or EfficientNet-lite) → raw difference D (eq 8), features F of both dates
                  → frozen change-detection encoder → prior P (eq 9)
                  → joint feature modelling → Z (eq 10) → autoregressive decoder over Z and the words

Departure from the paper: a linear head on the pooled Z says whether anything changed, because the engine decodes only tiles that did;
the decoder therefore learns from changed pairs alone. The text-guided contrast (eqs 1–6) is training's: ``training.shared.tgcl``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..contract.errors import InputError
from ..registry import checkpoint
from ..words.text import END, PAD, START, UNKNOWN, Vocabulary
from .beam import decode
from .blocks import block_size, in_blocks
from .captioner import Captioner, CaptionOptions, Encoded, ModelCard, calibrated
from .joint import FUSIONS, PRIOR_SIDE, JointFeatures
from .prefix import PrefixDecoder
from .scribe import DECODED_PAIRS, ChangeState, ScribeConfig, ScribeNet, class_names
from .vit import ENCODERS, PUBLISHED, Features, build_encoder

# Layers of the change branch that can serve as P: the merged levels at three strides, or the refined tokens that its flag is read from.
ENCODED_PAIRS = 2  # at once on a CPU
CD_LAYERS = ("stride8", "stride16", "stride32", "prior")


@dataclass(frozen=True)
class DfmConfig:
    """Sizes and switches; saved in the weights' metadata.

    encoder, encoder_sizes : as ``vit.PUBLISHED``. trained_blocks : of the encoder, counted from its end.
    fusion : how D, F and P become Z. cd_prior : whether there is a P. cd_layer : where in the change branch it is taken.
    cd_config : ``ScribeConfig`` of the change-detection encoder.
    """

    encoder: str = "efficientnet"
    encoder_sizes: dict[str, Any] = field(default_factory=lambda: dict(PUBLISHED["efficientnet"]))
    trained_blocks: int = 4
    fusion: str = "full"
    cd_prior: bool = True
    cd_layer: str = "prior"
    cd_config: dict[str, Any] = field(default_factory=lambda: asdict(ScribeConfig()))
    width: int = 256
    heads: int = 8
    hidden: int = 512
    decoder_layers: int = 2
    max_length: int = 41
    dropout: float = 0.1
    beams: int = 4

    def __post_init__(self):
        for name, known in (("encoder", ENCODERS), ("fusion", FUSIONS), ("cd_layer", CD_LAYERS)):
            if getattr(self, name) not in known:
                raise InputError(f"{name} {getattr(self, name)!r}", "one of " + ", ".join(known), "correct the configuration")
        if self.width % self.heads or self.width % 4:
            raise InputError(f"width {self.width} with {self.heads} heads", "a multiple of the heads and of 4", "correct the configuration")

    @property
    def prior_width(self) -> int | None:
        return ScribeConfig(**self.cd_config).prior_width if self.cd_prior else None


# "paper": the published encoder and decoder (the baseline's 1 layer, 768 wide, 8 heads, feed-forward 3072).
PRESETS = {
    "paper": DfmConfig("clip", dict(PUBLISHED["clip"]), trained_blocks=6, width=768, heads=8, hidden=3072, decoder_layers=1),
    "compact": DfmConfig(),
}


class Prior(NamedTuple):
    """What the frozen change detector finds: its own ``ChangeState``, and the tokens P (N, 256, prior_width) of the chosen layer."""

    state: ChangeState
    tokens: Tensor


class ChangeDetector(nn.Module):
    """The frozen change-detection encoder (eq 9): encoder and change branch of a trained ``scribe-s``.

    Never trained and always in evaluation mode.
    """

    def __init__(self, config: Mapping[str, Any], layer: str):
        super().__init__()
        net = ScribeNet(ScribeConfig(**config), vocabulary=4)  # its captioning half is left out
        self.encoder, self.branch, self.layer = net.encoder, net.prior, layer
        self.requires_grad_(False)
        self.train(False)

    def train(self, mode: bool = True) -> ChangeDetector:
        return super().train(False)

    @torch.no_grad()
    def forward(self, before: Tensor, after: Tensor) -> Prior:
        """uint8 or float (N, 3, 256, 256), 0..255, each."""
        n = len(before)
        features = self.encoder(torch.cat((before, after)))
        dates = [f[:n] for f in features], [f[n:] for f in features]
        seen = self.branch.look(*dates)
        state = self.branch.state(seen)
        if self.layer == "prior":
            return Prior(state, state.prior)
        level = seen.levels[CD_LAYERS.index(self.layer)]
        return Prior(state, F.adaptive_avg_pool2d(level, PRIOR_SIDE).flatten(2).transpose(1, 2))


class DfmHeads(nn.Module):
    """Everything behind the encoders: joint features, change flag, decoder."""

    def __init__(self, config: DfmConfig, encoder_width: int, side: int, vocabulary: int, prior_side: int = PRIOR_SIDE):
        super().__init__()
        sizes = config.width, config.heads, config.hidden
        self.joint = JointFeatures(encoder_width, side, config.prior_width, *sizes, config.dropout, config.fusion, prior_side)
        self.flag = nn.Linear(2 * config.width, 1)
        self.decoder = PrefixDecoder(vocabulary, *sizes, config.decoder_layers, config.max_length, config.dropout)

    def forward(self, before: Features, after: Features, prior: Tensor | None) -> tuple[Tensor, Tensor]:
        """Z (N, T, width) and the logit of any change (N,)."""
        joint = self.joint(before, after, prior)
        return joint, self.flag(torch.cat((joint.mean(1), joint.amax(1)), dim=1))[:, 0]


class DfmNet(nn.Module):
    """Encoder, frozen change detector (with ``cd_prior``) and heads."""

    def __init__(self, config: DfmConfig, vocabulary: int):
        super().__init__()
        self.config = config
        self.encoder = build_encoder(config.encoder, config.encoder_sizes)
        self.detector = ChangeDetector(config.cd_config, config.cd_layer) if config.cd_prior else None
        self.heads = DfmHeads(config, self.encoder.width, self.encoder.side, vocabulary)

    def encode(self, before: Tensor, after: Tensor) -> tuple[Features, Features, Prior | None]:
        """Features of both dates, and the prior: uint8 or float (N, 3, 256, 256), 0..255, each."""
        n = len(before)
        cls, grid = self.encoder(torch.cat((before, after)))
        prior = self.detector(before, after) if self.detector is not None else None
        return Features(cls[:n], grid[:n]), Features(cls[n:], grid[n:]), prior


class DfmCaptioner(Captioner):
    """``dfm`` behind the Captioner interface. Classes and heat map are the change detector's; without one there are none."""

    def __init__(self, net: DfmNet, vocabulary: Vocabulary, card: ModelCard, calibration: dict[str, Any], device: torch.device):
        self.card, self.vocabulary, self.calibration, self.device = card, vocabulary, calibration, device
        self.net = net.eval().to(device)

    @classmethod
    def from_checkpoint(cls, path: str, device: str = "cpu") -> DfmCaptioner:
        """Load a file written by ``training.dfm.train``.

        Raises
        ------
        ModelError
            Not a safetensors file, or without the metadata or tensors of this model.
        """
        with checkpoint.opened(path, "a dfm checkpoint (safetensors)", "train one with training.dfm.train") as found:
            net = DfmNet(DfmConfig(**found.config), len(found.vocabulary))
            net.load_state_dict(found.state)
        return cls(net, found.vocabulary, found.card, found.calibration, torch.device(device))

    def save_metadata(self) -> dict[str, str]:
        """What ``from_checkpoint`` needs beside the tensors."""
        return checkpoint.metadata(self.net.config, self.vocabulary, self.card, self.calibration)

    def encode(self, before: Tensor, after: Tensor) -> Encoded:
        joint, flag, *found = in_blocks(self._look_at, block_size(self.device, ENCODED_PAIRS), before, after)
        score = calibrated(flag, self.calibration["temperature"], self.calibration["bias"])
        if not found:
            return Encoded(score, [((), (), ())] * len(before), joint)
        classes, heat = found
        limits = torch.logit(torch.tensor(self.calibration["class_thresholds"]))
        return Encoded(score, [class_names(row) for row in classes.cpu() >= limits], joint, heat.cpu().numpy())

    def _look_at(self, before: Tensor, after: Tensor) -> tuple[Tensor, ...]:
        """Z, the logit of any change, and of a network with a detector the logits of the classes and the heat map."""
        b, a, prior = self.net.encode(before, after)
        joint, flag = self.net.heads(b, a, None if prior is None else prior.tokens)
        return (joint, flag) if prior is None else (joint, flag, prior.state.classes, torch.sigmoid(prior.state.mask[:, 0]))

    def generate(self, state: Any, index: Tensor, options: CaptionOptions, seeds: Sequence[int]) -> list[tuple[str, float]]:
        ids = self.vocabulary.ids
        beams = 1 if options.decoding == "greedy" else self.net.config.beams
        decoder, banned = self.net.heads.decoder, (ids[PAD], ids[START], ids[UNKNOWN])
        found = decode(decoder, state[index], ids[START], ids[END], beams, banned=banned, block=block_size(self.device, DECODED_PAIRS))
        return [(self.vocabulary.decode(tokens), score) for tokens, score in found]
