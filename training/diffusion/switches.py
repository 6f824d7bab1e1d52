"""What each switch of the compact diffusion captioners does: short runs, one switch turned each, scored on the validation pairs.

    python -m training.diffusion.switches --steps 2000

trains every variant alike on the cached conditions (training.diffusion.features) and writes a table to docs/diffusion-switches.md. Runs that are
already there are not repeated.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.models.diffusion.denoiser import PRESETS

from .features import FOLDER
from .options import OPTIONS
from .train import Run, feature_task, train
from .validate import STEPS

INTRO = """# What each switch of the diffusion captioners does

Written by `{command}`. Each row is one short run ({steps} steps, 1 seed) that differs from `{preset}` in one switch; scored on the validation split
by the network's likeliest captions ({evaluations} evaluations, temperature 0). One seed, far from trained to the end: small differences are noise.
{missing} has no row: only `{preset}` was run.
"""
COLUMNS = (("val_cider_changed", "CIDEr-D, changed"), ("val_bleu4_changed", "BLEU-4, changed"), ("val_cider", "CIDEr-D, all"))
COLUMNS += (("val_well_formed", "well-formed"), ("val_flag_auc", "flag AUC"))


@dataclass(frozen=True)
class Variant:
    """What differs from the preset: members of its configuration, options and objective."""

    name: str
    config: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    objective: dict[str, Any] = field(default_factory=dict)


COMMON = {
    "ours": Variant("ours"),
    "length": Variant("length predicted", {"length_prediction": True}),
    "no-query-residual": Variant("no query residual", {"query_residual": False}),
    "free-embeddings": Variant("embeddings not normalised", {"normalised": False}),
    "no-self-conditioning": Variant("no self-conditioning", {"self_conditioning": False}),
    "no-style": Variant("no caption style", {"styles": 0}),
    "no-text": Variant("no steps on sentences alone", options={"text_steps": 0}),
    "dropout": Variant("dropout 0.1", {"dropout": 0.1}),
    "ce-noised": Variant("CE on the noised embedding", objective={"ce_reads": "noised"}),
}
OF_KARRAS = {
    "published-density": Variant("published density and weights of the noise levels", {}, {}, {"density": "cosine", "weighting": "soft-min-snr"}),
    "published-range": Variant("published range of σ in sampling, 160 to 0.01", {"sigma_min": 0.01, "sigma_max": 160.0}),
}
VARIANTS = {"kd-rscc-compact": COMMON | OF_KARRAS, "diffusion-rscc-compact": COMMON}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=VARIANTS, default="kd-rscc-compact")
    parser.add_argument("--variants", nargs="+", choices=COMMON | OF_KARRAS, help="some of them; default: all of the preset's")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--features", type=Path, default=FOLDER)
    parser.add_argument("--out", type=Path, default=Path("runs/switches"))
    parser.add_argument("--report", type=Path, default=Path("docs/diffusion-switches.md"))
    args = parser.parse_args()
    found = {}
    for name in args.variants or VARIANTS[args.preset]:
        path = args.out / f"{args.preset}-{name}-{args.steps}"
        found[name] = measured(args.preset, VARIANTS[args.preset][name], args.steps, args.data, args.features, path)
    args.report.write_text(table(args.preset, args.steps, found), "utf-8")


def measured(preset: str, variant: Variant, steps: int, data: Path, features: Path, out: Path) -> dict[str, float]:
    """Scores of a variant's last step, from its run where there is one."""
    done = out / "scores.json"
    if not done.is_file():
        options = OPTIONS[preset]
        text_steps = steps * options.text_steps // options.steps
        options = replace(options, steps=steps, text_steps=text_steps, validate_every=steps)
        options = replace(options, **variant.options, objective=replace(options.objective, **variant.objective))
        task = feature_task(data, features, replace(PRESETS[preset], **variant.config), options, None)
        run = Run(task.net, task.vocabulary, options)
        train(run, task, out)
        done.write_text(json.dumps(task.scores(run.averaged)), "utf-8")
    return json.loads(done.read_text("utf-8"))


def table(preset: str, steps: int, found: dict[str, dict[str, float]]) -> str:
    """Markdown: a row a variant."""
    command = f"python -m training.diffusion.switches --preset {preset} --steps {steps}"
    missing = " or ".join(f"`{name}`" for name in VARIANTS if name != preset)
    lines = [INTRO.format(command=command, steps=steps, preset=preset, evaluations=STEPS, missing=missing)]
    lines += ["| | " + " | ".join(title for _, title in COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for name, scores in found.items():
        cells = [f"{scores[column]:.2f}" for column, _ in COLUMNS]
        lines.append(f"| {VARIANTS[preset][name].name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
