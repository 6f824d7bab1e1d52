"""DFM (ICME 2026): joint feature modelling over any image encoder, with a frozen change-detection prior.

    before, after → encoder (CLIP ViT-B/32, DINOv2 or EfficientNet-lite) → raw difference D (eq 8), features F of both dates
                  → frozen change-detection encoder → prior P (eq 9)
                  → joint feature modelling → Z (eq 10) → autoregressive decoder over Z and the words

Departure from the paper: a linear head on the pooled Z says whether anything changed, because the engine decodes only tiles that did.
The text-guided contrast (eqs 1–6) is training's: ``training.shared.tgcl``.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ...contract.errors import InputError
from ...registry import checkpoint
from ...words.text import END, NO_CHANGE, PAD, START, UNKNOWN, Vocabulary, first_sentence
from ..beam import decode
from ..blocks import block_size, in_blocks
from ..captioner import Captioner, CaptionOptions, Encoded, ModelCard, calibrated
from ..layers import CaptionDecoder
from ..prefix import PrefixDecoder, sinusoids
from ..scribe import DECODED_PAIRS, ScribeConfig, class_names
from ..vit import ENCODERS, PUBLISHED, Features, build_encoder
from .detectors import CD_LAYERS, DETECTORS, ChangeDetector, Prior, build_detector, detector_width
from .joint import FUSIONS, PRIOR_SIDE, JointFeatures
from .spatiotemporal import EXTRACTIONS, SpatioTemporal

ENCODED_PAIRS = 2  # at once on a CPU
DECODERS = ("prefix", "cross")


@dataclass(frozen=True)
class DfmConfig:
    """Sizes and switches; saved in the weights' metadata.

    encoder, encoder_sizes : as ``vit.PUBLISHED``. trained_blocks : of the encoder, counted from its end.
    fusion : how D, F and P become Z. cd_prior : whether there is a P. cd_layer : where in the change branch it is taken.
    detector : kind of the change detector, one of ``DETECTORS``. cd_config : ``ScribeConfig`` of "scribe".
    extraction, extraction_layers : how F is made of the encoder's tokens (eq 7), as ``spatiotemporal``.
    decoder : "prefix", Z stands before the words, or "cross", words attend to Z as in the baseline.
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
    detector: str = "scribe"
    extraction: str = "linear"
    extraction_layers: int = 3
    decoder: str = "prefix"

    def __post_init__(self):
        kinds = (("encoder", ENCODERS), ("fusion", FUSIONS), ("cd_layer", CD_LAYERS), ("detector", DETECTORS))
        for name, known in (*kinds, ("extraction", EXTRACTIONS), ("decoder", DECODERS)):
            if getattr(self, name) not in known:
                raise InputError(f"{name} {getattr(self, name)!r}", "one of " + ", ".join(known), "correct the configuration")
        if self.width % self.heads or self.width % 4:
            raise InputError(f"width {self.width} with {self.heads} heads", "a multiple of the heads and of 4", "correct the configuration")

    @property
    def prior_width(self) -> int | None:
        return detector_width(self.detector, self.cd_config) if self.cd_prior else None


_PAPER: dict[str, Any] = {"trained_blocks": 6, "width": 768, "heads": 8, "hidden": 3072, "decoder_layers": 1, "extraction": "state-space"}
# "paper": the published encoder and decoder (the baseline's 1 layer, 768 wide, 8 heads, feed-forward 3072) and the baseline's feature extraction.
PRESETS = {"paper": DfmConfig("clip", dict(PUBLISHED["clip"]), **_PAPER), "compact": DfmConfig()}


