"""Train CCExpert in its three stages.

    python -m training.ccexpert_base && python -m training.ccexpert_features
    python -m training.train_ccexpert --preset ccexpert-small

``ccexpert-small`` trains difference module, projector and adapters on cached tokens of its frozen tower. ``ccexpert-0.5b`` and ``ccexpert-7b`` are
trained whole, on images, from ``--base``, a folder of LLaVA-OneVision's weights; `accelerate launch -m training.train_ccexpert` does it on several
GPUs, with DeepSpeed where accelerate is configured so. A run goes on from last.pt; the best validation is kept in best.pt.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from engine.device import cpu_has_bf16
from engine.errors import InputError
from engine.models.ccexpert.config import PRESETS
from engine.models.ccexpert.difference import DifferenceModule
from engine.models.ccexpert.net import CCExpertNet
from engine.models.ccexpert.prompt import ChatTokenizer
from engine.models.ccexpert.weights import build, load_base, load_trained, tokenizer_folder, trained_state, verify_filled

from .ccexpert_base import FOLDER as BASE
from .ccexpert_batches import Item, PackedBatch, epoch_items, pack_answers, packed_loss
from .ccexpert_features import FOLDER as FEATURES
from .ccexpert_features import both_levels
from .ccexpert_stages import ADAPTED, LORA, STAGES, Stage, add_adapters, prepare, trained_counts
from .ccexpert_validate import captions, scores
from .ccexpert_words import WordTargets, words_loss
from .datasets import PairRow, captioned, check_leakage, load_rows, read_batch, training_rows
from .diffusion_batches import LEVIR_STYLE, FeatureSource, ImageSource, Source
from .diffusion_features import UNCHANGED, Tokens, read_cached
from .run_log import append_row

FIELDS = ("stage", "step", "of", "seconds", "lr", "loss", "val_well_formed", "val_flag_accuracy", "val_bleu4", "val_rouge", "val_cider")
FIELDS += ("val_bleu4_changed", "val_rouge_changed", "val_cider_changed", "val_objective")
TOLD_EVERY = 10  # steps


@dataclass
class Task:
    """What a run trains on, and what scores it.

    captions, groups : of each pair of the source; groups are "lcc", "lcc-unchanged", "pairs" and "pairs-unchanged" (``Stage.sources``).
    val_levels : of ``val_rows``, in batches.
    """

    source: FeatureSource | ImageSource
    captions: Sequence[Sequence[Tokens]]
    groups: list[str]
    val_rows: list[PairRow]
    val_levels: Callable[[CCExpertNet], Iterator[Tensor]]


class Objective(nn.Module):
    """Levels (N, 2, levels, tokens, width) or images of both dates, with packed answers or words → loss; what accelerate wraps."""

    def __init__(self, net: CCExpertNet):
        super().__init__()
        self.net = net

    def forward(self, source: Source, batch: PackedBatch | tuple[Tensor, Tensor]) -> Tensor:
        levels = both_levels(self.net)(*source) if isinstance(source, tuple) else source
        if isinstance(batch, tuple):
            return words_loss(self.net, levels[:, 0], levels[:, 1], *batch)
        return packed_loss(self.net, batch, levels[:, 0], levels[:, 1])


@dataclass
class Run:
    """A network on its way through the stages; ``stage`` and ``step`` are those to be done next."""

    net: CCExpertNet
    chat: ChatTokenizer
    stages: Sequence[Stage]
    task: Task
    out: Path
    accelerator: Accelerator
    seed: int = 1
    validate_every: int = 100
    stage: int = 0
    step: int = 0
    best: float = -math.inf

    @cached_property
    def words(self) -> WordTargets:
        return WordTargets([[self.chat.answer(" ".join(text)) for text in texts] for texts in self.task.captions])

    def train(self) -> None:
        """All stages, from where last.pt stopped."""
        self.out.mkdir(parents=True, exist_ok=True)
        settings = {"config": self.net.config.to_json(), "stages": [asdict(stage) for stage in self.stages], "seed": self.seed}
        (self.out / "settings.json").write_text(json.dumps(settings, indent=1), "utf-8")
        optimizer_state = self._resume()
        while self.stage < len(self.stages):
            self._train_stage(self.stages[self.stage], optimizer_state)
            self.stage, self.step, optimizer_state = self.stage + 1, 0, None

    def _train_stage(self, stage: Stage, optimizer_state: dict[str, Any] | None) -> None:
        plain = torch.optim.AdamW(prepare(self.net, stage), lr=stage.lr, betas=(0.9, 0.999), weight_decay=stage.weight_decay)
        if optimizer_state:
            plain.load_state_dict(optimizer_state)
        model, optimizer = self.accelerator.prepare(Objective(self.net), plain)
        items = stage_items(stage, self.task, (self.seed, self.stage))
        steps = math.ceil(len(items) / stage.batch)
        losses: list[float] = []
        start_s = time.perf_counter()
        while self.step < steps:
            rate = schedule(self.step, steps, stage.warmup)
            for group in plain.param_groups:
                group["lr"] = group["base_lr"] * rate
            losses.append(self._advance(model, optimizer, stage, items[self.step * stage.batch : (self.step + 1) * stage.batch]))
            self.step += 1
            record = {"stage": stage.name, "step": self.step, "of": steps, "seconds": round(time.perf_counter() - start_s)}
            if self.step == steps or self.step % self.validate_every == 0:
                record |= {"lr": round(stage.lr * rate, 8), "loss": round(float(np.mean(losses)), 4)}
                self._keep(record, plain, stage.captions != "words")
                losses = []
            elif self.step % TOLD_EVERY == 0 and self.accelerator.is_main_process:
                print(json.dumps(record | {"loss": round(float(np.mean(losses[-TOLD_EVERY:])), 4)}), flush=True)

    def _advance(self, model: nn.Module, optimizer: Any, stage: Stage, items: Sequence[Item]) -> float:
        """One step on this process's share of the batch; its loss."""
        own = items[self.accelerator.process_index :: self.accelerator.num_processes] or items[:1]
        source, answers = samples(self.task.source, self.chat, own, np.random.default_rng((self.seed, self.stage, self.step)))
        device = self.accelerator.device
        source = tuple(x.to(device) for x in source) if isinstance(source, tuple) else source.to(device)
        if stage.captions == "words":
            targets = torch.stack([self.words.of(texts) for texts in answers])
            batch: Any = (self.words.ids.to(device), targets.to(device))
        else:
            batch = pack_answers(self.chat.prompt(), answers).to(device)
        model.train()
        with self.accelerator.autocast():
            loss = model(source, batch)
        self.accelerator.backward(loss)
        self.accelerator.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return float(loss.detach())

    def _keep(self, record: dict[str, Any], optimizer: torch.optim.Optimizer, writes: bool) -> None:
        """Keep the network; one that ``writes`` captions is scored by them, and the best kept apart."""
        if self.accelerator.is_main_process:
            self._save(optimizer)
            if writes:
                with torch.inference_mode(), self.accelerator.autocast():
                    record |= scores(captions(self.net, self.chat, self.task.val_levels(self.net)), self.task.val_rows)
                if record["val_objective"] > self.best:
                    self.best = record["val_objective"]
                    torch.save({"state": self._state(), "record": record}, self.out / "best.pt")
                    self._save(optimizer)  # knows the best now
            append_row(self.out / "log.csv", record, FIELDS)
        self.accelerator.wait_for_everyone()

    def _state(self) -> dict[str, Tensor]:
        """What training changes: everything where the language model itself is trained."""
        return trained_state(self.net) if self.net.config.lora else self.net.state_dict()

    def _save(self, optimizer: torch.optim.Optimizer) -> None:
        state = {"state": self._state(), "optimizer": optimizer.state_dict(), "stage": self.stage, "step": self.step, "best": self.best}
        part = self.out / "last.part"
        torch.save(state | {"config": self.net.config.to_json()}, part)
        part.replace(self.out / "last.pt")  # a run killed while it writes leaves the last whole state

    def _resume(self) -> dict[str, Any] | None:
        """State of the optimiser to go on with, where there is a last.pt.

        Raises
        ------
        InputError
            It is of another network.
        """
        path = self.out / "last.pt"
        if not path.is_file():
            return None
        saved = torch.load(path, map_location="cpu", weights_only=True)
        if saved["config"] != self.net.config.to_json():
            raise InputError(f"{path} is of another network", "the same configuration", "name another folder with --out, or remove it")
        if self.net.config.lora:
            load_trained(self.net, saved["state"])
        else:
            self.net.load_state_dict(saved["state"])
        self.stage, self.step, self.best = saved["stage"], saved["step"], saved["best"]
        return saved["optimizer"]


