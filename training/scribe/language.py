"""The decoder learns English before it sees a picture: LEVIR-CC's training sentences on changed pairs, text only.

Only sentences of LEVIR-CC's published training split are read; those of its validation and test pairs are not.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from engine.models.device import cpu_has_bf16
from engine.models.scribe import ScribeNet
from engine.words.text import Vocabulary

from .losses import caption_loss

LEVIR_STYLE = 0
Tokens = tuple[str, ...]


def levir_sentences(data: Path) -> list[Tokens]:
    """Tokens of the sentences on the 3,407 changed training pairs of ``levir_cc/captions.json``; none where the file is absent."""
    path = data / "levir_cc" / "captions.json"
    if not path.is_file():
        return []
    images = json.loads(path.read_text("utf-8"))["images"]
    texts = [text for image in images if image["split"] == "train" and image["changeflag"] for text in image["raw"]]
    return [tuple(text.replace("?", " ").replace(".", " ").split()) for text in texts]


def pretrain_decoder(
    net: ScribeNet, vocabulary: Vocabulary, sentences: Sequence[Tokens], epochs: int, batch_size: int = 256, peak_lr: float = 1e-3, seed: int = 0
) -> float:
    """Next-word training of the decoder with the style token as its only memory; returns the last epoch's mean loss (nats a word, smoothed)."""
    rng, ids = np.random.default_rng(seed), torch.tensor([vocabulary.encode(s, net.config.max_length) for s in sentences])
    trained = [*net.decoder.parameters(), *net.styles.parameters()]
    optimizer = torch.optim.AdamW(trained, lr=peak_lr, weight_decay=0.02, betas=(0.9, 0.98))
    steps = epochs * (len(ids) // batch_size)
    net.decoder.train()
    mean = math.nan
    for epoch in range(epochs):
        losses = []
        for step, chosen in enumerate(np.array_split(rng.permutation(len(ids)), max(1, len(ids) // batch_size))):
            for group in optimizer.param_groups:
                done = (epoch * (len(ids) // batch_size) + step) / max(1, steps)
                group["lr"] = peak_lr * min(1.0, 20 * done + 0.05) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
            batch = ids[chosen]
            batch = batch[:, : int((batch != 0).sum(1).max())]
            nothing = torch.zeros(len(batch), 0, net.config.width)
            memory = net.with_style(nothing, torch.full((len(batch),), LEVIR_STYLE))
            with torch.autocast("cpu", torch.bfloat16, enabled=cpu_has_bf16()):
                logits, _ = net.decoder(batch[:, :-1], net.decoder.project_memory(memory))
                loss = caption_loss(logits, batch)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            losses.append(float(loss.detach()))
        mean = float(np.mean(losses))
        print(json.dumps({"language_epoch": epoch + 1, "loss": round(mean, 4)}), flush=True)
    return mean
