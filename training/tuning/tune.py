"""Fine-tune the bundled model on tiles that a person has reviewed: ``changescribe train --from-reviewed DIR --out DIR``.

    changescribe export-reviewed CHANGES.gpkg -o reviewed
    changescribe train --from-reviewed reviewed --out tuned
    changescribe models add tuned/scribe-s-tuned.safetensors

The encoder and the change branch stay as they are; the decoder learns the reviewer's words and the heads the reviewer's idea of change.
What the frozen part sees in a few augmented views of each tile is computed once, so that the rest takes seconds. Stops where the held-out
part gets worse.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from engine import registry
from engine.contract.errors import ChangeScribeError, InputError, OutputError
from engine.contract.request import DEFAULT_MODEL
from engine.evaluation.pairs import read_pairs
from engine.models.captioner import ModelCard
from engine.models.device import cpu_has_bf16
from engine.models.scribe import ScribeCaptioner, ScribeNet, Seen, date_tokens, read_checkpoint
from engine.registry.weights import pack, unpack
from engine.words.text import SPECIAL, Vocabulary

from ..datasets import PairRow
from ..datasets.rows import delta_array, words
from ..scribe.losses import caption_loss, known_bce
from ..shared.batches import REVIEWED, AugmentOptions, Batch, PairStore, batches

MIN_CHANGED = 8
WARMUP = 20  # steps
# One date twice is an unchanged tile that costs no review; without unchanged tiles the heads would learn to see change everywhere.
VIEWS_DRAWN = AugmentOptions(swap=0.15, same=0.15, compose=0.0, shift_px=2, captions=5, other_style=0.0)
PLAIN = AugmentOptions(swap=0.0, same=0.0, compose=0.0, shift=0.0, captions=5, other_style=0.0)


@dataclass(frozen=True)
class TuneOptions:
    """How to tune. views : augmented looks at each pair. patience : epochs without a better held-out loss after which it stops."""

    model: str = DEFAULT_MODEL
    name: str = f"{DEFAULT_MODEL}-tuned"
    views: int = 4
    epochs: int = 12
    patience: int = 3
    batch_size: int = 16
    lr: float = 3e-5
    heads_lr: float = 1e-4
    weight_decay: float = 0.02
    min_count: int = 2
    seed: int = 1


@dataclass
class Looked:
    """A batch after the frozen part: what the heads see, the decoder's memory (N, 64, width), and the batch's targets."""

    seen: Seen
    memory: Tensor
    batch: Batch


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="changescribe train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from-reviewed", metavar="DIR", type=Path, required=True, help="what `changescribe export-reviewed` has written")
    parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="folder for the weights and their card")
    parser.add_argument("--name", default=TuneOptions.name, help=f"id of the tuned model (default {TuneOptions.name})")
    parser.add_argument("--epochs", type=int, default=TuneOptions.epochs, help=f"at most (default {TuneOptions.epochs})")
    text = f"of the decoder; 1e-4 and 20 epochs where the captions are in a style of their own (default {TuneOptions.lr:g})"
    parser.add_argument("--lr", type=float, default=TuneOptions.lr, help=text)
    parser.add_argument("--seed", type=int, default=TuneOptions.seed)
    args = parser.parse_args(argv)
    try:
        path = tune(args.from_reviewed, args.out, TuneOptions(name=args.name, epochs=args.epochs, lr=args.lr, seed=args.seed))
    except ChangeScribeError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"{path}\nUse it: changescribe models add {path}; then --model {args.name}")
    return 0


def tune(data: Path, out: Path, options: TuneOptions = TuneOptions()) -> Path:
    """Tune a model and write ``out/NAME.safetensors`` with a card beside it.

    Parameters
    ----------
    data : folder in LEVIR-CC's layout with the splits train and val

    Raises
    ------
    InputError
        The data are incomplete or too few, or tuning does not help on the held-out pairs. OutputError: ``out`` cannot be written.
    """
    registry.verify_own_id(options.name)
    started = time.perf_counter()
    train_rows, held_rows = reviewed_rows(data, "train"), reviewed_rows(data, "val")
    _verify(train_rows, held_rows)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out} cannot be made ({error})", "a writable folder", "choose another --out") from error
    torch.manual_seed(options.seed)
    net, vocabulary, card, calibration = read_checkpoint(str(registry.verify(options.model)))
    vocabulary = learn_words(net, vocabulary, train_rows, options.min_count)
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    train = list(_views(net, vocabulary, train_rows, VIEWS_DRAWN, options.views, options))
    held = list(_views(net, vocabulary, held_rows, PLAIN, 1, options))
    best = fit(net, train, held, options)
    if not any(best["epochs"].values()):
        raise InputError(
            f"tuning on {len(train_rows)} pairs does not lower the loss on the {len(held_rows)} held-out ones",
            "more reviewed tiles, or captions that are more alike",
            f"review more, export again; {options.model} stays the better model for this area",
        )
    path = out / f"{options.name}.safetensors"
    tuned_card = replace(card, id=options.name, name=f"{options.model} tuned on {len(train_rows)} reviewed tiles")
    _save(path, net, vocabulary, tuned_card, calibration, options)
    record = {"pairs": len(train_rows), "held_out": len(held_rows), "seconds": round(time.perf_counter() - started), **best}
    _describe(out / f"{options.name}.md", data, options, record)
    print(json.dumps(record), flush=True)
    return path


def reviewed_rows(data: Path, split: str) -> list[PairRow]:
    """Pairs of an exported data set; raises as ``engine.evaluation.pairs.read_pairs``."""
    rows = []
    for pair in read_pairs(data, split):
        delta = None if pair.delta is None else delta_array(dict(pair.delta))
        captions = tuple(words(text) for text in pair.references)
        rows.append(PairRow(pair.name, REVIEWED, pair.name, split, pair.before, pair.after, None, int(pair.changed), delta, captions))
    return rows


def _verify(train: Sequence[PairRow], held: Sequence[PairRow]) -> None:
    changed = sum(row.changed == 1 for row in train)
    if changed < MIN_CHANGED or not any(row.changed for row in held):
        got = f"{changed} changed tiles to learn from and {sum(row.changed == 1 for row in held)} held out"
        raise InputError(got, f"at least {MIN_CHANGED} and 1", "review more changed tiles, in several parts of the area")


def learn_words(net: ScribeNet, vocabulary: Vocabulary, rows: Sequence[PairRow], min_count: int) -> Vocabulary:
    """Put words that the reviewer uses and the model does not know into both; their embeddings begin as the mean of the known ones."""
    counted = Vocabulary.build((caption for row in rows if row.changed for caption in row.captions), min_count)
    new = [word for word in counted.words if word not in vocabulary.ids]
    if not new:
        return vocabulary
    decoder, known = net.decoder, len(vocabulary)
    weight = decoder.embedding.weight.data
    mean = weight[len(SPECIAL) :].mean(0)
    added = mean + 0.1 * weight.std() * torch.randn(len(new), weight.shape[1])
    decoder.embedding = nn.Embedding(known + len(new), weight.shape[1])
    decoder.embedding.weight.data = torch.cat((weight, added))
    decoder.bias = nn.Parameter(torch.cat((decoder.bias.data, decoder.bias.data[len(SPECIAL) :].mean().repeat(len(new)))))
    return Vocabulary([*vocabulary.words, *new])


@torch.no_grad()
def _views(
    net: ScribeNet, vocabulary: Vocabulary, rows: Sequence[PairRow], drawn: AugmentOptions, views: int, options: TuneOptions
) -> Iterator[Looked]:
    """What the frozen part sees of ``views`` augmented looks at each pair."""
    store, net = PairStore(list(rows)), net.eval()
    for view in range(views):
        rng = np.random.default_rng((options.seed, view))
        order = np.array_split(rng.permutation(len(rows)), math.ceil(len(rows) / options.batch_size))
        for batch in batches(store, order, vocabulary, net.config.max_length, drawn, options.seed * 1000 + view):
            with torch.autocast("cpu", torch.bfloat16, enabled=cpu_has_bf16()):
                before, after = net.encode(batch.before, batch.after)
                seen = net.prior.look(before, after)
                memory = net.joint(date_tokens(before), date_tokens(after), seen.prior)
            none = torch.empty(0)
            kept = replace(batch, before=none, after=none, mask=none)
            yield Looked(Seen(seen.pooled.float(), seen.maps.float(), none, none), memory.float(), kept)


def losses(net: ScribeNet, looked: Looked) -> dict[str, Tensor]:
    """Terms of the loss: caption (changed pairs), flag, classes."""
    batch = looked.batch
    flag, classes = net.prior.judge(looked.seen)
    memory = net.with_style(looked.memory[batch.owner], batch.style)
    found = {"flag": known_bce(flag, batch.flag, smoothing=0.05), "classes": known_bce(classes, batch.classes, positive_weight=2.0)}
    if len(batch.ids):
        found["caption"] = caption_loss(net.decoder(batch.ids[:, :-1], net.decoder.project_memory(memory))[0], batch.ids)
    return found


def parts_of(net: ScribeNet) -> dict[str, nn.Module]:
    """What is trained, by the loss term that alone depends on it: the parts share no weights and see the same frozen features."""
    parts: dict[str, nn.Module] = {"caption": nn.ModuleList((net.decoder, net.styles)), "flag": net.prior.head}
    if net.prior.classes is not None:
        parts["classes"] = net.prior.classes
    return parts


def fit(net: ScribeNet, train: Sequence[Looked], held: Sequence[Looked], options: TuneOptions) -> dict:
    """Train decoder and heads; leaves each part of the net at its best epoch (0: untuned) by its held-out loss.

    Returns
    -------
    dict
        ``epochs`` chosen, and the held-out loss ``before`` and ``after``, each by part.
    """
    parts = parts_of(net)
    peaks = {name: options.lr if name == "caption" else options.heads_lr for name in parts}
    groups = [{"params": list(part.parameters()), "peak": peaks[name]} for name, part in parts.items()]
    optimizer = torch.optim.AdamW(groups, lr=options.lr, weight_decay=options.weight_decay, betas=(0.9, 0.98))
    rng, total, step = np.random.default_rng(options.seed), options.epochs * len(train), 0
    before = held_losses(net, held)
    after, epochs, states = dict(before), dict.fromkeys(parts, 0), {name: _copy(part) for name, part in parts.items()}
    for epoch in range(1, options.epochs + 1):
        net.train()
        for i in rng.permutation(len(train)):
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * min(1.0, (step + 1) / WARMUP) * 0.5 * (1 + math.cos(math.pi * step / total))
            optimizer.zero_grad(set_to_none=True)
            sum(losses(net, train[i]).values(), torch.zeros(())).backward()
            for part in parts.values():
                nn.utils.clip_grad_norm_(part.parameters(), 1.0)
            optimizer.step()
            step += 1
        found = held_losses(net, held)
        print(json.dumps({"epoch": epoch, **found}), flush=True)
        for name in parts:
            if found[name] < after[name]:
                after[name], epochs[name], states[name] = found[name], epoch, _copy(parts[name])
        if epoch - max(epochs.values()) >= options.patience:
            break
    for name, part in parts.items():
        part.load_state_dict(states[name])
    return {"epochs": epochs, "before": before, "after": after}


@torch.no_grad()
def held_losses(net: ScribeNet, held: Sequence[Looked]) -> dict[str, float]:
    """Mean loss terms over batches, weighted by their pairs."""
    net.eval()
    sums: dict[str, list[tuple[float, int]]] = {}
    for looked in held:
        for name, value in losses(net, looked).items():
            sums.setdefault(name, []).append((float(value), len(looked.memory)))
    return {name: round(sum(v * n for v, n in terms) / sum(n for _, n in terms), 4) for name, terms in sums.items()}


def _copy(part: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in part.state_dict().items()}


def _save(path: Path, net: ScribeNet, vocabulary: Vocabulary, card: ModelCard, calibration: dict, options: TuneOptions) -> None:
    """Write the weights as the bundled ones are: bytes with a scale a row, configuration and vocabulary in the metadata."""
    packed = pack(net.state_dict())
    net.load_state_dict(unpack(packed))
    metadata = ScribeCaptioner(net, vocabulary, card, calibration, torch.device("cpu")).save_metadata()
    try:
        save_file(packed, path, metadata=metadata | {"tuned_from": options.model})
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error})", "a writable folder", "choose another --out") from error


def _describe(path: Path, data: Path, options: TuneOptions, record: dict) -> None:
    before, after = (", ".join(f"{name} {value:.3f}" for name, value in record[key].items()) for key in ("before", "after"))
    chosen = ", ".join(f"{name} {epoch}" for name, epoch in record["epochs"].items())
    lines = [
        f"# {options.name}",
        "",
        f"{options.model} (sha256 {registry.row(options.model)['sha256']}), its decoder and heads tuned on {record['pairs']} reviewed tiles "
        f"of {data.resolve()}, with {record['held_out']} held out to choose the epochs ({chosen}; 0: as it was).",
        "",
        f"Held-out loss before: {before}; after: {after}. It was used to choose, so it flatters; caption an area that was not reviewed and look.",
        "",
        f"The terms of {options.model} hold for it too (resources/cards/{options.model}.md); so may those of the images that it was tuned on.",
        "",
        f"Options: {json.dumps(asdict(options))}",
    ]
    path.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
