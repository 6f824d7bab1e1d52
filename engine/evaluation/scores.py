"""All scores of one set of captions of a data set's pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..contract.tiles import CLASSES, UNCHANGED_TEXT, Caption
from ..words import dubai
from ..words.facts import stated_changes
from ..words.text import is_well_formed
from . import metrics
from .pairs import DUBAI, Pair
from .sources import by_source
from .statistics import CaptionStatistics

# The constant that scores best on LEVIR-CC's validation pairs, given a perfect change flag.
CONSTANT_CHANGE = "some houses are built along the road"
FLOORS = ("floor 1", "floor 2")
BALANCED_DRAWS, BALANCED_SEED = 10, 0
ENOUGH = 5  # occurrences of a class change from which its F1 says something
SIGNS = (("+", "added"), ("-", "removed"))


@dataclass(frozen=True)
class Scored:
    """Captions of all pairs, in the pairs' order, with their statistics."""

    name: str
    pairs: Sequence[Pair]
    captions: Sequence[Caption]
    statistics: CaptionStatistics

    @classmethod
    def of(cls, name: str, pairs: Sequence[Pair], captions: Mapping[str, Caption]) -> Scored:
        """Raises InputError where pycocoevalcap or Java is missing."""
        ordered = [captions[pair.name] for pair in pairs]
        statistics = CaptionStatistics.of([caption.text for caption in ordered], [pair.references for pair in pairs])
        return cls(name, pairs, ordered, statistics)

    @cached_property
    def truth(self) -> np.ndarray:
        """(N,) bool: changed pairs."""
        return np.array([pair.changed for pair in self.pairs])

    @cached_property
    def found(self) -> np.ndarray:
        """(N,) bool: pairs that were called changed."""
        return np.array([caption.changed for caption in self.captions])

    @cached_property
    def changed_statistics(self) -> CaptionStatistics | None:
        """The changed pairs as a set of their own; None without any."""
        return self.statistics.part(np.flatnonzero(self.truth)) if self.truth.any() else None

    def to_json(self) -> dict:
        """Scores × 100 of all, changed and unchanged pairs; change flag and calibration; classes, groups, sources and share of well-formed sentences.

        Parts without a pair, and values that are not defined, are None.
        """
        unchanged = self.statistics.part(np.flatnonzero(~self.truth)) if (~self.truth).any() else None
        scores = np.array([caption.change_score for caption in self.captions])
        flag = metrics.flag_scores(self.found, self.truth) | {"AUC": 100.0 * metrics.area_under_curve(scores, self.truth)}
        bins = metrics.reliability(scores, self.truth)
        return {
            "name": self.name,
            "all": point(self.statistics.scores()),
            "changed": self.changed_statistics and point(self.changed_statistics.scores()),
            "unchanged": unchanged and point(unchanged.scores()),
            "flag": _defined(flag),
            "calibration": {"ECE": metrics.expected_calibration_error(scores, self.truth), "bins": bins},
            "classes": class_scores(self.pairs, self.captions),
            "groups": {kind: groups for kind in ("quality", "source") if (groups := self._groups(kind))},
            "sources": by_source(self.pairs, self.captions),
            "well_formed": float(np.mean([_written_well(caption) for caption in self.captions])),
        }

    def headline(self, weights: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """The statistics that get intervals, × 100, each (R,), for ``weights`` (R, N); None: every pair once."""
        weights = np.ones((1, len(self.pairs))) if weights is None else weights
        values = {"S*m": self.statistics.scores(weights)["S*m"]}
        if self.changed_statistics:
            alone = self.changed_statistics.scores(weights[:, self.truth])
            values |= {"S*m changed": alone["S*m"], "CIDEr-D changed": alone["CIDEr-D"]}
        return values | {"flag accuracy": 100.0 * (weights @ (self.found == self.truth)) / weights.sum(1)}

    def balanced(self) -> dict:
        """Mean scores of ``BALANCED_DRAWS`` subsets with equally many changed and unchanged pairs, each a set of its own.

        All pairs of the rarer kind are in each subset, the others are drawn without replacement with a fixed seed. ``sd`` of S*m is over the draws.
        """
        kinds = sorted((np.flatnonzero(self.truth), np.flatnonzero(~self.truth)), key=len)
        generator = np.random.default_rng(BALANCED_SEED)
        draws = []
        for _ in range(BALANCED_DRAWS):
            index = np.concatenate([kinds[0], generator.choice(kinds[1], len(kinds[0]), replace=False)])
            draws.append(point(self.statistics.part(index).scores()) | {"accuracy": float(100 * (self.found == self.truth)[index].mean())})
        scores = {name: float(np.mean([draw[name] for draw in draws])) for name in draws[0]}
        spread = float(np.std([draw["S*m"] for draw in draws], ddof=1))
        return {"name": self.name, "of_each": len(kinds[0]), "draws": BALANCED_DRAWS, "seed": BALANCED_SEED, "scores": scores, "sd": spread}

    def _groups(self, kind: str) -> list[dict]:
        """Scores of the pairs by quality or source, with the whole set's document frequencies; empty where all are of one group."""
        labels = np.array([getattr(pair, kind) or "–" for pair in self.pairs])
        names = sorted(set(labels.tolist()))
        if len(names) < 2:
            return []
        values = self.headline(np.array([labels == name for name in names], float))
        counts = [{"name": name, "pairs": int((labels == name).sum()), "changed": int(self.truth[labels == name].sum())} for name in names]
        return [count | _defined({key: float(value[i]) for key, value in values.items()}) for i, count in enumerate(counts)]


def floor_sentences(pairs: Sequence[Pair]) -> tuple[str, str]:
    """What the floors say of unchanged and of changed pairs."""
    if pairs and all(pair.source == DUBAI for pair in pairs):
        return dubai.UNCHANGED_TEXT, dubai.CONSTANT_CHANGE
    return UNCHANGED_TEXT, CONSTANT_CHANGE


def floors(pairs: Sequence[Pair]) -> list[Scored]:
    """What anybody reaches: always "no change"; and a perfect change flag with one constant sentence, both in the data set's own words."""
    unchanged, change = floor_sentences(pairs)
    always = {pair.name: Caption(unchanged, False, 0.0) for pair in pairs}
    oracle = {pair.name: Caption(change if pair.changed else unchanged, pair.changed, float(pair.changed), score=1.0) for pair in pairs}
    return [Scored.of(FLOORS[0], pairs, always), Scored.of(FLOORS[1], pairs, oracle)]


def class_scores(pairs: Sequence[Pair], captions: Sequence[Caption]) -> dict | None:
    """F1 of what was added and removed, by class, over the pairs whose truth is known; None where no pair notes any.

    Of the model's class heads ("found", "precision", "recall", "F1") and of what its sentences state, as ``facts`` reads them ("said", "F1_said").
    ``macro_F1``: mean over the (class, added or removed) that occur in the truth ``ENOUGH`` times; ``macro_F1_all``: over those that occur at all.
    One that never occurs has no recall: what is found of it stands in its row and counts in neither mean.
    """
    known = [(pair.delta, caption) for pair, caption in zip(pairs, captions, strict=True) if pair.delta is not None]
    if not any(delta for delta, _ in known):
        return None
    stated = [stated_changes(caption.text) for _, caption in known]
    rows: list[dict[str, Any]] = []
    for column, (sign, change) in enumerate(SIGNS):
        for name in CLASSES:
            truth = [delta.get(name) == sign for delta, _ in known]
            found = [name in getattr(caption, change) for _, caption in known]
            said = [name in facts[column] for facts in stated]
            flag = _defined(metrics.flag_scores(found, truth))
            row = {"change": change, "class": name, "truth": sum(truth), "found": sum(found), "said": sum(said)}
            row |= {key: flag[key] for key in ("precision", "recall", "F1")}
            rows.append(row | {"F1_said": _defined(metrics.flag_scores(said, truth))["F1"]})
    means = {f"macro_{key}{ending}": _mean(rows, key, least) for key in ("F1", "F1_said") for ending, least in (("", ENOUGH), ("_all", 1))}
    return {"pairs": len(known), "rows": rows} | means


def _written_well(caption: Caption) -> bool:
    """Whether the model's own sentence passed the sanity check; one that did not was replaced, with score 0 (``captioner.changed_caption``)."""
    return is_well_formed(caption.text) and not (caption.changed and caption.score == 0.0)


def _mean(rows: Sequence[dict], key: str, least: int) -> float | None:
    """Mean over the classes that occur ``least`` times or more."""
    values = [row[key] for row in rows if row["truth"] >= least]
    return float(np.mean(values)) if values else None


def point(scores: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Scores of a single weighting as plain numbers."""
    return {name: float(value[0]) for name, value in scores.items()}


def _defined(values: Mapping[str, float]) -> dict[str, float | None]:
    """JSON has no NaN: a flag that never rises has no precision."""
    return {name: None if np.isnan(value) else value for name, value in values.items()}
