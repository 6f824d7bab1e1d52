"""CCExpert's network: vision tower → difference module → projector → language model (arXiv 2411.11360, figure 2).

Tower, projector and language model are transformers' own classes; the difference module stands between the first two.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...contract.errors import InputError
from ..blocks import filled
from .config import CCExpertConfig
from .difference import DifferenceModule

# Stands for an image's token in ``input_ids``; no tokenizer gives it.
IMAGE_ID = -200
# Labels that the loss leaves out.
IGNORE_ID = -100


class Answer(NamedTuple):
    """loss : mean cross-entropy over the labelled tokens. logits : (M, vocabulary) float32 of these tokens. targets, rows : (M,), their
    ids and the row of the batch that each is of.
    """

    loss: Tensor
    logits: Tensor
    targets: Tensor
    rows: Tensor


class Prefix(NamedTuple):
    """Prompts that the language model has read. cache : transformers' ``DynamicCache``. mask : (B, T), 1 of what is no padding.
    logits : (B, vocabulary) of the next token.
    """

    cache: Any
    mask: Tensor
    logits: Tensor

    @classmethod
    def of(cls, mask: Tensor, logits: Tensor, *keys_values: Tensor) -> Prefix:
        """The inverse of ``tensors``."""
        cache = _transformers()[0].DynamicCache()
        for number, (key, value) in enumerate(zip(keys_values[::2], keys_values[1::2])):
            cache.update(key, value, number)
        return cls(cache, mask, logits)

    def tensors(self) -> tuple[Tensor, ...]:
        """Mask, logits, and keys and values of every layer, all with a row a prompt."""
        return self.mask, self.logits, *(tensor for layer in self.cache.layers for tensor in (layer.keys, layer.values))

    def select(self, index: Tensor) -> Prefix:
        """A copy of the rows in ``index``; rows may repeat."""
        return Prefix.of(*(tensor[index] for tensor in self.tensors()))

    def blocks(self, size: int) -> Iterator[Prefix]:
        """Copies of ``size`` rows each; the last one is filled up."""
        for rows in torch.arange(len(self.mask), device=self.mask.device).split(size):
            yield self.select(filled(rows, size))

    def fork(self, length: int) -> Prefix:
        """A copy of the first ``length`` tokens alone; its logits are not theirs until ``CCExpertNet.extend`` has read on."""
        part = self.select(torch.arange(len(self.mask), device=self.mask.device))
        part.cache.crop(length)
        return Prefix(part.cache, self.mask[:, :length], self.logits)


class Generated(NamedTuple):
    """ids : of each prompt, without the end. log_probs : (B,) mean log-probability of a token, the end's included."""

    ids: list[list[int]]
    log_probs: Tensor


