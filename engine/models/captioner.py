"""The one interface of every captioning model, and the template they share.

A subclass implements ``encode`` and ``generate``; the base class owns shape checks, inference mode, precision, the
cascade (a tile under the threshold is not decoded), halving the batch on out-of-memory, and the sanity check on the text.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np
import torch

from ..contract.errors import EngineError, InputError, is_out_of_memory
from ..contract.request import OPTIONS, CaptionRequest, verify_question, verify_sampling
from ..contract.tiles import CLASSES, UNCHANGED_TEXT, Caption
from ..words.facts import stated_changes
from ..words.text import is_well_formed
from .device import one_thread


@dataclass(frozen=True)
class ModelCard:
    """What a user must know of a model before running it.

    input_px : side of the square tile, pixels. gsd_m : ground size of a training pixel, metres.
    threshold : calibrated change score from which a tile counts as changed. memory_mb : rough peak for a batch of 16.
    objects : kinds of change, of ``contract.objects.OBJECT_KINDS``, that the model draws as ``Caption.mask``; none where it draws no masks.
    """

    id: str
    name: str
    input_px: int = 256
    bands: int = 3
    gsd_m: float = 0.5
    stochastic: bool = False
    threshold: float = 0.5
    memory_mb: int = 1000
    objects: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> dict:
        """Members that the weights' metadata hold; ``objects`` is of the mask's own file."""
        return {name: value for name, value in asdict(self).items() if name != "objects"}


@dataclass(frozen=True)
class CaptionOptions:
    """How to caption. threshold None takes the card's; decoding "beam" or "greedy"; heatmap asks for Caption.heatmap, objects for Caption.mask.

    steps, sampler, samples, question : as in ``schema.CaptionRequest``; None takes the model's own, and asks nothing.
    """

    threshold: float | None = None
    decoding: str = "beam"
    heatmap: bool = False
    objects: bool = False
    steps: int | None = None
    sampler: str | None = None
    samples: int | None = None
    question: str | None = None

    @classmethod
    def of(cls, request: CaptionRequest, heatmap: bool = False) -> CaptionOptions:
        """The options of a request."""
        shared = {member.name: getattr(request, member.name) for member in fields(cls) if member.name in OPTIONS}
        return cls(heatmap=heatmap, **shared)


Classes = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]


@dataclass
class Encoded:
    """A batch after the encoder.

    change_score : (N,) float32 on the CPU, 0..1. classes : N × (added, removed, altered) tuples of class names, or None of a model that names
    none: they are then what the sentence states.
    state : whatever ``generate`` needs, indexable by a LongTensor through ``select``. heatmap : (N, h, w) float32 or None.
    """

    change_score: np.ndarray
    classes: list[Classes] | None
    state: Any
    heatmap: np.ndarray | None = None


class Captioner(ABC):
    """A model that captions the change between two co-registered tiles.

    The same tile gets the same caption, flag and scores whatever the batch it comes in, on every processor: ``encode``, ``generate`` and ``answer``
    hand their networks blocks of one size (``models.blocks``), and all that a network computes on a CPU it computes on one number of threads, one,
    or all where ``one_thread`` is False. What is decided by a single number is computed for each tile by itself (``calibrated``).

    A subclass with ``has_heatmap`` fills ``Encoded.heatmap``; one with ``answers_questions`` implements ``answer``; one whose card may have
    ``objects`` implements ``encode_for_objects`` and ``masks``.
    """

    needs_seed: ClassVar[bool] = False
    has_heatmap: bool = False
    # Several batches are computed side by side on a CPU, each on one thread; False where all threads share the large matrices of one.
    one_thread: ClassVar[bool] = True
    # Tiles a batch on a CPU; None takes ``lanes.AUTO_BATCH``'s.
    cpu_batch: ClassVar[int | None] = None
    answers_questions: ClassVar[bool] = False
    # How the data that the model learned from say that nothing has changed; scores of unchanged pairs are of this sentence.
    unchanged_text: str = UNCHANGED_TEXT
    # Names of ``CaptionOptions.sampler`` that the model knows; none where it draws no samples.
    samplers: tuple[str, ...] = ()
    card: ModelCard
    device: torch.device

    @classmethod
    @abstractmethod
    def from_checkpoint(cls, path: str, device: str = "cpu") -> Captioner:
        """Load a safetensors file whose metadata holds configuration and vocabulary."""

    @abstractmethod
    def encode(self, before: torch.Tensor, after: torch.Tensor) -> Encoded:
        """Encode uint8 (N, 3, H, W) pairs already on the device."""

    @abstractmethod
    def generate(self, state: Any, index: torch.Tensor, options: CaptionOptions, seeds: Sequence[int]) -> list[tuple[str, float]]:
        """Texts and scores (0..1) of the encoded pairs in ``index``."""

    def answer(self, state: Any, question: str) -> list[str]:
        """Answers to a question on every encoded pair, in order."""
        raise NotImplementedError

    def encode_for_objects(self, before: torch.Tensor, after: torch.Tensor) -> Encoded:
        """As ``encode``, with what ``masks`` needs in the state."""
        raise NotImplementedError

    def masks(self, state: Any, index: torch.Tensor) -> list[np.ndarray]:
        """Masks of the pairs in ``index``, as ``Caption.mask`` holds them."""
        raise NotImplementedError

    def draw_masks_with(self, path: str) -> None:
        """Take up the mask weights at ``path``, of a model whose row in models.json names such."""
        raise NotImplementedError

    @classmethod
    def weights_mb(cls, path: str, device: str) -> int | None:
        """Memory that a checkpoint's weights fill on a device, MB, read from its metadata; None of models too small to speak of it."""
        return None

    def verify_options(self, options: CaptionOptions) -> None:
        """Raises InputError where this model does not take the options."""
        verify_sampling(options, self.card.id, self.samplers)
        verify_question(options.question, self.card.id, self.answers_questions)

    def sampling(self, options: CaptionOptions) -> Any:
        """Steps, sampler and samples that the options come to, as a dataclass; None of a model that draws no samples."""
        return None

    def caption(self, before: np.ndarray, after: np.ndarray, options: CaptionOptions = CaptionOptions(), seeds: Sequence[int] = ()) -> list[Caption]:
        """Caption N pairs.

        Parameters
        ----------
        before, after : uint8 (N, 3, H, W), RGB, H = W = card.input_px
        seeds : N ints, needed where the model is stochastic (card.stochastic)

        Returns
        -------
        list of N Caption, in input order

        Raises
        ------
        InputError
            Wrong shape or dtype, or options that this model does not take. EngineError: out of memory with a single tile.
        """
        self.verify_options(options)
        self._verify(before, after, seeds)
        if len(before) == 0:
            return []
        try:
            with one_thread() if self.one_thread and self.device.type == "cpu" else nullcontext():
                return self._caption_batch(before, after, options, seeds)
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not _is_out_of_memory(error):
                raise
            if len(before) == 1:
                raise EngineError(
                    f"out of memory on {self.device} with one tile",
                    "free memory",
                    "close other programs or choose device cpu, then run again with --resume",
                ) from error
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        half = len(before) // 2
        return self.caption(before[:half], after[:half], options, seeds[:half]) + self.caption(before[half:], after[half:], options, seeds[half:])

    def _caption_batch(self, before: np.ndarray, after: np.ndarray, options: CaptionOptions, seeds: Sequence[int]) -> list[Caption]:
        threshold = self.card.threshold if options.threshold is None else options.threshold
        objects = options.objects and bool(self.card.objects)
        encode = self.encode_for_objects if objects else self.encode
        with torch.inference_mode():
            encoded = encode(self._to_device(before), self._to_device(after))
            changed = encoded.change_score >= threshold
            index = np.flatnonzero(changed).tolist()
            texts: dict[int, tuple[str, float]] = {}
            masks: dict[int, np.ndarray] = {}
            if len(index):
                chosen = torch.tensor(index, device=self.device)
                chosen_seeds = [seeds[i] for i in index] if len(seeds) else []
                texts = dict(zip(index, self.generate(encoded.state, chosen, options, chosen_seeds)))
                masks = dict(zip(index, self.masks(encoded.state, chosen))) if objects else {}
            answers = [None] * len(before) if options.question is None else self.answer(encoded.state, options.question)
        captions = []
        for i, score in enumerate(encoded.change_score.tolist()):
            heatmap = encoded.heatmap[i] if options.heatmap and encoded.heatmap is not None else None
            if i in texts:
                text, text_score = texts[i]
                captions.append(changed_caption(text, text_score, score, encoded.classes[i] if encoded.classes else None, heatmap))
            else:
                captions.append(unchanged_caption(score, heatmap))
        return [replace(caption, answer=answer, mask=masks.get(i)) for i, (caption, answer) in enumerate(zip(captions, answers))]

    def _to_device(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)

    def _verify(self, before: np.ndarray, after: np.ndarray, seeds: Sequence[int]) -> None:
        shape = (len(before), self.card.bands, self.card.input_px, self.card.input_px)
        for name, array in (("before", before), ("after", after)):
            if array.shape != shape or array.dtype != np.uint8:
                raise InputError(
                    f"{name} of shape {array.shape}, {array.dtype}", f"{shape}, uint8", "tile and stretch the rasters first, as engine.run does"
                )
        if self.card.stochastic and len(seeds) != len(before):
            raise InputError(f"{len(seeds)} seeds for {len(before)} tiles", "one seed a tile", "derive them with engine.models.captioner.tile_seed")


