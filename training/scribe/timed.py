"""Fine-tune ``scribe-s`` from finished weights for a given time: ``python -m training.scribe.train --init FILE --minutes 90``.

The same losses, augmentation and data as the training from scratch, the schedule counted in minutes, since on a shared machine steps are not. Several
processes of one thread each draw batches of their own and average their gradients: on busy cores they wait for one another once a step instead
of once a layer. Resumes from ``last.pt``.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import distributed, nn

from engine.models.scribe import ScribeNet, read_checkpoint
from engine.words.text import Vocabulary

from ..datasets import PairRow
from ..shared.batches import AugmentOptions, Batch, PairStore, augmented, collate, texts_of
from ..shared.run_log import append_row
from ..shared.tgcl import TextGuidedContrast
from ..tuning.tune import learn_words
from .balance import draw_weights
from .frozen_stages import run_frozen_stages_fused
from .losses import scribe_losses
from .optimization import Ema, scribe_optimizer

INIT = "init.safetensors"
TERMS = ("caption", "flag", "mask", "classes")
FIELDS = ("minutes", "steps", *TERMS)
AUGMENT = AugmentOptions(same_world=0.2, turned=0.5, hidden=0.2, sensor=1.0, captions=1)


@dataclass(frozen=True)
class TimedOptions:
    """How to fine-tune. batch_size : pairs a process and step. minutes : of the whole schedule. save_minutes : between saves."""

    minutes: float = 90.0
    workers: int = 2
    batch_size: int = 8
    lr: float = 3e-4
    encoder_lr: float = 1e-4
    weight_decay: float = 0.02
    warmup: float = 0.04
    frozen_stages: int = 5
    ema: float = 0.99
    min_count: int = 3
    save_minutes: float = 8.0
    seed: int = 1


def fine_tune(rows: list[PairRow], init: Path, out: Path, options: TimedOptions) -> None:
    """Train on ``rows`` from the weights ``init``; ``out/last.pt`` holds the latest state, its ``ema`` the weights to use."""
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)  # OpenMP's pool does not survive the fork
    net, vocabulary, _, _ = read_checkpoint(str(init))
    settings = out / "settings.json"
    if settings.is_file():  # resumed: the words of before, whatever captions have been added
        vocabulary = Vocabulary(json.loads(settings.read_text("utf-8"))["vocabulary"])
        net = ScribeNet(net.config, len(vocabulary))
    else:
        vocabulary = learn_words(net, vocabulary, rows, options.min_count)
        found = {"train": asdict(options), "config": asdict(net.config), "vocabulary": vocabulary.words, "pairs": len(rows), "init": str(init)}
        shutil.copy(init, out / INIT)  # the bundled file may be replaced by what comes of this
        settings.write_text(json.dumps(found, indent=1), "utf-8")
    store = PairStore(rows)
    start = time.time()
    arguments = (store, net, vocabulary, out, options, start)
    if options.workers == 1:
        _work(0, *arguments)
    else:
        torch.multiprocessing.start_processes(_work, arguments, options.workers, start_method="fork")


def _work(rank: int, store: PairStore, net: ScribeNet, vocabulary: Vocabulary, out: Path, options: TimedOptions, start: float) -> None:
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // options.workers))
    if options.workers > 1:
        os.setsid()  # Linux shares a busy machine out by session, not by process
    if options.workers > 1:
        meeting = f"file://{(out / f'meeting-{start:.0f}').absolute()}"
        distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=options.workers)
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    contrast = TextGuidedContrast(net.encoder.channels[2])  # of no weight here: there are no sentence embeddings
    optimizer = scribe_optimizer(net, contrast, options.lr, options.encoder_lr, options.weight_decay, options.frozen_stages)
    ema = Ema(net, options.ema)
    spent, step = _resume(out / "last.pt", net, ema, optimizer)
    run_frozen_stages_fused(net.encoder, options.frozen_stages)  # copies their weights: after they have been read
    net.train()
    started = saved = time.time()
    sums, count = dict.fromkeys(TERMS, 0.0), 0
    torch.manual_seed(options.seed * 1000 + rank + step * 10)
    drawn = _batches(store, vocabulary, net.config.max_length, options, (options.seed, rank, step))
    while True:
        minutes = spent + (time.time() - started) / 60
        progress = _agreed(minutes / options.minutes, options.workers)
        if progress >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = group["peak_lr"] * _schedule(progress, options.warmup)
        losses = scribe_losses(net, next(drawn), contrast)
        optimizer.zero_grad(set_to_none=True)
        torch.stack([losses[name] for name in TERMS]).sum().backward()
        _average(net, options.workers)
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        ema.update(net)
        step, count = step + 1, count + 1
        for name in TERMS:
            sums[name] += float(losses[name].detach())
        if rank == 0 and time.time() - saved > 60 * options.save_minutes:
            saved = time.time()
            _save(out, net, ema, optimizer, spent + (saved - started) / 60, step, {name: sums[name] / count for name in TERMS})
            sums, count = dict.fromkeys(TERMS, 0.0), 0
    if rank == 0:
        _save(out, net, ema, optimizer, options.minutes, step, {name: sums[name] / max(1, count) for name in TERMS})
        torch.save({"state": ema.shadow, "scores": {}, "epoch": step}, out / "final.pt")  # as ``training.scribe.export`` reads it
    if options.workers > 1:
        distributed.destroy_process_group()


def _batches(store: PairStore, vocabulary: Vocabulary, length: int, options: TimedOptions, seed: tuple[int, ...]) -> Iterator[Batch]:
    """Batches without end, pairs drawn as ``draw_weights`` says."""
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(int(np.random.default_rng(seed).integers(2**31)))
    weights = draw_weights(store.rows)
    while True:
        order = rng.choice(len(store), options.batch_size, replace=False, p=weights)
        samples = [augmented(store, int(i), AUGMENT, rng) for i in order]
        yield collate(samples, [texts_of(found, vocabulary, length, AUGMENT, rng) for found in samples], length, generator)


def _average(net: nn.Module, workers: int) -> None:
    """The mean of all processes' gradients, in each of them."""
    if workers == 1:
        return
    trained = [p for p in net.parameters() if p.requires_grad]
    flat = torch.cat([torch.zeros(p.numel()) if p.grad is None else p.grad.reshape(-1) for p in trained])
    distributed.all_reduce(flat)
    flat /= workers
    for parameter, part in zip(trained, flat.split([p.numel() for p in trained]), strict=True):
        if parameter.grad is None:
            parameter.grad = part.view(parameter.shape).clone()
        else:
            parameter.grad.copy_(part.view(parameter.shape))


