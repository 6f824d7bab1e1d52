"""``ccexpert`` behind the Captioner interface (arXiv 2411.11360): a language model that is asked what has changed, or anything else."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ...contract.errors import InputError, ModelError
from ...words.text import NO_CHANGE, first_sentence
from ..blocks import block_size, in_blocks
from ..captioner import Captioner, CaptionOptions, Encoded, ModelCard, calibrated
from .config import QUESTION, CCExpertConfig
from .net import IMAGE_ID, CCExpertNet, Prefix
from .prompt import ChatTokenizer
from .weights import Base, load_net, tokenizer_folder, weights_bytes

# First words that are tried where the likeliest answer of a changed tile says that nothing has changed.
OTHER_STARTS = 4
# Tokens of prompts that are read at once, and answers that are written at once on a CPU. Reading takes as long a token of few as of many;
# for writing, all weights are fetched from memory once a word.
READ_TOKENS, GPU_READ_TOKENS, WRITTEN_ANSWERS = 256, 4096, 16


class TrainedFile(NamedTuple):
    """The metadata of a file that ``weights.save_trained`` has written."""

    config: CCExpertConfig
    base: Base
    card: ModelCard
    calibration: dict[str, float]
    no_change: tuple[str, ...] = tuple(sorted(NO_CHANGE))


def read_metadata(path: Path) -> TrainedFile:
    """The description of a trained file; its tensors are not read.

    Raises
    ------
    ModelError
        Not a safetensors file, or not of this model.
    """
    try:
        with safe_open(path, "pt") as stream:
            members = stream.metadata() or {}
        config, base, card, calibration = (json.loads(members[name]) for name in ("config", "base", "card", "calibration"))
        own = (tuple(json.loads(members["no_change"])),) if "no_change" in members else ()
        return TrainedFile(CCExpertConfig.from_json(config), Base(**base), ModelCard(**card), calibration, *own)
    except (SafetensorError, KeyError, TypeError, ValueError, OSError, InputError) as error:
        raise ModelError(f"{path} cannot be loaded ({error})", "a ccexpert file (safetensors)", "train one with training.ccexpert.train") from error


class CCExpertCaptioner(Captioner):
    """Greedy answers to the prompt of the training.

    LEVIR-CC says of every pair without change one of five sentences (``text.NO_CHANGE``), and so does a model that was trained on it. The
    change score is the probability that its answer begins with none of them: no two can begin the same answer, so theirs add up.

    Parameters
    ----------
    calibration : ``temperature`` and ``bias`` of the logit of that probability.
    no_change : the sentences of the training data for pairs without a change. Where they are not LEVIR-CC's, captions keep their capitals and stops.
    """

    answers_questions = True
    one_thread = False
    cpu_batch = 32

    def __init__(
        self,
        net: CCExpertNet,
        tokenizer: ChatTokenizer,
        card: ModelCard,
        calibration: dict[str, float],
        device: torch.device,
        no_change: Sequence[str] = tuple(sorted(NO_CHANGE)),
    ):
        self.net, self.tokenizer, self.card, self.calibration, self.device = net.eval().to(device), tokenizer, card, calibration, device
        with torch.inference_mode():
            self.head = net.head(tokenizer.prompt()[: tokenizer.prompt().index(IMAGE_ID)])
        self.sentences, self.as_written = frozenset(no_change), not NO_CHANGE & {*no_change}
        self.unchanged_text = first_sentence(no_change)
        self.no_change = _beginnings([tokenizer.answer(sentence)[:-1] for sentence in no_change])

    @classmethod
    def from_checkpoint(cls, path: str, device: str = "cpu") -> CCExpertCaptioner:
        """Load a file written by ``weights.save_trained`` and the base that it names, which lies beside it or among the user's models.

        Raises
        ------
        ModelError
            Not such a file, or a base that is missing, incomplete or another model's.
        """
        config, base, card, calibration, no_change = read_metadata(Path(path))
        folder = base.find(Path(path).parent)
        tokenizer = ChatTokenizer.from_folder(tokenizer_folder(folder), config)
        with safe_open(path, "pt") as stream:
            trained = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 (no mapping)
        net = load_net(config, folder, trained, device)
        base.verify(net, folder)
        return cls(net, tokenizer, card, calibration, torch.device(device), no_change)

    @classmethod
    def weights_mb(cls, path: str, device: str) -> int:
        """Memory that the weights fill, MB, from the sizes in the file's configuration."""
        return weights_bytes(read_metadata(Path(path)).config, device) // 10**6

    def encode(self, before: Tensor, after: Tensor) -> Encoded:
        tokens = READ_TOKENS if self.device.type == "cpu" else GPU_READ_TOKENS
        prefix = Prefix.of(*in_blocks(self._read, max(1, tokens // len(self.tokenizer.prompt())), before, after))
        logit = torch.cat([self._logit(block) for block in prefix.blocks(self._written)])[: len(before)]
        return Encoded(calibrated(logit, self.calibration["temperature"], self.calibration["bias"]), None, prefix)

    def _read(self, before: Tensor, after: Tensor) -> tuple[Tensor, ...]:
        """Have the language model read both images and the prompt."""
        net = self.net
        levels_a, levels_b = net.levels(net.pixels(torch.cat((before, after)))).chunk(2)
        prompt = torch.tensor(self.tokenizer.prompt(), device=self.device).expand(len(before), -1)
        return net.prefill(prompt, torch.ones_like(prompt), net.visual(levels_a, levels_b), self.head).tensors()

    def _logit(self, prefix: Prefix) -> Tensor:
        """Of the probability that the answer begins with no sentence of ``no_change``."""
        same = torch.stack([self.net.log_prob(prefix, ids) for ids in self.no_change]).logsumexp(0).clamp(-30.0, -1e-6)
        return torch.log(-torch.expm1(same)) - same

    @property
    def _written(self) -> int:
        """Answers that are written at once."""
        return block_size(self.device, WRITTEN_ANSWERS)

    def generate(self, state: Any, index: Tensor, options: CaptionOptions, seeds: Sequence[int]) -> list[tuple[str, float]]:
        found = [pair for block in state.select(index).blocks(self._written) for pair in self._greedy(block)][: len(index)]
        for row, (text, _) in enumerate(found):
            if text in self.sentences:
                found[row] = self._otherwise(state, index[row : row + 1])
        return found

    def answer(self, state: Any, question: str) -> list[str]:
        """Answers to a question on every encoded pair; the images are not read again."""
        read = max(i for i, token in enumerate(self.tokenizer.prompt(QUESTION)) if token == IMAGE_ID) + 1
        more, answers = self.tokenizer.prompt(question)[read:], []
        for block in state.blocks(self._written):
            found = self.net.greedy(self.net.extend(block.fork(read), more), self.tokenizer.end_ids)
            answers += [self.tokenizer.decode(ids) for ids in found.ids]
        return answers[: len(state.mask)]

    def _greedy(self, prefix: Prefix, first: Tensor | None = None) -> list[tuple[str, float]]:
        found = self.net.greedy(prefix, self.tokenizer.end_ids, first=first)
        # LEVIR-CC's captions are lower-case; its full stop stands apart.
        texts = [self.tokenizer.decode(ids) for ids in found.ids]
        texts = texts if self.as_written else [text.lower().rstrip(" .") for text in texts]
        return [(text, math.exp(mean)) for text, mean in zip(texts, found.log_probs.tolist(), strict=True)]

    def _otherwise(self, state: Prefix, row: Tensor) -> tuple[str, float]:
        """The likeliest answer with another first word that does say a change; no text where there is none."""
        starts = state.logits[row[0]].topk(OTHER_STARTS).indices
        found = self._greedy(state.select(row.expand(OTHER_STARTS)), starts)
        return max((pair for pair in found if pair[0] not in self.sentences), key=lambda pair: pair[1], default=("", 0.0))


def _beginnings(answers: list[list[int]]) -> list[list[int]]:
    """The answers without those that begin with another one, whose probability holds theirs."""
    distinct = [list(ids) for ids in dict.fromkeys(map(tuple, answers))]
    return [ids for ids in distinct if not any(other != ids and ids[: len(other)] == other for other in distinct)]
