"""DFM (ICME 2026): frozen change detectors, feature extraction, joint features, and the captioner."""

from .captioner import DECODERS, PRESETS, DfmCaptioner, DfmConfig, DfmHeads, DfmNet
from .detectors import CD_LAYERS, ChangeDetector

__all__ = ["CD_LAYERS", "DECODERS", "PRESETS", "ChangeDetector", "DfmCaptioner", "DfmConfig", "DfmHeads", "DfmNet"]