def stage_items(stage: Stage, task: Task, seed: tuple[int, int]) -> list[Item]:
    """The samples of a whole stage, epoch after epoch; of the last one as many as its share."""
    items: list[Item] = []
    for epoch in range(math.ceil(stage.epochs)):
        rng = np.random.default_rng((*seed, epoch))
        found = epoch_items(list(map(len, task.captions)), task.groups, stage.captions, stage.sources, rng, stage.packed)
        items += found[: math.ceil(len(found) * min(1.0, stage.epochs - epoch))]
    return items


def samples(source: FeatureSource | ImageSource, chat: ChatTokenizer, items: Sequence[Item], rng: np.random.Generator) -> tuple[Source, list]:
    """Tokens or images of the items' pairs, and the token ids of their answers."""
    found = source.take([pair for pair, _ in items], rng)
    chosen = [[texts[i % len(texts)] for i in numbers] for texts, (_, numbers) in zip(found.captions, items, strict=True)]
    return found.source, [[chat.answer(" ".join(text)) for text in texts] for texts in chosen]


def schedule(step: int, steps: int, warmup: float) -> float:
    """Share of the learning rate: rises over ``warmup`` of the steps, then falls as a cosine."""
    rising = max(1, round(warmup * steps))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def groups_of(styles: Sequence[int], changed: Sequence[bool]) -> list[str]:
    names = ("lcc" if style == LEVIR_STYLE else "pairs" for style in styles)
    return [name + ("" if flag else "-unchanged") for name, flag in zip(names, changed, strict=True)]


