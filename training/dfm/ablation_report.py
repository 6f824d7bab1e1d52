"""The table of the ablations: scores of each variant, and its difference from the whole model with paired bootstrap intervals."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.evaluation.bootstrap import differences, resamples
from engine.evaluation.statistics import CaptionStatistics

from ..datasets import PairRow

DRAWS = 1000
SHOWN = ("S*m", "CIDEr-D changed", "flag accuracy")  # columns of the table; the JSON has all


@dataclass(frozen=True)
class VariantScores:
    """Scores × 100 of one variant by name: of each run (by seed), their mean, and the mean in each of ``DRAWS`` resamples of the pairs."""

    runs: list[dict[str, float]]
    mean: dict[str, float]
    resampled: dict[str, np.ndarray]


def score_variant(runs: Sequence[Mapping[str, Mapping]], rows: Sequence[PairRow]) -> VariantScores:
    """Scores of the captions that ``runs`` show (id → score, shown) of the pairs ``rows``."""
    draws = resamples(len(rows), DRAWS)
    once = np.ones((1, len(rows)))
    each = [_scores(captions, rows, np.concatenate((once, draws))) for captions in runs]
    mean = {name: np.mean([scores[name] for scores in each], axis=0) for name in each[0]}
    return VariantScores(
        [{name: float(values[0]) for name, values in scores.items()} for scores in each],
        {name: float(values[0]) for name, values in mean.items()},
        {name: values[1:] for name, values in mean.items()},
    )


def _scores(captions: Mapping[str, Mapping], rows: Sequence[PairRow], weights: np.ndarray) -> dict[str, np.ndarray]:
    """Scores of one run for each row of weights (R, N): of all pairs, of the changed ones, and of the change flag."""
    flag = np.array([bool(row.changed) for row in rows])
    found = np.array([captions[row.id]["score"] >= 0.5 for row in rows])
    whole = CaptionStatistics.of([captions[row.id]["shown"] for row in rows], [[" ".join(words) for words in row.captions] for row in rows])
    parts = {"": whole.scores(weights), " changed": whole.part(np.flatnonzero(flag)).scores(weights[:, flag])}
    kept = ("BLEU-4", "METEOR", "ROUGE-L", "CIDEr-D", "S*m")
    scores = {name + ending: values[name] for ending, values in parts.items() for name in kept}
    return scores | {"flag accuracy": 100 * weights @ (found == flag) / weights.sum(1)}


def write_report(path: Path, folder: Path, variants: Mapping[str, str], seeds: Sequence[int], rows: Sequence[PairRow]) -> None:
    """Write the table to ``path``, and every figure of it to the same name with .json; the first variant is what the others are compared with."""
    runs = {name: [json.loads((folder / f"{name}-{seed}.json").read_text("utf-8")) for seed in seeds] for name in variants}
    scores = {name: score_variant([found["captions"] for found in each], rows) for name, each in runs.items()}
    first = next(iter(variants))
    figures = {
        name: {
            "name": variants[name],
            "parameters": runs[name][0]["parameters"],
            "seconds": [found["seconds"] for found in runs[name]],
            "loss": [found["loss"] for found in runs[name]],
            "by seed": scores[name].runs,
            "mean": scores[name].mean,
            "difference": differences(scores[name].mean, scores[first].mean, scores[name].resampled, scores[first].resampled),
        }
        for name in variants
    }
    options, encoder, changed = runs[first][0]["options"], runs[first][0]["encoder"], sum(bool(row.changed) for row in rows)
    data = {"pairs": len(rows), "changed": changed, "seeds": list(seeds), "draws": DRAWS, "encoder": encoder, "options": options, "variants": figures}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".json").write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", "utf-8")
    path.write_text(_page(data, first), "utf-8")


def _page(data: Mapping, first: str) -> str:
    head = ["variant", "S*m", "Δ S*m, 95 %", "CIDEr-D changed", "Δ, 95 %", "flag accuracy", "Δ, 95 %"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for name, row in data["variants"].items():
        cells = [row["name"]]
        for key in SHOWN:
            cells.append(f"{row['mean'][key]:.1f} ({', '.join(f'{values[key]:.1f}' for values in row['by seed'])})")
            low, high = row["difference"][key]["interval"]
            cells.append("–" if name == first else f"{low:+.1f} … {high:+.1f}")
        lines.append("| " + " | ".join(cells) + " |")
    options, parameters, seeds = data["options"], data["variants"][first]["parameters"], ", ".join(map(str, data["seeds"]))
    return f"""# Ablations of DFM

What each part of DFM is worth, at a size that trains in minutes on one core: image features ({data["encoder"]}) and change prior frozen, behind them
a transformer block of {options["width"]} channels, joint features and decoder trained ({parameters:,} parameters in the first row) for
{options["epochs"]} epochs, the last one taken. {data["pairs"]} validation pairs ({data["changed"]} changed), seeds {seeds}: their mean, and each in
brackets. Captions are shown behind the change flag at 0.5. Δ: 95 % interval of the difference from the first row, over {data["draws"]} paired
bootstrap draws of the pairs, seeds averaged. An interval that holds 0 shows no difference, and so few seeds say little of the spread between runs.
All figures: `ablation.json`.

{chr(10).join(lines)}

Made by `python -m training.shared.sentence_embeddings --fetch`, `python -m training.dfm.frozen_features` and `python -m training.dfm.ablation`.
"""
