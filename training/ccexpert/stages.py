"""The three stages in which CCExpert is trained (arXiv 2411.11360, section 4.1): what is trained in each, how fast, and on which captions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from peft import LoraConfig, inject_adapter_in_model

from engine.contract.errors import InputError
from engine.models.ccexpert.config import LoraSizes
from engine.models.ccexpert.net import CCExpertNet

PARTS = ("vision", "difference", "projector", "llm")
CAPTION_MODES = ("flatten", "random", "packed", "words")
VISION_LR_FACTOR = 0.2  # 2e-6 where the rest has 1e-5


@dataclass(frozen=True)
class Stage:
    """One stage.

    trained : of ``PARTS``; "llm" means its adapters where the configuration has some, else all of its weights.
    lr : of all but the vision tower, which has ``VISION_LR_FACTOR`` times that. adapter_lr : of the language model's adapters, where another.
    captions : "flatten", every caption of a pair a sample; "random", one of its captions, drawn anew each epoch; "packed", all of its captions behind
    one prompt that is read once: the same gradient as "flatten" with a pair's samples in one batch, at less work. packed : of these at most so many.
    "words", no captions are written, see ``ccexpert_words``.
    sources : how often pairs of each source come in an epoch, 1 where not named: ``PairRow.source``, or "pairs" for all that are not named but
    "lcc", LEVIR-CC's; of those without a change with "-unchanged" behind it. batch : samples of a step.
    data : data set of the stage's own, see ``tasks.stage_task``; None: the run's. questions : share of the samples that ask about the pair instead.
    warmup : share of the steps in which the rate rises; then it falls as a cosine. checkpointing : of activations, to save memory.
    """

    name: str
    trained: tuple[str, ...]
    lr: float
    batch: int
    epochs: float
    captions: str
    sources: Mapping[str, float] = field(default_factory=dict)
    adapter_lr: float | None = None
    packed: int = 5
    warmup: float = 0.03
    weight_decay: float = 0.0
    checkpointing: bool = False
    data: str | None = None
    questions: float = 0.0

    def __post_init__(self):
        unknown = set(self.trained) - set(PARTS)
        if unknown or not self.trained:
            raise InputError(f"stage {self.name} trains {sorted(unknown) or 'nothing'}", "some of " + ", ".join(PARTS), "correct the stage")
        if self.captions not in CAPTION_MODES:
            raise InputError(f"captions {self.captions!r} in stage {self.name}", "one of " + ", ".join(CAPTION_MODES), "correct the stage")

        whole = {"batch": self.batch, "packed": self.packed}
        above = whole | {"lr": self.lr, "epochs": self.epochs}
        numbers = above | {"warmup": self.warmup, "weight_decay": self.weight_decay, "adapter_lr": self.adapter_lr or 0, "questions": self.questions}
        numbers |= dict(self.sources)
        for name, value in numbers.items():
            if not isinstance(value, int if name in whole else (int, float)) or value < 0 or (name in above and value == 0):
                need = ("a whole number" if name in whole else "a number") + (" above 0" if name in above else ", 0 or above")
                raise InputError(f"{name} {value!r} in stage {self.name}", need, "correct the stage")


def read_stages(path: Path) -> tuple[Stage, ...]:
    """The stages of a JSON file, a list of objects with the members of ``Stage``.

    Raises
    ------
    InputError
        No such file, or a stage with other members or values.
    """
    try:
        found = tuple(Stage(**row | {"trained": tuple(row["trained"])}) for row in json.loads(path.read_text("utf-8")))
        if not found:
            raise ValueError("no stage")
    except (OSError, ValueError, KeyError, TypeError) as error:
        need = "a list of stages with the members " + ", ".join(field.name for field in fields(Stage))
        raise InputError(f"{path} cannot be read ({error})", need, "correct the file, or print a preset's with --dry-run") from error
    return found


PUBLISHED = (
    Stage("I", ("difference",), 1e-5, 64, 1, "flatten"),
    Stage("II", PARTS, 1e-5, 256, 1, "flatten", checkpointing=True),
    Stage("III", PARTS, 1e-5, 256, 50, "random", checkpointing=True),
)
# What stage I trains: the paper names the difference modules alone, the authors' script trains the projector too.
STAGE_ONE: dict[str, tuple[str, ...]] = {"paper": ("difference",), "script": ("difference", "projector")}
LORA = LoraSizes(8, 16, ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"))
LEVIR_FIRST = {"lcc": 3.0, "lcc-unchanged": 0.5, "pairs": 0.5, "pairs-unchanged": 0.3}
# The projector starts from random weights, so stage I trains it as well, and faster than published; the tower stays as it is.
SMALL = (
    Stage("words", ("difference", "projector"), 1e-3, 16, 1, "words"),
    Stage("I", ("difference", "projector"), 1e-3, 8, 0.06, "packed", packed=3),
    Stage("II", ("difference", "projector", "llm"), 5e-4, 8, 0.22, "packed", adapter_lr=4e-4, packed=3),
    Stage("III", ("difference", "projector", "llm"), 2e-4, 8, 0.05, "packed", {"lcc": 2.0}, adapter_lr=2e-4, packed=3),
    Stage("III long", ("difference", "projector", "llm"), 4e-4, 8, 0.552, "packed", LEVIR_FIRST, adapter_lr=4e-4, packed=3),
    Stage("III longer", ("difference", "projector", "llm"), 4e-4, 8, 0.38, "packed", LEVIR_FIRST, adapter_lr=4e-4, packed=3),
)
STAGES = {"ccexpert-0.5b": PUBLISHED, "ccexpert-7b": PUBLISHED, "ccexpert-small": SMALL, "ccexpert-tiny": PUBLISHED}
ADAPTED = ("ccexpert-small",)  # presets whose language model is trained through LORA


def add_adapters(net: CCExpertNet, sizes: LoraSizes) -> None:
    """Put trainable low-rank adapters beside the language model's linear layers, which stay as they are; they start without effect."""
    config = LoraConfig(r=sizes.rank, lora_alpha=int(sizes.alpha), target_modules=list(sizes.targets), lora_dropout=0.0, bias="none")
    inject_adapter_in_model(config, net.llm)
    for name, parameter in net.llm.named_parameters():
        if "lora_" in name:
            parameter.data = parameter.data.float()  # half precision would lose small steps


def prepare(net: CCExpertNet, stage: Stage) -> list[dict[str, Any]]:
    """Let the stage's parts be trained and no others.

    Returns
    -------
    parameter groups for an optimiser, each with ``base_lr``
    """
    net.requires_grad_(False)
    adapted = any("lora_" in name for name, _ in net.llm.named_parameters())
    rates = {"vision": stage.lr * VISION_LR_FACTOR, "llm": stage.adapter_lr or stage.lr}
    groups = []
    for part in stage.trained:
        chosen = [p for name, p in getattr(net, part).named_parameters() if part != "llm" or not adapted or "lora_" in name]
        for parameter in chosen:
            parameter.requires_grad_(True)
        groups.append({"params": chosen, "base_lr": rates.get(part, stage.lr)})
    _checkpointing(net, stage.checkpointing)
    return groups


def _checkpointing(net: CCExpertNet, wanted: bool) -> None:
    for part in (net.vision, net.llm):
        if wanted:
            part.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        else:
            part.gradient_checkpointing_disable()


def trained_counts(net: CCExpertNet, stage: Stage) -> dict[str, int]:
    """Trained parameters of each part in a stage."""
    prepare(net, stage)
    return {part: sum(p.numel() for p in getattr(net, part).parameters() if p.requires_grad) for part in PARTS}
