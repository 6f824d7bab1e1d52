"""Timings of the report on the diffusion captioners: seconds a caption, keys and values cached or not, and throughput."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace

import numpy as np
import torch

from engine.models.captioner import CaptionOptions
from engine.models.device import cpu_has_bf16
from engine.models.diffusion.captioner import FAITHFUL, DiffusionCaptioner, Sampling
from engine.run.lanes import batch_size

TIMED = "timing.json"
EVERY_TILE = CaptionOptions(threshold=0.0)  # the cascade off
REPEATS = 9
LONG_STEPS, LONG_REPEATS = 200, 1
STEPS = (10, 20, 50)


def measure(captioner: DiffusionCaptioner, before: np.ndarray, after: np.ndarray) -> dict:
    """Timings on pairs (N, 3, 256, 256), the images already in memory.

    ``captions``: median processor seconds (of all threads, so that other programs count little) of a caption, image encoder included, one pair at a
    time, with and without the cache, of the model's own sampler at STEPS and of the published sampling. ``tiles_per_s``: of all pairs in batches,
    each decoded, by the clock, with the model's own sampling; ``processor_s_per_tile``: likewise.
    """
    published = FAITHFUL[captioner.net.config.family]
    samplings = dict.fromkeys([captioner.default, *(replace(captioner.default, steps=steps) for steps in STEPS), published])
    captions = [
        asdict(sampling) | {"cache": cache, "seconds": caption_s(captioner, sampling, cache, before, after)}
        for sampling in samplings
        for cache in (True, False)
    ]
    return {
        "threads": torch.get_num_threads(),
        "bf16": cpu_has_bf16(),
        "device": str(captioner.device),
        "default": asdict(captioner.default),
        "published": asdict(published),
        "captions": captions,
        **throughput(captioner, before, after),
        "tiles": len(before),
    }


def caption_s(captioner: DiffusionCaptioner, sampling: Sampling, cache: bool, before: np.ndarray, after: np.ndarray) -> float:
    """Median processor seconds of a caption, one pair at a time; a first one does not count."""
    repeats = LONG_REPEATS if sampling.steps > LONG_STEPS else REPEATS
    seconds = []
    with _set(captioner, sampling, cache):
        captioner.caption(before[:1], after[:1], replace(EVERY_TILE, steps=1), [0])
        for i in range(repeats):
            start_s = time.process_time()
            captioner.draw(captioner.encode(*(torch.from_numpy(images[i : i + 1]) for images in (before, after))).state, sampling, [i])
            seconds.append(time.process_time() - start_s)
    return statistics.median(seconds)


def throughput(captioner: DiffusionCaptioner, before: np.ndarray, after: np.ndarray) -> dict[str, float]:
    """Tiles in the engine's batches, each decoded; the best of three passes, since other programs only slow it down."""
    size, passes = batch_size(captioner), []
    for _ in range(3):
        start_s, processor_s = time.perf_counter(), time.process_time()
        for first in range(0, len(before), size):
            chunk = slice(first, first + size)
            captioner.caption(before[chunk], after[chunk], EVERY_TILE, list(range(len(before)))[chunk])
        passes.append((len(before) / (time.perf_counter() - start_s), (time.process_time() - processor_s) / len(before)))
    return {"tiles_per_s": max(rate for rate, _ in passes), "processor_s_per_tile": min(seconds for _, seconds in passes), "batch": size}


@contextmanager
def _set(captioner: DiffusionCaptioner, sampling: Sampling, cache: bool) -> Iterator[None]:
    before = captioner.default, captioner.cache_condition
    captioner.default, captioner.cache_condition = sampling, cache
    try:
        with torch.inference_mode():
            yield
    finally:
        captioner.default, captioner.cache_condition = before
