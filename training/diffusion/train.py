"""Train Diffusion-RSCC or KD-RSCC, as published or compact.

    python -m training.diffusion.features                              conditions of a frozen encoder, for the compact presets
    python -m training.diffusion.train --preset kd-rscc-compact        on these
    python -m training.diffusion.train --preset kd-rscc --encoder-weights resnet101.safetensors --data LEVIR-CC
    python -m training.diffusion.log runs/kd-rscc-compact              plot of the log
    changescribe export runs/kd-rscc-compact -o FILE --id MY-ID         calibrate, pack, describe
    changescribe evaluate --model kd-rscc --data ../shared/data/levir_cc

The authors' four commands: word_encode → the vocabulary is built from the training captions when a run starts (settings.json holds it);
img_preprocess → training.diffusion.features, or nothing, since images are read as they are; train → training.diffusion.train; test →
changescribe evaluate. ``--data`` takes LEVIR-CC's and Dubai-CC's own layouts and that of ../shared/data.

Resumes from last.pt; keeps the best validation in best.pt; writes log.csv.
"""

from __future__ import annotations

import argparse
import json
import math
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from engine.contract.errors import InputError
from engine.models.device import choose, mixed_precision
from engine.models.diffusion.denoiser import PRESETS, DiffusionConfig, DiffusionNet
from engine.models.diffusion.encoder import ENCODERS, PIXELS, ResNet
from engine.models.diffusion.karras import SIGMA_DENSITIES
from engine.registry import weights_path
from engine.words.text import Vocabulary

from ..datasets import STRICT, PairRow, SplitOptions, captioned, check_leakage, load_rows, read_batch, training_rows, unchanged_sentences
from ..scribe.language import levir_sentences
from ..shared.run_log import RunFolder
from .batches import FeatureSource, ImageSource, PairSource, TextSource, draw
from .features import FOLDER, read_cached, trained_encoder
from .losses import CE_READS, WEIGHTINGS
from .options import OPTIONS, TrainOptions, learning_rate
from .steps import Draws, moving_average, step_losses
from .validate import validate

ARCHITECTURES = {"discrete": "diffusion-rscc", "karras": "kd-rscc"}  # by family, as ``engine.registry.installed`` names them
# Arguments that replace the preset's members: of its options, and of its configuration.
RECIPE = ("steps", "pairs", "captions", "accumulate", "lr", "weight_decay", "clip")
SWITCHES = ("encoder", "pixels", "query_residual", "entry_norm", "dropout", "attention_dropout")
PUBLISHED_WEIGHTS = "torchvision's (.pth) or transformers' (.safetensors) weights of that ResNet"
FIELDS = ("step", "seconds", "lr", "mse", "ce", "prior", "flag", "length", "total", "val_flag_auc", "val_well_formed")
FIELDS += ("val_bleu4", "val_cider", "val_bleu4_changed", "val_cider_changed", "val_objective")


