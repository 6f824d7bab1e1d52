"""``kd-rscc`` and ``diffusion-rscc`` behind the Captioner interface: seeded sampling, consensus of several samples, change score."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...contract.errors import InputError
from ...contract.request import MAX_SAMPLES
from ...contract.tiles import Caption
from ...registry import checkpoint
from ...words.text import END, NO_CHANGE, Vocabulary, first_sentence, is_well_formed
from ..blocks import block_size, filled, in_blocks
from ..captioner import Captioner, CaptionOptions, Encoded, ModelCard, calibrated, changed_caption, unchanged_caption
from ..consensus import consensus
from ..device import half_precision
from .denoiser import DiffusionConfig, DiffusionNet
from .discrete import clamped, sample_ddim, sample_ddpm
from .karras import karras_grid
from .samplers import SAMPLERS, Condition, Denoise, RowNoise

DISCRETE_SAMPLERS: dict[str, Callable[..., Tensor]] = {"ddpm": sample_ddpm, "ddim": sample_ddim}
DRAWS = 4  # of a tile at most: a few in a hundred single samples are no sentence, of four in a row hardly one in a hundred thousand
ENCODED_PAIRS, DRAWN_ROWS = 1, 4  # computed at once on a CPU
VARIED = 0.5  # least temperature of a tile's second and further samples
SAMPLERS_OF = {"discrete": tuple(DISCRETE_SAMPLERS), "karras": tuple(SAMPLERS)}


@dataclass(frozen=True)
class Sampling:
    """How captions are drawn; a checkpoint holds its own default.

    sampler : one of SAMPLERS_OF its family. steps : of the sampler; heun evaluates the network 2 · steps − 1 times, the others ``steps`` times.
    samples : a tile; the one that is most like the others is its caption. clamp : every estimate is rounded to words at once (discrete only).
    temperature : of the noise of a tile's first sample, as ``RowNoise``; further samples have at least VARIED, since they are to differ.
    variance : of ddpm's steps, one of ``discrete.VARIANCES``.
    """

    sampler: str
    steps: int
    samples: int = 1
    clamp: bool = False
    temperature: float = 1.0
    variance: str = "posterior"


# As published.
FAITHFUL = {"discrete": Sampling("ddpm", 2000, clamp=True), "karras": Sampling("dpmpp-2m-heun", 50)}


@dataclass(frozen=True)
class Drawn:
    """One sample of one tile: what was written, and the mean probability of its tokens (0..1)."""

    text: str
    probability: float


class DiffusionCaptioner(Captioner):
    """Both diffusion models.

    A network with a change flag is scored by it and draws samples of changed tiles alone. The published networks have none: samples of every
    tile are drawn, and the change score is the share of them that is no sentence of ``no_change``.

    Parameters
    ----------
    calibration : ``temperature`` and ``bias`` of the flag's logit. sampling : the default. no_change : sentences of the training data for pairs
        without a change.

    Attributes
    ----------
    cache_condition : whether the condition's keys and values are computed once a tile and not in every step.
    precision : what the network computes in; chains are float32 always.
    """

    needs_seed = True
    cpu_batch = 32  # of many tiles, the blocks of those that have changed are fuller

    def __init__(
        self,
        net: DiffusionNet,
        vocabulary: Vocabulary,
        card: ModelCard,
        calibration: dict[str, Any],
        sampling: Sampling,
        device: torch.device,
        no_change: Collection[str] = NO_CHANGE,
    ):
        self.card, self.vocabulary, self.calibration, self.device = card, vocabulary, calibration, device
        self.net = net.eval().to(device)
        self.samplers = SAMPLERS_OF[net.config.family]
        self.default = sampling
        self.no_change = frozenset(no_change)
        self.unchanged_text = first_sentence(no_change)
        self.cache_condition = True
        self.precision = half_precision(device.type) or torch.float32
        self.verify_options(CaptionOptions(steps=sampling.steps, sampler=sampling.sampler, samples=sampling.samples))

    @classmethod
    def from_checkpoint(cls, path: str, device: str = "cpu") -> DiffusionCaptioner:
        """Load a file written by ``training.diffusion.train``.

        Raises
        ------
        ModelError
            Not a safetensors file, or without the metadata or tensors of this model.
        """
        with checkpoint.opened(path, "a diffusion checkpoint (safetensors)", "train one with training.diffusion.train") as found:
            net = DiffusionNet(DiffusionConfig(**found.config), len(found.vocabulary))
            net.load_state_dict(found.state)
            sampling = Sampling(**json.loads(found.metadata["sampling"]))
            no_change = json.loads(found.metadata["no_change"]) if "no_change" in found.metadata else NO_CHANGE
            return cls(net, found.vocabulary, found.card, found.calibration, sampling, torch.device(device), no_change)

    def save_metadata(self) -> dict[str, str]:
        """What ``from_checkpoint`` needs beside the tensors."""
        own = {"sampling": asdict(self.default), "no_change": [self.unchanged_text, *sorted(self.no_change - {self.unchanged_text})]}
        return checkpoint.metadata(self.net.config, self.vocabulary, self.card, self.calibration, **own)

    def verify_options(self, options: CaptionOptions) -> None:
        super().verify_options(options)
        # A chain has no more steps than it was trained with.
        most = self.net.config.steps if self.net.config.family == "discrete" else None
        steps, samples = options.steps, options.samples
        if steps is not None and (steps < 1 or (most and steps > most)):
            need = f"1 to {most}" if most else "1 or more"
            raise InputError(f"{steps} steps for {self.card.id}", f"{need} steps", "choose another number of steps")
        if samples is not None and not 1 <= samples <= MAX_SAMPLES:
            raise InputError(f"{samples} samples a tile", f"1 to {MAX_SAMPLES} samples", "choose another number of samples")

    def sampling(self, options: CaptionOptions) -> Sampling:
        given = {name: getattr(options, name) for name in ("steps", "sampler", "samples") if getattr(options, name) is not None}
        return replace(self.default, **given)

    def encode(self, before: Tensor, after: Tensor) -> Encoded:
        with self._mixed():
            tokens, *flag = in_blocks(self._look_at, block_size(self.device, ENCODED_PAIRS), before, after)
        if flag:
            score = calibrated(flag[0], self.calibration["temperature"], self.calibration["bias"])
        else:
            score = np.full(len(before), np.nan, np.float32)  # known when the samples are
        return Encoded(score, None, tokens)

    def _look_at(self, before: Tensor, after: Tensor) -> tuple[Tensor, ...]:
        tokens = self.net.encoder(before, after)
        return (tokens,) if self.net.flag is None else (tokens, self.net.flag(tokens).float())

    def generate(self, state: Any, index: Tensor, options: CaptionOptions, seeds: Sequence[int]) -> list[tuple[str, float]]:
        tokens, sampling = state[index], self.sampling(options)
        return self.choose_captions(tokens, sampling, seeds, self.draw(tokens, sampling, seeds))

    def draw(self, tokens: Tensor, sampling: Sampling, seeds: Sequence[int], first: int = 0) -> list[list[Drawn]]:
        """Samples of each tile, numbered from ``first``: condition tokens (N, M, C) as the encoder makes them, N seeds → N × sampling.samples."""
        # All samples of a tile in succession; each is a row of its own, so that blocks are full whatever their number.
        numbers = range(first, first + sampling.samples)
        wanted = [(tile, sample_seed(seed, number), self._temperature(sampling, number)) for tile, seed in enumerate(seeds) for number in numbers]
        size, read = block_size(self.device, DRAWN_ROWS), []
        with self._mixed():  # around all blocks, so that autocast turns each weight into bfloat16 once
            for start in range(0, len(wanted), size):
                tiles, own_seeds, temperatures = zip(*wanted[start : start + size])
                ids, probabilities = self._draw_block(filled(tokens[list(tiles)], size), sampling, RowNoise(own_seeds, temperatures))
                read += [self._read(*row) for _, *row in zip(tiles, ids.tolist(), probabilities.tolist())]
        return [read[i : i + sampling.samples] for i in range(0, len(read), sampling.samples)]

    def _draw_block(self, tokens: Tensor, sampling: Sampling, noise: RowNoise) -> tuple[Tensor, Tensor]:
        """Ids and their probabilities, (rows, L) each, of a block of samples with a row of condition tokens each; inside ``_mixed``."""
        condition: Condition = tokens
        lengths = self.net.likely_lengths(tokens)
        if self.cache_condition:
            condition = self.net.denoiser.fusion.project(tokens)
        with self._mixed(False):
            points = self._sample(condition, len(tokens), sampling, noise, lengths)
            probabilities, ids = self.net.text.logits(points).softmax(-1).max(-1)
        return ids, probabilities

    def _caption_batch(self, before: np.ndarray, after: np.ndarray, options: CaptionOptions, seeds: Sequence[int]) -> list[Caption]:
        if self.net.flag is not None:
            return super()._caption_batch(before, after, options, seeds)
        threshold = self.card.threshold if options.threshold is None else options.threshold
        with torch.inference_mode():
            tokens = self.encode(self._to_device(before), self._to_device(after)).state
            drawn = self.draw(tokens, self.sampling(options), seeds)
            scores = [sum(sample.text not in self.no_change for sample in samples) / len(samples) for samples in drawn]
            changed = [i for i, score in enumerate(scores) if score >= threshold]
            chosen = self.choose_captions(tokens[changed], self.sampling(options), [seeds[i] for i in changed], [drawn[i] for i in changed])
        captions = [unchanged_caption(score) for score in scores]
        for i, (text, score) in zip(changed, chosen, strict=True):
            captions[i] = changed_caption(text, score, scores[i])
        return captions

    def choose_captions(self, tokens: Tensor, sampling: Sampling, seeds: Sequence[int], drawn: list[list[Drawn]]) -> list[tuple[str, float]]:
        """Captions of changed tiles and their scores; one none of whose samples is usable gets others, DRAWS times in all."""
        for number in range(1, DRAWS):
            again = [i for i, samples in enumerate(drawn) if not any(is_usable(sample, self.no_change) for sample in samples)]
            if not again:
                break
            others = self.draw(tokens[again], sampling, [seeds[i] for i in again], number * sampling.samples)
            for i, samples in zip(again, others, strict=True):
                drawn[i] = samples
        return [choose(samples, self.no_change) for samples in drawn]

    def _sample(self, condition: Condition, rows: int, sampling: Sampling, noise: RowNoise, lengths: Tensor | None = None) -> Tensor:
        """x̂0 (rows, L, latent) of a sample of each row of the condition."""
        config, chain = self.net.config, self.net.chain(lengths)

        def denoise(x: Tensor, sigma: Tensor, condition: Condition) -> Tensor:
            with self._mixed():
                return chain(x, sigma, condition).float()

        start = noise(torch.zeros(rows, config.length, config.latent, device=self.device))
        if config.family == "karras":
            sigmas = karras_grid(sampling.steps, config.sigma_min, config.sigma_max)
            return SAMPLERS[sampling.sampler](denoise, float(sigmas[0]) * start, sigmas, condition, noise)
        estimate: Denoise = clamped(denoise, self.net.text.table()) if sampling.clamp else denoise
        spread = {"variance": sampling.variance} if sampling.sampler == "ddpm" else {}
        return DISCRETE_SAMPLERS[sampling.sampler](self.net.diffusion.respaced(sampling.steps), estimate, start, condition, noise, **spread)

    def _read(self, ids: Sequence[int], probabilities: Sequence[float]) -> Drawn:
        """Text between start and end; the pads behind do not count."""
        end = self.vocabulary.ids[END]
        written = probabilities[: ids.index(end) + 1] if end in ids else probabilities
        return Drawn(self.vocabulary.decode(ids), sum(written) / len(written))

    def _temperature(self, sampling: Sampling, number: int) -> float:
        return max(sampling.temperature, VARIED) if number else sampling.temperature

    def _mixed(self, enabled: bool = True) -> AbstractContextManager:
        return nullcontext() if self.precision == torch.float32 else torch.autocast(self.device.type, self.precision, enabled)


def is_usable(sample: Drawn, no_change: Collection[str] = NO_CHANGE) -> bool:
    """Whether a sample can be the caption of a changed tile: a well-formed sentence that does not deny the change."""
    return is_well_formed(sample.text) and sample.text not in no_change


def choose(samples: Sequence[Drawn], no_change: Collection[str] = NO_CHANGE) -> tuple[str, float]:
    """A changed tile's caption and its score (0..1), among the usable samples; "" and 0 without any.

    The score is the mean similarity of all samples, itself among them, to the chosen one; of a single sample the mean probability of its tokens.
    """
    usable = [sample for sample in samples if is_usable(sample, no_change)]
    if not usable:
        return "", 0.0
    if len(samples) == 1:
        return usable[0].text, usable[0].probability
    index, agreement = consensus([sample.text for sample in usable])
    # What was refused agrees with nothing.
    return usable[index].text, (1 + agreement * (len(usable) - 1)) / len(samples)


def sample_seed(seed: int, number: int) -> int:
    """Seed of one sample of a tile (63 bits)."""
    return int(np.random.SeedSequence((seed, number)).generate_state(1, np.uint64)[0] >> np.uint64(1))
