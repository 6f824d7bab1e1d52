"""``scribe-s-quick``: scribe-s with a first look at a quarter of the pixels, which passes over what has plainly not changed.

A cascade of two classifiers (Viola & Jones 2001, doi 10.1109/CVPR.2001.990517): a small network sees every pair at half the resolution, and
scribe-s only those that it does not rule out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .. import registry
from ..contract.request import DEFAULT_MODEL
from ..registry import checkpoint
from ..words.text import Vocabulary
from .blocks import block_size, in_blocks
from .captioner import CaptionOptions, Classes, Encoded, ModelCard, calibrated
from .efficientnet import EfficientNetLite
from .onednn import fused
from .scribe import ChangePrior, ChangeState, ScribeCaptioner, ScribeNet, read_checkpoint

PAIRS_AT_ONCE = 4  # of shrunk images, on a CPU
NOTHING: Classes = ((), (), ())


@dataclass(frozen=True)
class FirstLookConfig:
    """encoder : EfficientNet-lite variant. width : of the change branch. shrink : pixels of a side averaged into one."""

    encoder: str = "lite0"
    width: int = 48
    shrink: int = 2


class FirstLook(nn.Module):
    """The change branch of scribe-s on a smaller encoder; pairs (N, 3, 256, 256) come shrunk."""

    def __init__(self, config: FirstLookConfig):
        super().__init__()
        self.config = config
        self.encoder = EfficientNetLite(config.encoder)
        self.prior = ChangePrior(EfficientNetLite(config.encoder).channels, config.width, class_attention=False)

    def forward(self, before: Tensor, after: Tensor) -> ChangeState:
        n = len(before)
        features = self.encoder(shrunk(torch.cat((before, after)), self.config.shrink))
        return self.prior([f[:n] for f in features], [f[n:] for f in features])


def shrunk(images: Tensor, factor: int) -> Tensor:
    """Images (N, 3, H, W), 0..255, at a side of H / factor: the mean of each square of pixels, as float32."""
    total = torch.zeros(*images.shape[:2], images.shape[2] // factor, images.shape[3] // factor, device=images.device)
    for row in range(factor):
        for col in range(factor):
            total += images[:, :, row::factor, col::factor]  # takes half the time of pooling, which wants floats
    return total / factor**2


class Looked(NamedTuple):
    """A batch after the first look: the pixels of all N pairs, those that scribe-s has seen, and what it has of them.

    classes, heat : the batch's ``Encoded.classes`` and ``Encoded.heatmap``, completed where scribe-s sees a pair late.
    objects : masks are wanted. late : what scribe-s has of pairs that it saw late, and their places in it.
    """

    before: Tensor
    after: Tensor
    seen: list[int]
    state: Any
    classes: list[Classes]
    heat: np.ndarray
    objects: bool
    late: dict[int, tuple[Any, int]]


class QuickScribeCaptioner(ScribeCaptioner):
    """scribe-s behind a first look.

    A pair that is passed over has the first look's own calibrated score and map of change, and no classes. With a threshold so low that it counts
    as changed all the same, scribe-s sees it when its caption is written; its classes and map are then scribe-s's.

    Parameters
    ----------
    cut : logit of the first look's flag under which a pair is passed over
    calibration : scribe-s's, with ``look_temperature`` and ``look_bias`` of the first look's logit
    """

    def __init__(
        self, net: ScribeNet, vocabulary: Vocabulary, card: ModelCard, calibration: dict[str, Any], device: torch.device, look: FirstLook, cut: float
    ):
        super().__init__(net, vocabulary, card, calibration, device)
        self.look, self.cut = look.eval().to(device=device, dtype=self.precision).to(memory_format=torch.channels_last), cut  # type: ignore[call-overload]
        if device.type == "cpu":
            self.look.encoder = fused(self.look.encoder)

    @classmethod
    def from_checkpoint(cls, path: str, device: str = "cpu") -> QuickScribeCaptioner:
        """Load a file written by ``training.quick.export``, and scribe-s.

        Raises
        ------
        ModelError
            Not such a file, or no scribe-s.
        """
        net, vocabulary, _, calibration = read_checkpoint(str(registry.verify(DEFAULT_MODEL)))
        look, card, first = read_first_look(path)
        return cls(net, vocabulary, card, calibration | first, torch.device(device), look, first["cut"])

    def encode(self, before: Tensor, after: Tensor) -> Encoded:
        return self._look_first(before, after, objects=False)

    def encode_for_objects(self, before: Tensor, after: Tensor) -> Encoded:
        return self._look_first(before, after, objects=True)

    def _look_first(self, before: Tensor, after: Tensor, objects: bool) -> Encoded:
        first = self._first_look(before, after)
        score = calibrated(first.flag, self.calibration["look_temperature"], self.calibration["look_bias"])
        seen = torch.nonzero(first.flag >= self.cut).flatten().tolist()
        looked = Looked(before, after, seen, None, [NOTHING] * len(before), _as_fine(first.mask), objects, {})
        if seen:
            found = self._see(looked, seen)
            score[seen], looked = found.change_score, looked._replace(state=found.state)
        return Encoded(score, looked.classes, looked, looked.heat)

    def _see(self, looked: Looked, rows: list[int]) -> Encoded:
        """Have scribe-s encode some of the pairs."""
        see = super().encode_for_objects if looked.objects else super().encode
        found = see(looked.before[rows], looked.after[rows])
        looked.heat[rows] = found.heatmap
        for row, names in zip(rows, found.classes or ()):
            looked.classes[row] = names
        return found

    def _first_look(self, before: Tensor, after: Tensor) -> ChangeState:
        return ChangeState(*in_blocks(self.look, block_size(self.device, PAIRS_AT_ONCE), before, after))

    def generate(self, state: Looked, index: Tensor, options: CaptionOptions, seeds: Sequence[int]) -> list[tuple[str, float]]:
        wanted = index.tolist()
        own, passed = [row for row in wanted if row in state.seen], [row for row in wanted if row not in state.seen]
        texts: dict[int, tuple[str, float]] = {}
        if own:
            places = torch.tensor([state.seen.index(row) for row in own], device=self.device)
            texts.update(zip(own, super().generate(state.state, places, options, seeds)))
        if passed:
            every = torch.arange(len(passed), device=self.device)
            late = self._see(state, passed).state
            state.late.update({row: (late, place) for place, row in enumerate(passed)})
            texts.update(zip(passed, super().generate(late, every, options, seeds)))
        return [texts[row] for row in wanted]

    def masks(self, state: Looked, index: Tensor) -> list[np.ndarray]:
        masks = []
        for row in index.tolist():
            found, place = state.late[row] if row in state.late else (state.state, state.seen.index(row))
            masks += super().masks(found, torch.tensor([place]))
        return masks


def _as_fine(mask: Tensor) -> np.ndarray:
    """The first look's map (N, 1, h, w) of logits as heat (N, 2 h, 2 w), as fine as scribe-s's."""
    return F.interpolate(torch.sigmoid(mask), scale_factor=2.0, mode="nearest")[:, 0].cpu().numpy()


def read_first_look(path: str) -> tuple[FirstLook, ModelCard, dict[str, float]]:
    """Network (float32), card and calibration: ``cut``, ``look_temperature``, ``look_bias``.

    Raises
    ------
    ModelError
        Not a file of ``training.quick.export``.
    """
    need, do = "the first look of scribe-s-quick (safetensors)", "reinstall the plugin, or see `changescribe models verify`"
    with checkpoint.opened(path, need, do) as found:
        look = FirstLook(FirstLookConfig(**found.config))
        look.load_state_dict(found.state)
        calibration = {name: float(found.calibration[name]) for name in ("cut", "look_temperature", "look_bias")}
    return look, found.card, calibration