def feature_task(data: Path, features: Path, val_pairs: int) -> Task:
    """Tokens cached by ``training.ccexpert_features``, which looks for leaks; of the validation pairs ``val_pairs``, evenly spread.

    Raises
    ------
    InputError
        They are not there, or of other pairs.
    """
    cached, held_out = (read_cached(features / f"{split}.safetensors") for split in ("train", "val"))
    rows = load_rows(data)
    train_ids, by_id = [row.id for row in _training(rows)], {row.id: row for row in captioned(rows, "val")}
    if cached.ids != train_ids or held_out.ids != list(by_id):
        raise InputError(f"{features} with tokens of other pairs", f"those of {data}", "run python -m training.ccexpert_features again")
    source, groups = FeatureSource(cached, None, mirror=True), groups_of(cached.style, cached.changed.tolist())
    chosen = np.linspace(0, len(by_id) - 1, min(val_pairs, len(by_id))).round().astype(int)
    val_rows = [list(by_id.values())[i] for i in chosen]
    return Task(source, cached.captions, groups, val_rows, lambda net: cached_levels(held_out.condition[chosen]))


def cached_levels(levels: Tensor, batch_size: int = 32) -> Iterator[Tensor]:
    return (part.float() for part in levels.split(batch_size))


def image_task(data: Path, limit: int | None = None) -> Task:
    """Pairs of images, for a tower that is trained too.

    Raises
    ------
    InputError
        The data are not complete, or leak.
    """
    rows = load_rows(data)
    train_rows, val_rows = _training(rows)[:limit], captioned(rows, "val")[:limit]
    check_leakage(train_rows, [row for row in rows if row.split != "train"])
    source = ImageSource(train_rows, None, augment=False)
    stored = source.store.rows
    styles = [LEVIR_STYLE if row.source == "lcc" else LEVIR_STYLE + 1 for row in stored]
    texts = [row.captions if row.changed else UNCHANGED for row in stored]

    def levels(net: CCExpertNet) -> Iterator[Tensor]:
        device = next(net.parameters()).device
        for start in range(0, len(val_rows), 8):
            yield both_levels(net)(*(torch.from_numpy(images).to(device) for images in read_batch(val_rows[start : start + 8])))

    return Task(source, texts, groups_of(styles, [bool(row.changed) for row in stored]), val_rows, levels)