class CCExpertNet(nn.Module):
    """The whole model with random weights. ``vision`` and ``llm`` keep transformers' names of their parameters."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: CCExpertConfig):
        super().__init__()
        transformers, projector = _transformers()
        self.config = config
        sizes = {name: value for name, value in config.vision.items() if name != "model_type"} | {"num_hidden_layers": max(config.levels)}
        if config.vision["model_type"] == "dinov2":
            self.vision = transformers.Dinov2Model(transformers.Dinov2Config(**sizes))
            self.vision.layernorm = nn.Identity()  # of the output, which nothing reads
            self.vision.embeddings.mask_token = None  # of its pretraining
        else:
            self.vision = transformers.SiglipVisionModel(transformers.SiglipVisionConfig(**sizes))
            self.vision.vision_model.post_layernorm = nn.Identity()
        self.difference = DifferenceModule(config.width, config.heads, config.mlp, config.change_layers, config.image_update)
        # Configurations of its own: it would change those of the tower and of the language model.
        both = {"vision_config": dict(config.vision), "text_config": {"model_type": "qwen2", **config.text}}
        self.projector = projector(transformers.LlavaOnevisionConfig(**both, vision_feature_layer=-1))
        self.llm = transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**config.text))
        mean, std = (255 * torch.tensor(values).view(1, 3, 1, 1) for values in (config.mean, config.std))
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)

    def pixels(self, images: Tensor) -> Tensor:
        """RGB (B, 3, H, W) in 0..255 → (B, 3, image_px, image_px) as the tower wants it."""
        px = self.config.image_px
        x = F.interpolate(images.float(), (px, px), mode="bicubic", antialias=True, align_corners=False).clamp(0, 255)
        return ((x - self.mean.float()) / self.std.float()).to(self.difference.init.gate.weight.dtype)

    def levels(self, pixels: Tensor) -> Tensor:
        """Outputs of ``pixels`` → the tower's tokens at the configured levels, (B, levels, tokens, width), without [CLS]."""
        states = self.vision(pixel_values=pixels, output_hidden_states=True).hidden_states
        side, wanted = self.config.tower_side, self.config.level_pool
        return torch.stack([_pooled(states[level][:, -side * side :], side, wanted) for level in self.config.levels], dim=1)

    def visual(self, levels_a: Tensor, levels_b: Tensor) -> Tensor:
        """Levels of both images, as ``levels`` gives them → what the language model reads, (B, 2, tokens_per_image, hidden)."""
        tokens = torch.stack(self.difference(levels_a, levels_b), dim=1)
        return self.projector(_pooled(tokens.flatten(0, 1), self.config.side, self.config.pool).unflatten(0, (-1, 2)))

    def embed(self, input_ids: Tensor, visual: Tensor) -> Tensor:
        """Token ids (B, T) with ``IMAGE_ID`` at both images' places, and ``visual`` → (B, T, hidden).

        Raises
        ------
        InputError
            A row without exactly the places of two images.
        """
        places = input_ids == IMAGE_ID
        found, need = places.sum(1), visual.shape[1] * visual.shape[2]
        if len(input_ids) != len(visual) or (found != need).any():
            got = f"prompts with {sorted(set(found.tolist()))} places for image tokens and features of {len(visual)} of {len(input_ids)} pairs"
            raise InputError(got, f"two images of {visual.shape[2]} tokens in each prompt", "build prompts with ccexpert.prompt.ChatTokenizer")
        embedded = self.llm.get_input_embeddings()(input_ids.masked_fill(places, 0))
        return embedded.masked_scatter(places[..., None], visual.to(embedded.dtype))

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor, levels_a: Tensor, levels_b: Tensor) -> Answer:
        """Loss of the labelled tokens (not ``IGNORE_ID``); the vocabulary's head runs on these alone.

        input_ids, attention_mask, labels : (B, T), padded on either side. levels_a, levels_b : as ``levels`` gives them.
        """
        embedded = self.embed(input_ids, self.visual(levels_a, levels_b))
        hidden = self.llm.model(inputs_embeds=embedded, attention_mask=attention_mask, use_cache=False).last_hidden_state
        wanted = labels[:, 1:] != IGNORE_ID  # a token is predicted at the place before it
        logits, targets = self.llm.lm_head(hidden[:, :-1][wanted]).float(), labels[:, 1:][wanted]
        return Answer(F.cross_entropy(logits, targets), logits, targets, wanted.nonzero()[:, 0])

    def head(self, ids: Sequence[int]) -> Prefix:
        """Have the language model read the text that prompts begin with, one row for ``prefill`` of them all."""
        input_ids = torch.tensor([ids], device=self.llm.device)
        out = self.llm(input_ids=input_ids, use_cache=True, logits_to_keep=1)
        return Prefix(out.past_key_values, torch.ones_like(input_ids), out.logits[:, -1].float())

    def prefill(self, input_ids: Tensor, attention_mask: Tensor, visual: Tensor, head: Prefix | None = None) -> Prefix:
        """Have the language model read prompts (B, T), padded on the left; behind ``head``, where they all begin with its text."""
        cache, read = (head.select(input_ids.new_zeros(len(input_ids))).cache, head.mask.shape[1]) if head else (None, 0)
        out = self.llm(
            inputs_embeds=self.embed(input_ids, visual)[:, read:],
            attention_mask=attention_mask,
            position_ids=_positions(attention_mask)[:, read:],
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return Prefix(out.past_key_values, attention_mask, out.logits[:, -1].float())

    def extend(self, prefix: Prefix, ids: Sequence[int]) -> Prefix:
        """Have every prompt go on with ``ids``; uses ``prefix`` up."""
        more = torch.tensor(ids, device=prefix.mask.device).expand(len(prefix.mask), -1)
        logits, mask = self._step(prefix.cache, prefix.mask, more)
        return Prefix(prefix.cache, mask, logits[:, -1].float())

    def log_prob(self, prefix: Prefix, ids: Sequence[int]) -> Tensor:
        """(B,) log-probability of each prompt's answer beginning with ``ids``; the prefix is as before afterwards."""
        length, batch = prefix.mask.shape[1], len(prefix.mask)
        answer = torch.tensor(ids, device=prefix.mask.device).expand(batch, -1)
        logits = prefix.logits[:, None]
        if len(ids) > 1:
            logits = torch.cat((logits, self._step(prefix.cache, prefix.mask, answer[:, :-1])[0].float()), dim=1)
            prefix.cache.crop(length)
        return logits.log_softmax(-1).gather(2, answer[..., None])[..., 0].sum(1)

    def greedy(self, prefix: Prefix, end_ids: Sequence[int], max_new_tokens: int | None = None, first: Tensor | None = None) -> Generated:
        """The likeliest token again and again until one of ``end_ids``; uses the prefix up. first : (B,) tokens to begin with instead."""
        cache, mask, logits = prefix
        ends = torch.tensor(end_ids, device=mask.device)
        done = torch.zeros(len(mask), dtype=torch.bool, device=mask.device)
        total, count = torch.zeros(2, len(mask), device=mask.device)
        chosen: list[Tensor] = []
        for _ in range(max_new_tokens or self.config.max_new_tokens):
            token = logits.argmax(-1) if chosen or first is None else first
            total += logits.log_softmax(-1).gather(1, token[:, None])[:, 0] * ~done
            count += ~done
            chosen.append(torch.where(done, ends[0], token))
            done = done | torch.isin(token, ends)
            if bool(done.all()):
                break
            logits, mask = self._step(cache, mask, chosen[-1][:, None])
            logits = logits[:, -1].float()
        rows = torch.stack(chosen, dim=1).tolist()
        return Generated([_until(row, set(end_ids)) for row in rows], total / count)

    @torch.no_grad()
    def generate(
        self, input_ids: Tensor, attention_mask: Tensor, levels_a: Tensor, levels_b: Tensor, end_ids: Sequence[int], max_new_tokens: int | None = None
    ) -> Generated:
        """Greedy answers to prompts (B, T), padded on the left."""
        prefix = self.prefill(input_ids, attention_mask, self.visual(levels_a, levels_b))
        return self.greedy(prefix, end_ids, max_new_tokens)

    def _step(self, cache: Any, mask: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Read ``ids`` (B, S) behind what is in the cache, which grows: logits (B, S, vocabulary) and the longer mask."""
        longer = torch.cat((mask, mask.new_ones(ids.shape)), dim=1)
        positions = _positions(longer)[:, mask.shape[1] :]
        out = self.llm(input_ids=ids, attention_mask=longer, position_ids=positions, past_key_values=cache, use_cache=True)
        return out.logits, longer


def _pooled(tokens: Tensor, side: int, wanted: int | None) -> Tensor:
    """(N, side², C) averaged to (N, wanted², C)."""
    if wanted is None:
        return tokens
    grid = tokens.transpose(1, 2).unflatten(2, (side, side))
    return F.adaptive_avg_pool2d(grid, wanted).flatten(2).transpose(1, 2)


def pad_left(prompts: Sequence[Sequence[int]], device: torch.device | str = "cpu") -> tuple[Tensor, Tensor]:
    """``input_ids`` and ``attention_mask`` (B, longest) of prompts of several lengths."""
    longest = max(len(prompt) for prompt in prompts)
    ids = torch.tensor([[0] * (longest - len(prompt)) + list(prompt) for prompt in prompts], device=device)
    mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts], device=device)
    return ids, mask


def _positions(mask: Tensor) -> Tensor:
    """Places of the tokens, counted from the first that is no padding."""
    return (mask.cumsum(1) - 1).clamp(min=0)


def _until(ids: list[int], ends: set[int]) -> list[int]:
    return ids[: next((i for i, token in enumerate(ids) if token in ends), len(ids))]


def _transformers():
    """transformers, and LLaVA-OneVision's projector, which its top level does not export."""
    try:
        import transformers
        from transformers.models.llava_onevision.modeling_llava_onevision import LlavaOnevisionMultiModalProjector
    except ImportError as error:
        do = f"{sys.executable} -m pip install 'transformers>=4.56,<5'"
        raise InputError(f"transformers is not installed ({error})", "the package transformers", do) from error
    return transformers, LlavaOnevisionMultiModalProjector