def calibrated(logits: torch.Tensor, temperature: float, bias: float) -> np.ndarray:
    """Scores of logits (N,), (N,) float32: Platt scaling (1999), fitted on the validation split.

    One by one, because PyTorch computes the last few of a tensor by another routine than the others, which rounds otherwise.
    """
    return np.array([(1 + math.tanh((logit / temperature + bias) / 2)) / 2 for logit in logits.tolist()], np.float32)


def unchanged_caption(change_score: float, heatmap: np.ndarray | None = None) -> Caption:
    return Caption(UNCHANGED_TEXT, False, change_score, score=1.0 - change_score, heatmap=heatmap)


def changed_caption(text: str, score: float, change_score: float, classes: Classes | None = None, heatmap: np.ndarray | None = None) -> Caption:
    """A changed tile's caption; a text that fails the sanity check is replaced by a sentence of its classes with score 0."""
    well_formed = is_well_formed(text)
    if classes is None:
        classes = _stated_classes(text) if well_formed else ((), (), ())
    if not well_formed:
        text, score = plain_caption(*classes), 0.0
    return Caption(text, True, change_score, *classes, score=score, heatmap=heatmap)


def _stated_classes(text: str) -> Classes:
    added, removed = (tuple(name for name in CLASSES if name in stated) for stated in stated_changes(text))
    return added, removed, ()


def plain_caption(added: Sequence[str], removed: Sequence[str], altered: Sequence[str]) -> str:
    """A sentence from the class heads alone, for a tile whose generated text failed the sanity check."""
    parts = [f"{' and '.join(names)} {verb}" for names, verb in ((added, "added"), (removed, "removed"), (altered, "altered")) if names]
    return ", ".join(parts) if parts else "the scene has changed"


def tile_seed(run_seed: int, row: int, col: int) -> int:
    """Seed of one tile, the same whatever the batch or the order (63 bits)."""
    return int(np.random.SeedSequence((run_seed, row, col)).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or is_out_of_memory(error)
