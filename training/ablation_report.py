"""The table of the ablations: scores of each variant, and its difference from the whole model with paired bootstrap intervals."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from engine.metrics import score

from .datasets import PairRow

DRAWS = 1000


class PairScores:
    """What the corpus scores of one set of captions are summed from, pair by pair, so that any resampling of the pairs can be scored.

    BLEU-4 is exact; CIDEr-D and ROUGE-L are means over the pairs, with the document frequencies of the whole set; METEOR's corpus value is
    not a mean, so its segment scores are scaled to it.
    """

    def __init__(self, hypotheses: Mapping[str, str], references: Mapping[str, Sequence[str]]):
        from pycocoevalcap.bleu.bleu_scorer import BleuScorer
        from pycocoevalcap.cider.cider import Cider
        from pycocoevalcap.rouge.rouge import Rouge

        from engine.metrics import _meteor_process

        names = sorted(references)
        truth, found = {name: list(references[name]) for name in names}, {name: [hypotheses[name]] for name in names}
        bleu = BleuScorer(n=4)
        for name in names:
            bleu += (hypotheses[name], list(references[name]))
        self.guess, self.correct = (np.array([item[key] for item in bleu.ctest], float) for key in ("guess", "correct"))
        self.length = np.array([item["testlen"] for item in bleu.ctest], float)
        self.reference_length = np.array([min((abs(r - n), r) for r in item["reflen"])[1] for item, n in zip(bleu.ctest, self.length)], float)
        self.cider, self.rouge = (np.asarray(scorer.compute_score(truth, found)[1], float) for scorer in (Cider(), Rouge()))
        corpus, segments = _meteor_process().compute_score(truth, found)
        segments = np.asarray(segments, float)
        self.meteor = segments * (corpus / max(segments.mean(), 1e-9))

    def sm(self, chosen: np.ndarray) -> float:
        """S*m × 100 of the pairs ``chosen`` (indexes, with repeats)."""
        precision = self.correct[chosen].sum(0) / np.maximum(self.guess[chosen].sum(0), 1)
        brevity = min(1.0, np.exp(1 - self.reference_length[chosen].sum() / self.length[chosen].sum()))
        bleu = brevity * np.exp(np.log(np.maximum(precision, 1e-15)).mean())
        return 25 * float(bleu + self.meteor[chosen].mean() + self.rouge[chosen].mean() + self.cider[chosen].mean())


class RunScores:
    """One run's captions on the pairs ``rows``: S*m of all pairs, CIDEr-D of the changed ones, accuracy of the flag, all × 100."""

    names = ("S*m", "CIDEr-D changed", "flag accuracy")

    def __init__(self, captions: Mapping[str, Mapping], rows: Sequence[PairRow]):
        rows = sorted(rows, key=lambda row: row.id)
        references = {row.id: [" ".join(words) for words in row.captions] for row in rows}
        shown = {row.id: captions[row.id]["shown"] for row in rows}
        changed = [row.id for row in rows if row.changed]
        self.pairs = PairScores(shown, references)
        self.changed = PairScores({name: shown[name] for name in changed}, {name: references[name] for name in changed})
        self.right = np.array([(captions[row.id]["score"] >= 0.5) == bool(row.changed) for row in rows], float)
        # Where each pair lies among the changed ones, -1 for the others.
        self.place = np.array([changed.index(row.id) if row.changed else -1 for row in rows])
        whole, alone = score(shown, references), score({name: shown[name] for name in changed}, {name: references[name] for name in changed})
        self.corpus = {name: whole[name] for name in ("BLEU-4", "METEOR", "ROUGE-L", "CIDEr-D", "S*m")}
        self.corpus |= {"CIDEr-D changed": alone["CIDEr-D"], "S*m changed": alone["S*m"], "flag accuracy": 100 * self.right.mean()}

    def values(self, chosen: np.ndarray) -> np.ndarray:
        """``names`` of the pairs ``chosen`` (indexes, with repeats)."""
        place = self.place[chosen]
        return np.array([self.pairs.sm(chosen), 100 * self.changed.cider[place[place >= 0]].mean(), 100 * self.right[chosen].mean()])


def write_report(path: Path, folder: Path, variants: Mapping[str, str], seeds: Sequence[int], rows: Sequence[PairRow]) -> None:
    """Write the table to ``path``, and every figure of it to the same name with .json."""
    runs = {name: [json.loads((folder / f"{name}-{seed}.json").read_text("utf-8")) for seed in seeds] for name in variants}
    scores = {name: [RunScores(found["captions"], rows) for found in each] for name, each in runs.items()}
    draws = np.random.default_rng(0).integers(len(rows), size=(DRAWS, len(rows)))
    resampled = {name: np.mean([[run.values(chosen) for chosen in draws] for run in each], axis=0) for name, each in scores.items()}
    first = next(iter(variants))
    figures = {}
    for name in variants:
        corpus = [run.corpus for run in scores[name]]
        difference = resampled[name] - resampled[first]
        low, high = np.quantile(difference, (0.025, 0.975), axis=0)
        figures[name] = {
            "name": variants[name],
            "parameters": runs[name][0]["parameters"],
            "seconds": [found["seconds"] for found in runs[name]],
            "by seed": corpus,
            "mean": {key: float(np.mean([values[key] for values in corpus])) for key in corpus[0]},
            "difference": {key: {"low": float(low[i]), "high": float(high[i])} for i, key in enumerate(RunScores.names)},
        }
    options = runs[first][0]["options"]
    changed = sum(bool(row.changed) for row in rows)
    data = {"pairs": len(rows), "changed": changed, "seeds": list(seeds), "draws": DRAWS, "options": options, "variants": figures}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".json").write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", "utf-8")
    path.write_text(_page(data, first), "utf-8")


def _page(data: Mapping, first: str) -> str:
    head = ["variant", "S*m", "Δ S*m, 95 %", "CIDEr-D changed", "Δ, 95 %", "flag accuracy", "Δ, 95 %"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for name, row in data["variants"].items():
        cells = [row["name"]]
        for key in RunScores.names:
            spread = [values[key] for values in row["by seed"]]
            cells.append(f"{row['mean'][key]:.2f} ({', '.join(f'{value:.1f}' for value in spread)})")
            cells.append("–" if name == first else f"{row['difference'][key]['low']:+.1f} … {row['difference'][key]['high']:+.1f}")
        lines.append("| " + " | ".join(cells) + " |")
    options, parameters, seeds = data["options"], data["variants"][first]["parameters"], ", ".join(map(str, data["seeds"]))
    return f"""# Ablations of DFM

What each part of DFM is worth, at a size that trains in minutes on one core: image features and change prior frozen, a transformer block of
{options["width"]} channels, joint features and decoder trained behind them ({parameters:,} parameters in the first row), {options["epochs"]} epochs,
the last one taken. {data["pairs"]} validation pairs ({data["changed"]} changed), seeds {seeds}: their mean, and each in brackets. Captions are shown
behind the change flag at 0.5. Δ: 95 % interval of the difference from the first row, over {data["draws"]} paired bootstrap draws of the pairs, seeds
averaged. An interval that holds 0 shows no difference, and so few seeds say little of the spread between runs. All figures: `ablation.json`.

{chr(10).join(lines)}

Made by `python -m training.sentence_embeddings --fetch`, `python -m training.frozen_features` and `python -m training.ablation`.
"""