@dataclass
class Run:
    """A network on its way: with its average, optimiser, and step."""

    net: DiffusionNet
    vocabulary: Vocabulary
    options: TrainOptions

    def __post_init__(self):
        self.average = moving_average(self.net, self.options.ema, self.options.ema_power)
        self.trained = [p for p in self.net.parameters() if p.requires_grad]
        o = self.options
        self.optimizer = torch.optim.AdamW(self.trained, lr=o.lr, betas=o.betas, eps=1e-8, weight_decay=o.weight_decay, fused=True)
        self.step, self.best = 0, -math.inf

    @property
    def averaged(self) -> DiffusionNet:
        return self.average.module  # type: ignore[return-value]

    def advance(self, source: PairSource, text: PairSource | None) -> dict[str, float]:
        """One step; its losses."""
        options, net = self.options, self.net
        torch.manual_seed(options.seed * 1_000_003 + self.step)  # dropout draws the same after a resume
        on_text = text is not None and self.step < options.text_steps
        pairs, captions = (options.pairs * options.captions, 1) if on_text else (options.pairs, options.captions)
        objective = replace(options.objective, flag_weight=0.0) if on_text else options.objective
        seed = (options.seed, self.step)
        batch = draw(text if on_text and text else source, self.vocabulary, net.config.length, pairs, captions, seed)
        generator = torch.Generator().manual_seed(options.seed * 1_000_003 + self.step)
        draws = Draws.of(net, len(batch.ids), objective, generator)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(options, self.step)
        net.train()
        sums: dict[str, float] = {}
        parts = batch.parts(options.accumulate)
        for part, drawn in zip(parts, draws.split([len(part.ids) for part in parts]), strict=True):
            with self._computing():
                losses = step_losses(net, part, drawn, objective)
            share = len(part.ids) / len(batch.ids)
            (losses["total"] * share).backward()
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + share * float(value.detach())
        if options.clip is not None:
            nn.utils.clip_grad_norm_(self.trained, options.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.average.update_parameters(net)
        self.step += 1
        return sums

    @contextmanager
    def _computing(self) -> Iterator[None]:
        """Precision; and on the CPU plain attention, since the fused one's backward is slower over as few queries as a sentence has words."""
        device = self.net.text.embedding.device.type
        attention = sdpa_kernel(SDPBackend.MATH) if device == "cpu" else nullcontext()
        with attention, mixed_precision(torch.device(device), self.options.bf16):
            yield

    def save(self, path: Path) -> None:
        state = {"net": self.net.state_dict(), "average": self.average.state_dict(), "optimizer": self.optimizer.state_dict()}
        RunFolder(path.parent, FIELDS).keep_last(state | {"of": self._identity(), "step": self.step, "best": self.best})

    def resume(self, path: Path) -> None:
        """Go on from ``path``, where there is such a file.

        Raises
        ------
        InputError
            It is of another network.
        """
        saved = RunFolder(path.parent, FIELDS).last()
        if saved is None:
            return
        if saved.get("of") != self._identity():
            raise InputError(f"{path} is of another network", "the same configuration and vocabulary", "name another folder with --out, or remove it")
        self.net.load_state_dict(saved["net"])
        self.average.load_state_dict(saved["average"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.step, self.best = saved["step"], saved["best"]

    def _identity(self) -> dict[str, Any]:
        return {"config": asdict(self.net.config), "vocabulary": self.vocabulary.words}


def build(config: DiffusionConfig, options: TrainOptions, vocabulary: Vocabulary) -> DiffusionNet:
    torch.manual_seed(options.seed)
    return DiffusionNet(config, len(vocabulary))


def build_vocabulary(rows: Sequence[PairRow], options: TrainOptions) -> Vocabulary:
    return Vocabulary.build((caption for row in rows for caption in row.captions), options.min_count)


def load_encoder(net: DiffusionNet, weights: Path | None) -> None:
    """Start the encoder from a published ResNet, or from a ``scribe-s`` file (by default the bundled one).

    Raises
    ------
    InputError
        A ResNet without weights, or scribe-s weights of another encoder.
    """
    kind, model = net.config.encoder, net.encoder.model
    if isinstance(model, ResNet):
        if weights is None:
            do = "download them and name the file with --encoder-weights"
            raise InputError(f"no weights for {kind}", PUBLISHED_WEIGHTS, do)
        model.load_published(read_published(weights))
        return
    encoder, found = trained_encoder(weights or weights_path("scribe-s"))
    if found != kind:
        raise InputError(f"weights of {found}", f"weights of {kind}", "name others with --encoder-weights, or choose --encoder")
    net.encoder.load_state_dict(encoder.state_dict())


def read_published(path: Path) -> dict[str, Tensor]:
    """Tensors of a .safetensors file, or of one that ``torch.save`` wrote, as torchvision publishes them.

    Raises
    ------
    InputError
        The file is not there, or holds something else.
    """
    try:
        found = load_file(path) if path.suffix == ".safetensors" else torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError, RuntimeError, pickle.UnpicklingError, EOFError) as error:
        # PyTorch's own text advises to load without ``weights_only``.
        reason = str(error) if isinstance(error, (OSError, SafetensorError)) else type(error).__name__
        raise InputError(f"{path} cannot be read ({reason})", PUBLISHED_WEIGHTS, "name another file with --encoder-weights") from error
    if not isinstance(found, dict) or not all(isinstance(value, Tensor) for value in found.values()):
        raise InputError(f"{path} holds no tensors by their names", PUBLISHED_WEIGHTS, "name another file with --encoder-weights")
    return found


@dataclass
class Task:
    """What a run trains on, and what scores it: sources of pairs and of sentences without pictures, and a function of the averaged network.

    data : the data set's folder. no_change : its sentences for pairs without a change, most frequent first.
    """

    net: DiffusionNet
    vocabulary: Vocabulary
    pairs: PairSource
    text: PairSource | None
    scores: Callable[[DiffusionNet], dict[str, float]]
    data: Path | str = ""
    no_change: tuple[str, ...] = ()


def train(run: Run, task: Task, out: Path) -> None:
    """Train in ``out`` from where ``last.pt`` stopped; the averaged network is validated, and its best kept."""
    folder = RunFolder(out, FIELDS)
    run.resume(out / "last.pt")
    config, pairs = run.net.config, int((task.pairs.weights > 0).sum())
    settings = {"train": asdict(run.options), "config": asdict(config), "vocabulary": run.vocabulary.words, "pairs": pairs}
    folder.begin(ARCHITECTURES[config.family], task.data, **settings, no_change=list(task.no_change))
    sums: dict[str, float] = {}
    start_s, start_step = time.perf_counter(), run.step
    while run.step < run.options.steps:
        for name, value in run.advance(task.pairs, task.text).items():
            sums[name] = sums.get(name, 0.0) + value
        if run.step % run.options.validate_every and run.step < run.options.steps:
            continue
        count = run.step - start_step
        record = {"step": run.step, "seconds": round(time.perf_counter() - start_s), "lr": learning_rate(run.options, run.step - 1)}
        record |= {name: round(value / count, 4) for name, value in sums.items()}
        record |= task.scores(run.averaged)
        if record["val_objective"] > run.best:
            run.best = record["val_objective"]
            folder.keep_best({"state": run.averaged.state_dict(), "record": record})
        run.save(out / "last.pt")
        folder.log(record)
        sums, start_s, start_step = {}, time.perf_counter(), run.step


def cached_conditions(condition: Tensor, batch_size: int = 64) -> Iterator[Tensor]:
    return (part.float() for part in condition.split(batch_size))


@torch.inference_mode()
def encoded_conditions(net: DiffusionNet, rows: Sequence[PairRow], batch_size: int = 16) -> Iterator[Tensor]:
    device = net.text.embedding.device
    for start in range(0, len(rows), batch_size):
        yield net.encoder(*(torch.from_numpy(images).to(device) for images in read_batch(rows[start : start + batch_size])))


def image_task(
    data: Path, config: DiffusionConfig, options: TrainOptions, weights: Path | None, smoke: bool = False, apart: SplitOptions = STRICT
) -> Task:
    """Pairs of images, the encoder trained too; a smoke run takes 8 pairs and random weights.

    Raises
    ------
    InputError
        The data are not complete or leak; no weights for the encoder.
    """
    rows = load_rows(data)
    limit = 8 if smoke else None
    train_rows, val_rows = _training(rows, apart)[:limit], captioned(rows, "val")[:limit]
    check_leakage(train_rows, [row for row in rows if row.split != "train"], apart)
    vocabulary = build_vocabulary(train_rows, options)
    net = build(config, options, vocabulary)
    if not smoke:
        load_encoder(net, weights)
    no_change = unchanged_sentences(train_rows)
    source = ImageSource(train_rows, options.unchanged_share, options.augment, no_change)
    text = _text_source(data, train_rows, net, vocabulary, options)

    def scores(average: DiffusionNet) -> dict[str, float]:
        return validate(average, vocabulary, encoded_conditions(average, val_rows), val_rows, no_change=no_change)

    return Task(net, vocabulary, source, text, scores, data, no_change)


def feature_task(
    data: Path, features: Path, config: DiffusionConfig, options: TrainOptions, weights: Path | None, apart: SplitOptions = STRICT
) -> Task:
    """Conditions cached by ``training.diffusion.features``, which looks for leaks; the encoder that made them stays as it is.

    Raises
    ------
    InputError
        The features are not there, or of another encoder or of other pairs.
    """
    cached, held_out = read_cached(features / "train.safetensors"), read_cached(features / "val.safetensors")
    rows = load_rows(data)
    train_rows, by_id = _training(rows, apart), {row.id: row for row in captioned(rows, "val")}
    if cached.encoder != config.encoder or cached.ids != [row.id for row in train_rows] or held_out.ids != list(by_id):
        need = f"conditions of {config.encoder} of the pairs of {data}"
        raise InputError(
            f"{features} with conditions of {cached.encoder}, or of other pairs", need, "run python -m training.diffusion.features again"
        )
    vocabulary = build_vocabulary(train_rows, options)
    net = build(config, options, vocabulary)
    load_encoder(net, weights)
    net.encoder.requires_grad_(False)
    source = FeatureSource(cached, options.unchanged_share, options.mirror)
    text = _text_source(data, train_rows, net, vocabulary, options)
    val_rows = list(by_id.values())
    no_change = unchanged_sentences(train_rows)

    def scores(average: DiffusionNet) -> dict[str, float]:
        return validate(average, vocabulary, cached_conditions(held_out.condition), val_rows, no_change=no_change)

    return Task(net, vocabulary, source, text, scores, data, no_change)


def _training(rows: list[PairRow], apart: SplitOptions = STRICT) -> list[PairRow]:
    return [row for row in training_rows(rows, apart) if row.captions]


def _text_source(data: Path, rows: Sequence[PairRow], net: DiffusionNet, vocabulary: Vocabulary, options: TrainOptions) -> PairSource | None:
    """LEVIR-CC's training sentences of known words; of a data set without them those of its own training pairs."""
    if not options.text_steps:
        return None
    sentences = levir_sentences(data) or [caption for row in rows if row.changed for caption in row.captions]
    return TextSource([s for s in sentences if vocabulary.ids.keys() >= set(s)], net.encoder.channels)


def parameter_counts(config: DiffusionConfig, vocabulary: int, frozen_encoder: bool) -> dict[str, int]:
    """Parameters of each part, and how many of all are trained; no memory is taken."""
    with torch.device("meta"):
        net = DiffusionNet(config, vocabulary)
    if frozen_encoder:
        net.encoder.requires_grad_(False)
    parts = {name: sum(p.numel() for p in part.parameters()) for name, part in net.named_children()}
    trained = sum(p.numel() for p in net.parameters() if p.requires_grad)
    return parts | {"all": sum(parts.values()), "trained": trained}


def main(argv: Sequence[str] | None = None) -> None:
    args = _parser().parse_args(argv)
    options = replace(OPTIONS[args.preset], seed=args.seed)
    options = replace(options, **{name: value for name in RECIPE if (value := getattr(args, name)) is not None})
    objective = {name: value for name in ("density", "ce_reads", "weighting") if (value := getattr(args, name))}
    options = replace(options, objective=replace(options.objective, **objective))
    if args.smoke:
        options = replace(options, steps=2, pairs=4, validate_every=2, accumulate=1, text_steps=0)
    config = replace(PRESETS[args.preset], **{name: value for name in SWITCHES if (value := getattr(args, name)) is not None})
    frozen = args.preset.endswith("compact") and not args.train_encoder
    if args.dry_run:
        words = build_vocabulary(_training(load_rows(args.data)), options)
        found = {"options": asdict(options), "config": asdict(config), "parameters": parameter_counts(config, len(words), frozen)}
        print(json.dumps(found, indent=1))
        return
    apart = SplitOptions.of(args)
    if frozen and not args.smoke:
        task = feature_task(args.data, args.features, config, options, args.encoder_weights, apart)
    else:
        task = image_task(args.data, config, options, args.encoder_weights, args.smoke, apart)
    run = Run(task.net.to(choose(args.device).name), task.vocabulary, options)
    train(run, task, args.out or Path("runs") / args.preset)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=PRESETS, required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, help="folder of the run (default: runs/PRESET)")
    parser.add_argument("--features", type=Path, default=FOLDER, help="conditions written by training.diffusion.features")
    parser.add_argument("--train-encoder", action="store_true", help="a compact preset on images, its encoder trained too")
    parser.add_argument("--encoder", choices=ENCODERS, help="in place of the preset's")
    parser.add_argument("--encoder-weights", type=Path, help="ResNet's weights (.pth, .safetensors), or a scribe-s file (default: the bundled one)")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--pairs", type=int, help="of a step")
    parser.add_argument("--captions", type=int, help="of a pair in a step, each under a noise of its own")
    parser.add_argument("--accumulate", type=int, help="parts that a step's pairs are computed in, where they do not fit into memory")
    parser.add_argument("--lr", type=float)
    parser.add_argument("--weight-decay", type=float)
    parser.add_argument("--clip", type=float, help="largest norm of the gradient")
    parser.add_argument("--pixels", choices=PIXELS, help="statistics that a ResNet's pixels are normalised by")
    parser.add_argument("--query-residual", action=argparse.BooleanOptionalAction, help="the fusion passes the text query on")
    parser.add_argument("--entry-norm", action=argparse.BooleanOptionalAction, help="a second layer norm behind the fusion")
    parser.add_argument("--dropout", type=float, help="of hidden states")
    parser.add_argument("--attention-dropout", type=float, help="of the attention's probabilities")
    parser.add_argument("--density", choices=SIGMA_DENSITIES, help="of the noise levels of KD-RSCC")
    parser.add_argument("--ce-reads", choices=CE_READS)
    parser.add_argument("--weighting", choices=WEIGHTINGS, help="of KD-RSCC's loss over the noise levels")
    SplitOptions.add_options(parser)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    parser.add_argument("--smoke", action="store_true", help="two steps on 8 pairs, on the images, from random weights")
    parser.add_argument("--dry-run", action="store_true", help="print options, configuration and parameter counts, and stop")
    return parser


if __name__ == "__main__":
    main()
