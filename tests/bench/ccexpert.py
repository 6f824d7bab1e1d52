"""Speed and memory of ccexpert with random weights of the real shapes: pairs one by one and in a batch.

    python -m tests.bench.ccexpert --preset ccexpert-small
    python -m tests.bench.ccexpert --preset ccexpert-0.5b ccexpert-7b --device cuda --batch 32

Every answer has as many tokens as a long caption (random weights never end one). ``read`` is tower, difference module and prompt, ``write`` the
tokens of the answers.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path

import torch

from engine.models.ccexpert.config import PRESETS, CCExpertConfig
from engine.models.ccexpert.net import IMAGE_ID, CCExpertNet, Prefix
from engine.models.ccexpert.weights import count_parameters, weights_dtype

BEFORE, BETWEEN, BEHIND = 19, 6, 16  # text tokens around the images: the paper's prompt and its chat with Qwen2's tokenizer
NEW_TOKENS = 16
PRESET = "ccexpert-small"


def random_net(config: CCExpertConfig, device: str) -> CCExpertNet:
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(weights_dtype(device, count_parameters(config)))
    try:
        with torch.device(device):
            return CCExpertNet(config).eval()
    finally:
        torch.set_default_dtype(before)


@torch.inference_mode()
def seconds(net: CCExpertNet, head: Prefix, images: torch.Tensor) -> tuple[float, float]:
    """Of reading and of writing, for pairs (N, 2, 3, 256, 256)."""
    tokens = [IMAGE_ID] * net.config.tokens_per_image
    prompt = torch.tensor([[7] * BEFORE + tokens + [7] * BETWEEN + tokens + [7] * BEHIND], device=images.device).expand(len(images), -1)
    start_s = _now(images.device)
    levels = net.levels(net.pixels(images.flatten(0, 1))).unflatten(0, (-1, 2))
    prefix = net.prefill(prompt, torch.ones_like(prompt), net.visual(levels[:, 0], levels[:, 1]), head)
    read_s = _now(images.device)
    net.greedy(prefix, [net.config.text["vocab_size"] - 1], NEW_TOKENS)
    return read_s - start_s, _now(images.device) - read_s


def measure(preset: str, device: str, batch: int) -> dict:
    """Captions and tokens a second, one by one and in batches of ``batch``, and the memory that it took."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    net = random_net(PRESETS[preset], device)
    images = torch.randint(0, 256, (batch, 2, 3, 256, 256), device=device)
    with torch.inference_mode():
        head = net.head([7] * BEFORE)
    seconds(net, head, images[:1])  # the first call prepares kernels
    alone = [sum(pair) for pair in zip(*(seconds(net, head, images[i : i + 1]) for i in range(batch)))]
    together = seconds(net, head, images)
    figures = {
        "preset": preset,
        "device": torch.cuda.get_device_name() if device == "cuda" else f"cpu, {torch.get_num_threads()} threads",
        "dtype": str(next(net.parameters()).dtype).removeprefix("torch."),
        "visual_tokens": 2 * net.config.tokens_per_image,
        "batch": batch,
    }
    for name, (read_s, write_s) in (("one_by_one", alone), ("batched", together)):
        speed = {"captions_per_s": batch / (read_s + write_s), "read_s": read_s, "write_s": write_s, "tokens_per_s": batch * NEW_TOKENS / write_s}
        figures[name] = {key: round(value, 3) for key, value in speed.items()}
    figures["times_faster"] = round(sum(alone) / sum(together), 2)
    figures["times_faster_writing"] = round(alone[1] / together[1], 2)
    figures["memory_mb"] = torch.cuda.max_memory_allocated() >> 20 if device == "cuda" else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    return figures


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", nargs="+", choices=sorted(PRESETS), default=[PRESET])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    args = parser.parse_args()
    figures = [measure(preset, args.device, args.batch) for preset in args.preset]
    print(json.dumps(figures, indent=2))
    if args.json:
        args.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
