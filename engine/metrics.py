"""Caption scores of the field: BLEU-1..4, METEOR 1.5, ROUGE-L, CIDEr-D (pycocoevalcap) and S*m, and the change flag's.

Words are split on spaces, "?" and "." dropped, without a Penn Treebank tokeniser, as the published LEVIR-CC numbers are.
"""

from __future__ import annotations

import atexit
import functools
import shutil
from collections.abc import Mapping, Sequence

import numpy as np

from .errors import InputError

CAPTION_METRICS = ("BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "METEOR", "ROUGE-L", "CIDEr-D", "S*m")


def score(hypotheses: Mapping[str, str], references: Mapping[str, Sequence[str]], meteor: bool | str = "words") -> dict[str, float]:
    """Corpus scores, all × 100.

    Parameters
    ----------
    hypotheses, references : one caption, and its references, by name. The names must be the same.
    meteor : "words"; "ids" (integer ids in place of words, as the academic repositories feed it); False leaves METEOR and S*m
        out (they need Java).

    Returns
    -------
    dict
        CAPTION_METRICS by name. S*m is the mean of BLEU-4, METEOR, ROUGE-L and CIDEr-D.

    Raises
    ------
    InputError
        No captions, names that differ, pycocoevalcap or Java missing.
    """
    if set(hypotheses) != set(references) or not references:
        odd = sorted(set(hypotheses) ^ set(references))[:3]
        raise InputError(
            f"{len(hypotheses)} captions and references of {len(references)} pairs (unmatched: {odd})", "the same names", "join them by name"
        )
    bleu, rouge, cider = _scorers()
    names = sorted(references)
    truth = {name: [_plain(text) for text in references[name]] for name in names}
    found = {name: [_plain(hypotheses[name])] for name in names}
    values = [float(v) for v in bleu(4).compute_score(truth, found, verbose=0)[0]]
    result = {f"BLEU-{i + 1}": value for i, value in enumerate(values)}
    if meteor:
        result["METEOR"] = _meteor(truth, found, ids=meteor == "ids")
    result["ROUGE-L"] = float(rouge().compute_score(truth, found)[0])
    result["CIDEr-D"] = float(cider().compute_score(truth, found)[0])
    if meteor:
        result["S*m"] = float(np.mean([result[name] for name in ("BLEU-4", "METEOR", "ROUGE-L", "CIDEr-D")]))
    return {name: 100.0 * value for name, value in result.items()}


def flag_scores(found: Sequence[bool], truth: Sequence[bool]) -> dict[str, float]:
    """Accuracy, precision and recall of the change flag, × 100; precision and recall are NaN where undefined."""
    found, truth = np.asarray(found, bool), np.asarray(truth, bool)
    hits = float((found & truth).sum())
    return {
        "accuracy": 100.0 * float((found == truth).mean()),
        "precision": 100.0 * hits / found.sum() if found.any() else float("nan"),
        "recall": 100.0 * hits / truth.sum() if truth.any() else float("nan"),
    }


def expected_calibration_error(scores: Sequence[float], truth: Sequence[bool], bins: int = 10) -> float:
    """Expected calibration error of the change score (Guo et al. 2017, eq 3), equal-width bins, 0..1."""
    scores, truth = np.asarray(scores, float), np.asarray(truth, bool)
    number = np.minimum((scores * bins).astype(int), bins - 1)
    gaps = [abs(scores[number == b].mean() - truth[number == b].mean()) * (number == b).mean() for b in range(bins) if (number == b).any()]
    return float(sum(gaps))


def _plain(text: str) -> str:
    return " ".join(word for word in text.replace("?", " ").replace(".", " ").split())


def _scorers():
    try:
        from pycocoevalcap.bleu.bleu import Bleu
        from pycocoevalcap.cider.cider import Cider
        from pycocoevalcap.rouge.rouge import Rouge
    except ImportError as error:
        raise InputError("pycocoevalcap is not installed", "the package pycocoevalcap", "pip install 'changescribe[eval]'") from error
    return Bleu, Rouge, Cider


def _meteor(truth: Mapping[str, list[str]], found: Mapping[str, list[str]], ids: bool) -> float:
    if shutil.which("java") is None:
        raise InputError("METEOR needs Java, and `java` is not on the PATH", "a Java runtime", "apt-get install default-jre-headless")
    if ids:
        words = sorted({word for side in (truth, found) for texts in side.values() for text in texts for word in text.split()})
        number = {word: str(i) for i, word in enumerate(words)}
        truth, found = (
            {name: [" ".join(number[word] for word in text.split()) for text in texts] for name, texts in side.items()} for side in (truth, found)
        )
    return float(_meteor_process().compute_score(truth, found)[0])


@functools.lru_cache(1)
def _meteor_process():
    """One Java process for all scores of this program: it takes seconds to load its paraphrases."""
    from pycocoevalcap.meteor.meteor import Meteor

    meteor = Meteor()
    atexit.register(meteor.meteor_p.kill)
    return meteor
