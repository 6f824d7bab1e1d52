"""Caption scores of the field: BLEU-1..4, METEOR 1.5, ROUGE-L, CIDEr-D (pycocoevalcap) and S*m, and the change flag's.

Words are split on spaces, "?" and "." dropped, without a Penn Treebank tokeniser, as the published LEVIR-CC numbers are.
"""

from __future__ import annotations

import atexit
import functools
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..contract.errors import EngineError, InputError

END_S = 2.0  # how long Java may take to end
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
    bleu, rouge, cider = scorers()
    names = sorted(references)
    truth = {name: [plain(text) for text in references[name]] for name in names}
    found = {name: [plain(hypotheses[name])] for name in names}
    values = [float(v) for v in bleu(4).compute_score(truth, found, verbose=0)[0]]
    result = {f"BLEU-{i + 1}": value for i, value in enumerate(values)}
    if meteor:
        result["METEOR"] = _meteor(truth, found, ids=meteor == "ids")
    result["ROUGE-L"] = float(rouge().compute_score(truth, found)[0])
    result["CIDEr-D"] = float(cider().compute_score(truth, found)[0])
    if meteor:
        result["S*m"] = float(np.mean([result[name] for name in ("BLEU-4", "METEOR", "ROUGE-L", "CIDEr-D")]))
    return {name: 100.0 * value for name, value in result.items()}


def flag_scores(found: ArrayLike, truth: ArrayLike) -> dict[str, float]:
    """Accuracy, precision, recall and F1 of a yes-or-no answer, × 100; NaN where undefined."""
    answers, facts = np.asarray(found, bool), np.asarray(truth, bool)
    hits, said, true = (float(part.sum()) for part in (answers & facts, answers, facts))
    return {
        "accuracy": 100.0 * float((answers == facts).mean()),
        "precision": 100.0 * hits / said if said else float("nan"),
        "recall": 100.0 * hits / true if true else float("nan"),
        "F1": 200.0 * hits / (said + true) if said + true else float("nan"),
    }


def area_under_curve(scores: ArrayLike, truth: ArrayLike) -> float:
    """Area under the ROC curve (Mann–Whitney, ties count half), 0..1; NaN where all answers are the same."""
    values, facts = np.asarray(scores, float), np.asarray(truth, bool)
    if facts.all() or not facts.any():
        return float("nan")
    gaps = values[facts][:, None] - values[~facts][None]
    return float((gaps > 0).mean() + 0.5 * (gaps == 0).mean())


def reliability(scores: ArrayLike, truth: ArrayLike, bins: int = 10) -> list[dict[str, float]]:
    """Pairs, mean score and share of changed pairs (0..1) in each equal-width bin that holds any: bin ``low`` ≤ score < ``high``, 1 in the last."""
    values, facts = np.asarray(scores, float), np.asarray(truth, bool)
    number = np.minimum((values * bins).astype(int), bins - 1)
    inside = [(b, number == b) for b in range(bins) if (number == b).any()]
    return [
        {"low": b / bins, "high": (b + 1) / bins, "pairs": int(i.sum()), "mean_score": float(values[i].mean()), "changed": float(facts[i].mean())}
        for b, i in inside
    ]


def expected_calibration_error(scores: ArrayLike, truth: ArrayLike, bins: int = 10) -> float:
    """Expected calibration error of the change score (Guo et al. 2017, eq 3), equal-width bins, 0..1."""
    gaps = [abs(row["mean_score"] - row["changed"]) * row["pairs"] for row in reliability(scores, truth, bins)]
    return float(sum(gaps)) / np.size(scores)


def plain(text: str) -> str:
    """A sentence as it is scored: words with one space between them."""
    return " ".join(word for word in text.replace("?", " ").replace(".", " ").split())


def scorers() -> tuple:
    """Classes of pycocoevalcap: BLEU, ROUGE-L and CIDEr-D.

    Raises
    ------
    InputError
        It is not installed.
    """
    try:
        from pycocoevalcap.bleu.bleu import Bleu
        from pycocoevalcap.cider.cider import Cider
        from pycocoevalcap.rouge.rouge import Rouge
    except ImportError as error:
        raise InputError("pycocoevalcap is not installed", "the package pycocoevalcap", "pip install pycocoevalcap") from error
    return Bleu, Rouge, Cider


def as_ids(found: Sequence[str], truth: Sequence[Sequence[str]]) -> tuple[list[str], list[tuple[str, ...]]]:
    """Captions and references with an integer in place of each word, numbered in the order of the alphabet."""
    words = sorted({word for texts in (found, *truth) for text in texts for word in text.split()})
    number = {word: str(i) for i, word in enumerate(words)}

    def numbers(text: str) -> str:
        return " ".join(number[word] for word in text.split())

    return [numbers(text) for text in found], [tuple(map(numbers, texts)) for texts in truth]


def _meteor(truth: Mapping[str, list[str]], found: Mapping[str, list[str]], ids: bool) -> float:
    if ids:
        captions, references = as_ids([texts[0] for texts in found.values()], list(truth.values()))
        found = {name: [text] for name, text in zip(found, captions, strict=True)}
        truth = {name: list(texts) for name, texts in zip(truth, references, strict=True)}
    with meteor_process() as process:
        return float(process.compute_score(truth, found)[0])


@contextmanager
def meteor_process() -> Iterator[Any]:
    """METEOR of pycocoevalcap. One Java process serves all scores of this program: it takes seconds to load its paraphrases.

    Raises
    ------
    InputError
        pycocoevalcap is not installed, or there is no Java.
    EngineError
        Java ends before it has answered.
    """
    scorers()
    if shutil.which("java") is None:
        raise InputError("METEOR needs Java, and `java` is not on the PATH", "a Java runtime", "apt-get install default-jre-headless")
    meteor = _started_meteor()
    try:
        yield meteor
    except (OSError, ValueError) as error:  # a closed pipe, or an answer that is no number
        _started_meteor.cache_clear()
        raise EngineError(
            f"METEOR's Java process {_last_words(meteor)}", "Java 8 or later with 2 GB of memory", "run `java -version`, then evaluate again"
        ) from error


def _last_words(meteor: Any) -> str:
    """How the process ended; pycocoevalcap's lock, which waits for ever once an answer has failed, is opened."""
    if meteor.lock.locked():
        meteor.lock.release()
    process = meteor.meteor_p
    with suppress(OSError):
        process.stdin.close()
    deadline_s = time.monotonic() + END_S
    while process.poll() is None and time.monotonic() < deadline_s:
        time.sleep(0.02)
    code = process.poll()
    if code is None:
        process.kill()
        how = "gave an answer that is no score"
    else:
        how = f"ended with exit code {code}" if code >= 0 else f"was ended by signal {-code}"
    lines = process.stderr.read().decode("utf-8", "replace").strip().splitlines()
    return f"{how} ({lines[0]})" if lines else how


@functools.lru_cache(1)
def _started_meteor() -> Any:
    from pycocoevalcap.meteor.meteor import Meteor

    meteor = Meteor()
    atexit.register(meteor.meteor_p.kill)
    return meteor
