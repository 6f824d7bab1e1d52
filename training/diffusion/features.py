"""Conditions of a frozen encoder, computed once: what the compact diffusion captioners are trained on.

    python -m training.diffusion.features --versions 4

writes train.safetensors and val.safetensors: F(before) − F(after) of every captioned pair as it is, and of each training pair again ``versions − 1``
times, augmented on the pixels as ``scribe-s`` is (other dates' order, other pairs' changes pasted in, colours, misregistration), with the captions
and the change flag that are true of it. About 200 kB a pair and version.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from engine.contract.errors import InputError
from engine.evaluation.evaluate import NO_CHANGE
from engine.models.device import cpu_has_bf16
from engine.models.diffusion.encoder import EFFICIENTNETS, ImageDifferenceEncoder
from engine.registry import weights_path

from ..augment import photometric
from ..datasets import STRICT, SplitOptions, captioned, check_leakage, load_rows, training_rows
from ..dfm.weights import read_detector
from ..shared.batches import AugmentOptions, PairStore, Sample, augmented, plain_sample

FOLDER = Path("runs/diffusion-features")
ENCODER = "efficientnet-lite2"
UNCHANGED = tuple(tuple(sentence.split()) for sentence in sorted(NO_CHANGE))
Tokens = tuple[str, ...]
# Images of both dates (N, 3, 256, 256), 0..255, to what a captioner is conditioned on.
Encode = Callable[[Tensor, Tensor], Tensor]


@dataclass
class CachedPairs:
    """Conditions with what is true of them.

    condition : (N, …, tokens, C) float16: (N, 196, C) of the diffusion captioners.
    changed : (N,) bool. captions : of each, none where only the flag is known. style : as ``batches.style_of``.
    ids : of the pairs they were made from; the first of the conditions are those of the pairs as they are.
    encoder : what made the conditions: one of ``ENCODERS``.
    """

    condition: Tensor
    changed: Tensor
    captions: list[tuple[Tokens, ...]]
    style: list[int]
    ids: list[str]
    encoder: str

    def __len__(self) -> int:
        return len(self.condition)


def trained_encoder(path: Path) -> tuple[ImageDifferenceEncoder, str]:
    """The image encoder of a ``scribe-s`` file, frozen, and its kind."""
    found = read_detector(path)
    kind = next(name for name, variant in EFFICIENTNETS.items() if variant == found.config["encoder"])
    encoder = ImageDifferenceEncoder(kind)
    encoder.model.load_state_dict({name.removeprefix("encoder."): value for name, value in found.state.items() if name.startswith("encoder.")})
    return encoder.requires_grad_(False).eval(), kind


def as_they_are(store: PairStore) -> list[Sample]:
    """Every pair without augmentation."""
    return [plain_sample(row, images) for row, images in zip(store.rows, store.images, strict=True)]


def augmented_version(store: PairStore, version: int) -> list[Sample]:
    """Every pair once, augmented as ``version`` seeds it; those left out of which neither caption nor flag is known any more."""
    samples = [augmented(store, i, AugmentOptions(), np.random.default_rng((version, i))) for i in range(len(store))]
    return [sample for sample in samples if sample.flag is not None]


@torch.inference_mode()
def conditions(encode: Encode, samples: Sequence[Sample], generator: torch.Generator | None) -> Tensor:
    """What ``encode`` makes of samples, float16; with a generator in colours drawn from it."""
    images = torch.from_numpy(np.stack([s.before for s in samples] + [s.after for s in samples]))
    if generator is not None:
        images = photometric(images.float(), generator, season=torch.tensor([s.season for s in samples]))
    with torch.autocast("cpu", torch.bfloat16, enabled=cpu_has_bf16()):
        return encode(*images.chunk(2)).half()


def extract(encode: Encode, kind: str, store: PairStore, versions: int, batch_size: int = 16) -> CachedPairs:
    """The pairs as they are, and ``versions - 1`` times augmented."""
    start_s = time.perf_counter()
    parts: list[Tensor] = []
    flags: list[bool] = []
    captions: list[tuple[Tokens, ...]] = []
    style: list[int] = []
    for version in range(versions):
        samples = augmented_version(store, version) if version else as_they_are(store)
        generator = torch.Generator().manual_seed(version) if version else None
        for start in range(0, len(samples), batch_size):
            parts.append(conditions(encode, samples[start : start + batch_size], generator))
        flags += [bool(sample.flag) for sample in samples]
        captions += [sample.captions if sample.flag else UNCHANGED for sample in samples]
        style += [sample.style for sample in samples]
        print(
            json.dumps({"version": version + 1, "of": versions, "pairs": len(flags), "elapsed_s": round(time.perf_counter() - start_s)}), flush=True
        )
    return CachedPairs(torch.cat(parts), torch.tensor(flags), captions, style, [row.id for row in store.rows], kind)


def save(pairs: CachedPairs, path: Path) -> None:
    metadata = {"encoder": pairs.encoder, "captions": pairs.captions, "style": pairs.style, "ids": pairs.ids}
    save_file(
        {"condition": pairs.condition.contiguous(), "changed": pairs.changed},
        path,
        metadata={name: value if isinstance(value, str) else json.dumps(value) for name, value in metadata.items()},
    )


def read_cached(path: Path) -> CachedPairs:
    """Pairs written by ``save``.

    Raises
    ------
    InputError
        Not there, or not written by ``main``.
    """
    try:
        with safe_open(path, "pt") as stream:
            metadata = stream.metadata() or {}
            captions, style, ids = (json.loads(metadata[name]) for name in ("captions", "style", "ids"))
            tensors = {name: stream.get_tensor(name) for name in ("condition", "changed")}
            encoder = metadata["encoder"]
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        got = f"{path} cannot be read ({error!r})"
        raise InputError(got, "conditions of the frozen encoder", "run python -m training.diffusion.features") from error
    return CachedPairs(**tensors, captions=[tuple(tuple(c) for c in each) for each in captions], style=style, ids=ids, encoder=encoder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--weights", type=Path, help="scribe-s weights whose encoder is taken (default: the bundled ones)")
    parser.add_argument("--versions", type=int, default=4, help="of each training pair: 1 as it is, the others augmented")
    SplitOptions.add_options(parser)
    args = parser.parse_args()
    encoder, kind = trained_encoder(args.weights or weights_path("scribe-s"))
    write_splits(encoder, kind, args.data, args.versions, args.out, SplitOptions.of(args))


def write_splits(encode: Encode, kind: str, data: Path, versions: int, out: Path, apart: SplitOptions = STRICT) -> None:
    """Cache the validation pairs and the captioned training pairs of ``data``.

    Raises
    ------
    InputError
        Training pairs that are also held out.
    """
    out.mkdir(parents=True, exist_ok=True)
    rows = load_rows(data)
    train = [row for row in training_rows(rows, apart) if row.captions]
    check_leakage(train, [row for row in rows if row.split != "train"], apart)
    for name, chosen, count in (("val", captioned(rows, "val"), 1), ("train", train, versions)):
        save(extract(encode, kind, PairStore(chosen), count), out / f"{name}.safetensors")


if __name__ == "__main__":
    main()