class DfmHeads(nn.Module):
    """Everything behind the encoders: joint features, change flag, decoder."""

    def __init__(self, config: DfmConfig, encoder_width: int, side: int, vocabulary: int, prior_side: int = PRIOR_SIDE):
        super().__init__()
        sizes = config.width, config.heads, config.hidden
        self.joint = JointFeatures(encoder_width, side, config.prior_width, *sizes, config.dropout, config.fusion, prior_side)
        self.flag = nn.Linear(2 * config.width, 1)
        decoder = PrefixDecoder if config.decoder == "prefix" else CrossDecoder
        self.decoder = decoder(vocabulary, *sizes, config.decoder_layers, config.max_length, config.dropout)
        self.extraction = None
        if config.extraction != "linear":
            self.extraction = SpatioTemporal(config.extraction, encoder_width, config.heads, config.extraction_layers)

    def forward(self, before: Features, after: Features, prior: Tensor | None) -> tuple[Tensor, Tensor]:
        """Z (N, T, width) and the logit of any change (N,)."""
        extracted = None if self.extraction is None else self.extraction(before.grid, after.grid)
        joint = self.joint(before, after, prior, extracted)
        return joint, self.judge(joint)

    def judge(self, joint: Tensor) -> Tensor:
        """Logit of any change (N,) of Z."""
        return self.flag(torch.cat((joint.mean(1), joint.amax(1)), dim=1))[:, 0]


class CrossDecoder(CaptionDecoder):
    """``CaptionDecoder`` with the baseline's sinusoidal positions."""

    def __init__(self, vocabulary: int, width: int, heads: int, hidden: int, layers: int, max_length: int, dropout: float):
        super().__init__(vocabulary, width, heads, hidden, layers, max_length, dropout)
        del self.positions
        self.register_buffer("positions", sinusoids(max_length, width), persistent=False)


class DfmNet(nn.Module):
    """Encoder, frozen change detector (with ``cd_prior``) and heads."""

    def __init__(self, config: DfmConfig, vocabulary: int):
        super().__init__()
        self.config = config
        self.encoder = build_encoder(config.encoder, config.encoder_sizes)
        self.detector = build_detector(config.detector, config.cd_config, config.cd_layer) if config.cd_prior else None
        self.heads = DfmHeads(config, self.encoder.width, self.encoder.side, vocabulary)

    def encode(self, before: Tensor, after: Tensor) -> tuple[Features, Features, Prior | None]:
        """Features of both dates, and the prior: uint8 or float (N, 3, 256, 256), 0..255, each."""
        n = len(before)
        cls, grid = self.encoder(torch.cat((before, after)))
        prior = self.detector(before, after) if self.detector is not None else None
        return Features(cls[:n], grid[:n]), Features(cls[n:], grid[n:]), prior


class DfmCaptioner(Captioner):
    """``dfm`` behind the Captioner interface. Classes and heat map are the change detector's; without one that names changes there are none.

    no_change : sentences of the training data for pairs without a change; none of them is the caption of a changed tile.
    """

    def __init__(
        self,
        net: DfmNet,
        vocabulary: Vocabulary,
        card: ModelCard,
        calibration: dict[str, Any],
        device: torch.device,
        no_change: Collection[str] = NO_CHANGE,
    ):
        self.no_change = frozenset(no_change)
        self.unchanged_text = first_sentence(no_change)
        self.has_heatmap = isinstance(net.detector, ChangeDetector)
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
            no_change = json.loads(found.metadata["no_change"]) if "no_change" in found.metadata else NO_CHANGE
            return cls(net, found.vocabulary, found.card, found.calibration, torch.device(device), no_change)

    def save_metadata(self) -> dict[str, str]:
        """What ``from_checkpoint`` needs beside the tensors."""
        return checkpoint.metadata(
            self.net.config,
            self.vocabulary,
            self.card,
            self.calibration,
            no_change=[self.unchanged_text, *sorted(self.no_change - {self.unchanged_text})],
        )

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
        if prior is None or prior.state is None:
            return joint, flag
        return (joint, flag, prior.state.classes, torch.sigmoid(prior.state.mask[:, 0]))

    def generate(self, state: Any, index: Tensor, options: CaptionOptions, seeds: Sequence[int]) -> list[tuple[str, float]]:
        ids = self.vocabulary.ids
        beams = 1 if options.decoding == "greedy" else self.net.config.beams
        decoder, banned = self.net.heads.decoder, (ids[PAD], ids[START], ids[UNKNOWN])
        found = decode(decoder, state[index], ids[START], ids[END], beams, banned=banned, block=block_size(self.device, DECODED_PAIRS))
        captions = [(self.vocabulary.decode(tokens), score) for tokens, score in found]
        # A decoder that has learned the captions of unchanged pairs may deny the change: the sentence is then made of the classes.
        return [("", 0.0) if text in self.no_change else (text, score) for text, score in captions]