def _agreed(progress: float, workers: int) -> float:
    """The largest progress of all processes, so that they stop at one step."""
    if workers == 1:
        return progress
    told = torch.tensor(progress)
    distributed.all_reduce(told, op=distributed.ReduceOp.MAX)
    return float(told)


def _schedule(progress: float, warmup: float) -> float:
    """Linear warm-up, then cosine to zero, of ``progress`` 0..1."""
    if progress < warmup:
        return max(0.02, progress / warmup)
    return 0.5 * (1 + float(np.cos(np.pi * (progress - warmup) / (1 - warmup))))


def _save(out: Path, net: nn.Module, ema: Ema, optimizer: torch.optim.Optimizer, minutes: float, step: int, means: dict[str, float]) -> None:
    state = {
        "net": net.state_dict(),
        "ema": ema.shadow,
        "ema_steps": ema.steps,
        "optimizer": optimizer.state_dict(),
        "minutes": minutes,
        "steps": step,
    }
    torch.save(state, out / "last.part")
    (out / "last.part").replace(out / "last.pt")
    append_row(out / "log.csv", {"minutes": round(minutes, 1), "steps": step, **{name: round(value, 4) for name, value in means.items()}}, FIELDS)


def _resume(path: Path, net: nn.Module, ema: Ema, optimizer: torch.optim.Optimizer) -> tuple[float, int]:
    if not path.is_file():
        return 0.0, 0
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    net.load_state_dict(state["net"])
    ema.shadow, ema.steps = state["ema"], state["ema_steps"]
    optimizer.load_state_dict(state["optimizer"])
    return state["minutes"], state["steps"]