def _training(rows: list[PairRow]) -> list[PairRow]:
    return [row for row in training_rows(rows) if row.captions]


def load(preset: str, base: Path, stages: Sequence[Stage]) -> tuple[CCExpertNet, ChatTokenizer]:
    """The preset's network with the base's weights, adapters beside the language model where the preset has some.

    The difference module starts from random weights where the base has none, and so does a projector that the first stage trains.

    Raises
    ------
    ModelError
        A base that lacks weights, or has them of other sizes.
    """
    config = replace(PRESETS[preset], lora=LORA) if preset in ADAPTED else PRESETS[preset]
    net = build(config)  # without an initialisation
    net.difference = DifferenceModule(config.width, config.heads, config.mlp, config.change_layers, config.image_update)
    for layer in (net.projector.linear_1, net.projector.linear_2):
        layer.reset_parameters()
    given = ("vision", "llm") if "projector" in stages[0].trained else ("vision", "projector", "llm")
    verify_filled(net, load_base(net, base), base, given)
    if config.lora:
        if cpu_has_bf16() or torch.cuda.is_available():
            net.llm.to(torch.bfloat16)  # it stays as it is; the adapters are float32
        add_adapters(net, config.lora)
    return net, ChatTokenizer.from_folder(tokenizer_folder(base), config)


def dry_run(preset: str) -> dict[str, Any]:
    """Parameters of each part that each stage trains; takes no memory."""
    with torch.device("meta"):
        net = CCExpertNet(PRESETS[preset])
        if preset in ADAPTED:
            add_adapters(net, LORA)
    return {stage.name: {"options": asdict(stage), "trained": trained_counts(net, stage)} for stage in STAGES[preset]}


def main(argv: Sequence[str] | None = None) -> None:
    args = _parser().parse_args(argv)
    if args.dry_run:
        print(json.dumps(dry_run(args.preset), indent=1))
        return
    torch.manual_seed(args.seed)
    net, chat = load(args.preset, args.base, STAGES[args.preset])
    task = feature_task(args.data, args.features, args.val_pairs) if args.preset in ADAPTED else image_task(args.data)
    stages = [replace(stage, epochs=stage.epochs * args.epochs) for stage in STAGES[args.preset]]
    accelerator = Accelerator(mixed_precision="bf16" if torch.cuda.is_available() or cpu_has_bf16() else "no", cpu=not torch.cuda.is_available())
    net.to(accelerator.device)
    Run(net, chat, stages, task, args.out or Path("runs") / args.preset, accelerator, args.seed, args.validate_every).train()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=STAGES, default="ccexpert-small")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--base", type=Path, default=BASE, help="folder of LLaVA-OneVision's weights, or written by training.ccexpert_base")
    parser.add_argument("--features", type=Path, default=FEATURES, help="tokens written by training.ccexpert_features")
    parser.add_argument("--out", type=Path, help="folder of the run (default: runs/PRESET)")
    parser.add_argument("--epochs", type=float, default=1.0, help="factor on the epochs of all stages")
    parser.add_argument("--validate-every", type=int, default=100, help="steps")
    parser.add_argument("--val-pairs", type=int, default=120, help="of a validation: writing captions takes as long as training steps")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dry-run", action="store_true", help="print what each stage trains, and stop")
    return parser


if __name__ == "__main__":
    main()
