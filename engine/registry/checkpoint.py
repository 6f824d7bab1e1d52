"""A captioner's file: safetensors, packed or not, whose metadata holds configuration, vocabulary, card and calibration as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..contract.errors import InputError, ModelError
from ..models.captioner import ModelCard
from ..words.text import Vocabulary
from .weights import unpack


@dataclass(frozen=True)
class Checkpoint:
    """What a file holds. state : float32 tensors by name. metadata : all of it as text, what a model keeps beside included."""

    state: dict[str, Tensor]
    vocabulary: Vocabulary
    card: ModelCard
    config: dict[str, Any]
    calibration: dict[str, Any]
    metadata: dict[str, str]


@contextmanager
def opened(path: str, need: str, do: str) -> Iterator[Checkpoint]:
    """The checkpoint at ``path``, to build a model of inside the block.

    Raises
    ------
    ModelError
        Not a safetensors file, without the metadata or tensors that the model in the block needs, or of other sizes.
    """
    try:
        with safe_open(path, "pt") as stream:
            metadata = stream.metadata() or {}
            state = unpack({name: stream.get_tensor(name) for name in stream.keys()})  # noqa: SIM118 (no mapping)
        words, card, config, calibration = (json.loads(metadata[name]) for name in ("vocabulary", "card", "config", "calibration"))
        yield Checkpoint(state, Vocabulary(words), ModelCard(**card), config, calibration, metadata)
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError, OSError, InputError) as error:
        raise ModelError(f"{path} cannot be loaded ({error})", need, do) from error


def metadata(config: Any, vocabulary: Vocabulary, card: ModelCard, calibration: dict[str, Any], **more: Any) -> dict[str, str]:
    """The metadata that ``opened`` reads; ``config`` is a dataclass, ``more`` what a model keeps beside."""
    members = {"config": asdict(config), "vocabulary": vocabulary.words, "card": card.to_json(), "calibration": calibration} | more
    return {name: json.dumps(value, ensure_ascii=False) for name, value in members.items()}
