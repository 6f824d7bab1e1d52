"""Train CCExpert in its three stages.

    python -m training.ccexpert.base && python -m training.ccexpert.features
    python -m training.ccexpert.train --preset ccexpert-small

``ccexpert-small`` trains difference module, projector and adapters on cached tokens of its frozen tower. ``ccexpert-0.5b`` and ``ccexpert-7b`` are
trained whole, on images, from ``--base``, a folder of LLaVA-OneVision's weights; `accelerate launch -m training.ccexpert.train` does it on several
GPUs, with DeepSpeed (ZeRO-1 or ZeRO-2) where accelerate is configured so. A run goes on from last.pt; the best validation is kept in best.pt.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from engine.contract.errors import InputError
from engine.models.ccexpert.config import PRESETS
from engine.models.ccexpert.difference import DifferenceModule
from engine.models.ccexpert.net import CCExpertNet
from engine.models.ccexpert.prompt import ChatTokenizer
from engine.models.ccexpert.weights import build, load_base, load_trained, tokenizer_folder, trained_state, verify_filled
from engine.models.device import choose, cpu_has_bf16, half_precision

from ..datasets import SplitOptions, load_rows
from ..diffusion.batches import Source
from ..shared.run_log import RunFolder
from .base import FOLDER as BASE
from .batches import Item, PackedBatch, pack_answers, packed_loss, split
from .features import FOLDER as FEATURES
from .features import both_levels
from .stages import ADAPTED, LORA, STAGE_ONE, STAGES, Stage, add_adapters, prepare, read_stages, trained_counts
from .tasks import Task, asked, feature_task, image_task, samples, stage_items, stage_task, verify_sources
from .validate import captions, scores
from .words import WordTargets, words_loss

FIELDS = ("stage", "step", "of", "seconds", "lr", "loss", "val_well_formed", "val_flag_accuracy", "val_bleu4", "val_rouge", "val_cider")
FIELDS += ("val_bleu4_changed", "val_rouge_changed", "val_cider_changed", "val_objective")
DATA = Path("../shared/data")
SMOKE_PAIRS = 8
TOLD_EVERY = 10  # steps
CLIP = 1.0  # norm of a step's gradient


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
    """A network on its way through the stages; ``stage`` and ``step`` are those to be done next.

    accumulate : parts that a process reads its share of a batch in, to save memory; the gradient is the same.
    tasks : of stages with data of their own, by their names. most_steps : of a stage, to try things out.
    """

    net: CCExpertNet
    chat: ChatTokenizer
    stages: Sequence[Stage]
    task: Task
    out: Path
    accelerator: Accelerator
    seed: int = 1
    validate_every: int = 100
    accumulate: int = 1
    stage: int = 0
    step: int = 0
    best: float = -math.inf
    tasks: Mapping[str, Task] = field(default_factory=dict)
    most_steps: int | None = None

    @property
    def folder(self) -> RunFolder:
        return RunFolder(self.out, FIELDS)

    @cached_property
    def words(self) -> WordTargets:
        return WordTargets([[self.chat.answer(" ".join(text)) for text in texts] for texts in self.task.captions])

    def train(self) -> None:
        """All stages, from where last.pt stopped."""
        stages = [asdict(stage) for stage in self.stages]
        settings = {"config": self.net.config.to_json(), "stages": stages, "seed": self.seed, "pairs": len(self.task.captions)}
        settings["no_change"] = list(self.task.no_change)
        self.folder.begin("ccexpert", self.task.data, **settings)
        optimizer_state = self._resume()
        while self.stage < len(self.stages):
            self._train_stage(self.stages[self.stage], optimizer_state)
            self.stage, self.step, optimizer_state = self.stage + 1, 0, None

    def _train_stage(self, stage: Stage, optimizer_state: dict[str, Any] | None) -> None:
        plain = torch.optim.AdamW(prepare(self.net, stage), lr=stage.lr, betas=(0.9, 0.999), weight_decay=stage.weight_decay)
        if optimizer_state:
            plain.load_state_dict(optimizer_state)
        begin(self.accelerator, stage.batch, self.accumulate)
        model, optimizer = self.accelerator.prepare(Objective(self.net), plain)
        items = stage_items(stage, self.tasks.get(stage.name, self.task), (self.seed, self.stage))
        steps = math.ceil(len(items) / stage.batch)
        steps = steps if self.most_steps is None else min(steps, self.most_steps)
        losses: list[float] = []
        start_s = time.perf_counter()
        while self.step < steps:
            rate = schedule(self.step, steps, stage.warmup)
            for group in optimizer.param_groups:
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
        task, rng = self.tasks.get(stage.name, self.task), np.random.default_rng((self.seed, self.stage, self.step))
        source, answers = samples(task.source, self.chat, own, rng)
        prompts, answers = asked(task, self.chat, own, answers, stage.questions, rng)
        parts = split(source, answers, self.accumulate, stage.captions != "words")
        model.train()
        total, done = 0.0, 0
        for number, (part, texts, share) in enumerate(parts, 1):
            self.accelerator.sync_gradients = number == len(parts)
            with nullcontext() if number == len(parts) else self.accelerator.no_sync(model):
                with self.accelerator.autocast():
                    own_prompts = prompts[done : done + len(texts)]
                    loss = share * model(*self._on_device(part, texts, own_prompts, stage.captions == "words"))
                self.accelerator.backward(loss)
            total, done = total + float(loss.detach()), done + len(texts)
        self.accelerator.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], CLIP)
        optimizer.step()
        optimizer.zero_grad()
        return total

    def _on_device(self, source: Source, answers: Sequence, prompts: Sequence[Sequence[int]], words: bool) -> tuple[Source, Any]:
        """What ``Objective`` takes."""
        device = self.accelerator.device
        source = (source[0].to(device), source[1].to(device)) if isinstance(source, tuple) else source.to(device)
        if not words:
            return source, pack_answers(prompts, answers).to(device)
        return source, (self.words.ids.to(device), torch.stack([self.words.of(texts) for texts in answers]).to(device))

    def _keep(self, record: dict[str, Any], optimizer: torch.optim.Optimizer, writes: bool) -> None:
        """Keep the network; one that ``writes`` captions is scored by them, and the best kept apart."""
        if self.accelerator.is_main_process:
            self._save(optimizer)
            if writes:
                with torch.inference_mode(), self.accelerator.autocast():
                    record |= scores(captions(self.net, self.chat, self.task.val_levels(self.net)), self.task.val_rows, self.task.no_change)
                if record["val_objective"] > self.best:
                    self.best = record["val_objective"]
                    self.folder.keep_best({"state": self._state(), "record": record})
                    self._save(optimizer)  # knows the best now
            self.folder.log(record)
        self.accelerator.wait_for_everyone()

    def _state(self) -> dict[str, Tensor]:
        """What training changes: everything where the language model itself is trained."""
        return trained_state(self.net) if self.net.config.lora else self.net.state_dict()

    def _save(self, optimizer: torch.optim.Optimizer) -> None:
        sharded = self.accelerator.state.deepspeed_plugin is not None  # over the processes; taken up again, the moments start anew
        moments = None if sharded else optimizer.state_dict()
        state = {"state": self._state(), "optimizer": moments, "stage": self.stage, "step": self.step, "best": self.best}
        self.folder.keep_last(state | {"config": self.net.config.to_json()})

    def _resume(self) -> dict[str, Any] | None:
        """State of the optimiser to go on with, where there is a last.pt.

        Raises
        ------
        InputError
            It is of another network.
        """
        saved = self.folder.last()
        if saved is None:
            return None
        if saved["config"] != self.net.config.to_json():
            raise InputError(
                f"{self.out / 'last.pt'} is of another network", "the same configuration", "name another folder with --out, or remove it"
            )
        if self.net.config.lora:
            load_trained(self.net, saved["state"])
        else:
            self.net.load_state_dict(saved["state"])
        self.stage, self.step, self.best = saved["stage"], saved["step"], saved["best"]
        return saved["optimizer"]


def begin(accelerator: Accelerator, batch: int, accumulate: int) -> None:
    """Make an accelerator ready for a stage: DeepSpeed takes one network at a time, and knows no samples whose number it could look up.

    Raises
    ------
    InputError
        DeepSpeed with ZeRO-3, which leaves no process a whole network to validate and to save.
    """
    accelerator.free_memory()
    plugin = accelerator.state.deepspeed_plugin
    if plugin is None:
        return
    if plugin.zero_stage == 3:
        raise InputError("DeepSpeed with ZeRO-3", "ZeRO-1 or ZeRO-2", "choose another stage with `accelerate config`")
    part = math.ceil(batch / accelerator.num_processes / accumulate)
    sizes = {"train_micro_batch_size_per_gpu": part, "train_batch_size": part * accelerator.num_processes, "gradient_accumulation_steps": 1}
    plugin.deepspeed_config.update(sizes, gradient_clipping=CLIP)


def schedule(step: int, steps: int, warmup: float) -> float:
    """Share of the learning rate: rises over ``warmup`` of the steps, then falls as a cosine."""
    rising = max(1, round(warmup * steps))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


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
        if cpu_has_bf16() or half_precision("cuda") == torch.bfloat16:
            net.llm.to(torch.bfloat16)  # it stays as it is; the adapters are float32
        add_adapters(net, config.lora)
    return net, ChatTokenizer.from_folder(tokenizer_folder(base), config)


def dry_run(preset: str, stages: Sequence[Stage]) -> dict[str, Any]:
    """Parameters of each part that each stage trains; takes no memory."""
    with torch.device("meta"):
        net = CCExpertNet(PRESETS[preset])
        if preset in ADAPTED:
            add_adapters(net, LORA)
    return {stage.name: {"options": asdict(stage), "trained": trained_counts(net, stage)} for stage in stages}


def main(argv: Sequence[str] | None = None) -> None:
    args = _parser().parse_args(argv)
    chosen = read_stages(args.stages) if args.stages else STAGES[args.preset]
    stages = [replace(stage, epochs=stage.epochs * args.epochs) for stage in chosen]
    data, own_data = data_of(args.data, stages)
    stages = [replace(stage, data=own_data.get(stage.name, stage.data)) for stage in stages]
    if args.stage_one is not None:
        stages = [replace(stage, trained=STAGE_ONE[args.stage_one]) if stage.name == "I" else stage for stage in stages]
    if args.questions is not None:
        stages = [replace(stage, questions=args.questions) if stage.captions != "words" else stage for stage in stages]
    if args.dry_run:
        print(json.dumps(dry_run(args.preset, stages), indent=1))
        return
    torch.manual_seed(args.seed)
    net, chat = load(args.preset, args.base, stages)
    apart, limit = SplitOptions.of(args), SMOKE_PAIRS if args.smoke else None
    if args.preset in ADAPTED:
        task = feature_task(data, args.features, args.val_pairs, apart)
    else:
        task = image_task(data, 2 if args.smoke else args.val_pairs, apart, limit)
    tasks = stage_tasks(stages, data, task, args.preset in ADAPTED, apart, limit)
    for stage in stages:
        verify_sources([stage], tasks.get(stage.name, task).groups)
    device = choose(args.device).name
    accelerator = Accelerator(mixed_precision="bf16" if half_precision(device) == torch.bfloat16 else "no", cpu=device == "cpu")
    net.to(accelerator.device)
    run = Run(net, chat, stages, task, args.out or Path("runs") / args.preset, accelerator, args.seed, args.validate_every, args.accumulate)
    run.tasks, run.most_steps = tasks, 2 if args.smoke else None
    run.train()


def data_of(given: Sequence[str], stages: Sequence[Stage]) -> tuple[Path, dict[str, str]]:
    """The run's data set, and those of single stages, of the arguments PATH and STAGE=PATH.

    Raises
    ------
    InputError
        A stage that there is not.
    """
    names = {stage.name for stage in stages}
    plain, own = DATA, {}
    for text in given:
        name, mark, path = text.partition("=")
        if mark and name in names:
            own[name] = path
        elif mark and not Path(text).exists():
            raise InputError(
                f"--data {text}: no stage {name!r}", "one of " + ", ".join(sorted(names)), "name a stage of the preset, or a folder alone"
            )
        else:
            plain = Path(text)
    return plain, own


def stage_tasks(stages: Sequence[Stage], data: Path, task: Task, cached: bool, apart: SplitOptions, limit: int | None) -> dict[str, Task]:
    """Tasks of the stages that have data of their own; held apart from the evaluation pairs of ``data``.

    Raises
    ------
    InputError
        A preset that trains on cached tokens, which are of one data set.
    """
    own = [stage for stage in stages if stage.data is not None and Path(stage.data) != data]
    if own and cached:
        raise InputError(
            f"data of its own for stage {own[0].name}", "a preset that trains on images", "leave it out: cached tokens are of one data set"
        )
    held_out = [row for row in load_rows(data) if row.split != "train"] if own else []
    return {stage.name: stage_task(Path(str(stage.data)), task, held_out, apart, limit) for stage in own}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=STAGES, default="ccexpert-small")
    text = f"data set; STAGE=PATH: of that stage alone, also a JSON file of conversations (CC-Foundation); repeatable (default: {DATA})"
    parser.add_argument("--data", metavar="[STAGE=]PATH", action="append", default=[], help=text)
    parser.add_argument("--stage-one", choices=STAGE_ONE, help="stage I trains the difference module (paper), or the projector too (authors' script)")
    parser.add_argument(
        "--questions", metavar="SHARE", type=float, help="share of the samples that ask about classes and numbers, 0 to 1 (default: 0)"
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    parser.add_argument("--smoke", action="store_true", help=f"two steps of each stage on {SMOKE_PAIRS} pairs")
    parser.add_argument("--base", type=Path, default=BASE, help="folder of LLaVA-OneVision's weights, or written by training.ccexpert.base")
    parser.add_argument("--features", type=Path, default=FEATURES, help="tokens written by training.ccexpert.features")
    parser.add_argument("--out", type=Path, help="folder of the run (default: runs/PRESET)")
    parser.add_argument("--epochs", type=float, default=1.0, help="factor on the epochs of all stages")
    parser.add_argument("--validate-every", type=int, default=100, help="steps")
    parser.add_argument("--val-pairs", type=int, default=120, help="of a validation: writing captions takes as long as training steps")
    parser.add_argument("--stages", type=Path, help="JSON list of stages in place of the preset's, with the options that --dry-run prints")
    parser.add_argument("--accumulate", type=int, default=1, help="parts in which a process reads its share of a batch, to save memory")
    SplitOptions.add_options(parser)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dry-run", action="store_true", help="print what each stage trains, and stop")
    return parser


if __name__ == "__main__":
    main()
