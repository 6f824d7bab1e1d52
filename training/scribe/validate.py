"""Scores on validation pairs: change flag, classes and captions, through the captioner that users get."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from engine.contract.tiles import CLASSES
from engine.evaluation.metrics import score
from engine.models.captioner import CaptionOptions, ModelCard
from engine.models.scribe import DELTAS, ScribeCaptioner, ScribeNet
from engine.words.text import Vocabulary

from ..datasets import PairRow, read_batch

NEUTRAL = {"temperature": 1.0, "bias": 0.0, "class_thresholds": [[0.5] * len(CLASSES)] * len(DELTAS)}


def validate(net: ScribeNet, vocabulary: Vocabulary, rows: Sequence[PairRow]) -> dict[str, float]:
    """Flag accuracy at 0.5 and AUC, macro-F1 of added and removed classes, and caption scores on LEVIR-CC's changed pairs, or on all changed
    pairs of a data set without any of LEVIR-CC's.

    ``val_objective``, by which the epoch is chosen, is flag AUC (0..1) + CIDEr-D (× 100) of the changed LEVIR-CC pairs / 200.
    """
    captioner = ScribeCaptioner(net, vocabulary, ModelCard("scribe-s", "scribe-s"), NEUTRAL, torch.device("cpu"))
    scores, classes, texts = predict(captioner, rows)
    flag = np.array([row.changed for row in rows])
    changed = [row for row in rows if row.changed]
    levir = {row.name: [" ".join(c) for c in row.captions] for row in changed if row.source == "lcc" or all(r.source != "lcc" for r in changed)}
    captions = score({name: texts[name] for name in levir}, levir, meteor=False)
    result = {
        "val_flag_accuracy": float(((scores >= 0.5) == flag).mean()),
        "val_flag_auc": auc(scores, flag),
        "val_class_f1": macro_f1(classes, rows),
        "val_cider_changed": captions["CIDEr-D"],
        "val_bleu4_changed": captions["BLEU-4"],
    }
    result["val_objective"] = result["val_flag_auc"] + result["val_cider_changed"] / 200
    return {name: round(value, 4) for name, value in result.items()}


def predict(captioner: ScribeCaptioner, rows: Sequence[PairRow], batch_size: int = 16) -> tuple[np.ndarray, list, dict[str, str]]:
    """Change scores, class names and the caption of every pair, as if it had changed (threshold 0)."""
    scores, classes, texts = [], [], {}
    for start in range(0, len(rows), batch_size):
        chunk = rows[start : start + batch_size]
        before, after = read_batch(chunk)
        for row, caption in zip(chunk, captioner.caption(before, after, CaptionOptions(threshold=0.0)), strict=True):
            scores.append(caption.change_score)
            classes.append((caption.added, caption.removed, caption.altered))
            texts[row.name] = caption.text
    return np.array(scores), classes, texts


def auc(scores: np.ndarray, flag: np.ndarray) -> float:
    """Area under the ROC curve (Mann–Whitney)."""
    positive, negative = scores[flag == 1], scores[flag == 0]
    if len(positive) == 0 or len(negative) == 0:
        return float("nan")
    wins = (positive[:, None] > negative[None]).mean() + 0.5 * (positive[:, None] == negative[None]).mean()
    return float(wins)


def macro_f1(classes: Sequence, rows: Sequence[PairRow]) -> float:
    """Mean F1 over added and removed classes that occur, on rows whose classes are known."""
    known = [(row.delta, classes[i]) for i, row in enumerate(rows) if row.delta is not None]
    values = []
    for sign in range(2):
        for column, name in enumerate(CLASSES):
            truth = np.array([delta[sign, column] > 0 for delta, _ in known])
            found = np.array([name in names[sign] for _, names in known])
            if truth.any():
                values.append(2 * (truth & found).sum() / max(1, truth.sum() + found.sum()))
    return float(np.mean(values)) if values else float("nan")
