"""Golden rows of LEVIR-CC's test split that were computed apart from this code, from the captions alone: METEOR by ids and by words."""

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from engine.contract.tiles import UNCHANGED_TEXT
from engine.evaluation.scores import CONSTANT_CHANGE, point
from engine.evaluation.statistics import CaptionStatistics

pytest.importorskip("pycocoevalcap", reason="the extra 'eval' is not installed")
CAPTIONS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "levir_cc" / "captions.json"
pytestmark = [
    pytest.mark.skipif(not CAPTIONS.is_file(), reason="../shared/data is not here"),
    pytest.mark.skipif(shutil.which("java") is None, reason="METEOR needs Java"),
]
SHOWN = ("BLEU-1", "BLEU-4", "METEOR-ids", "METEOR", "ROUGE-L", "CIDEr-D", "S*m-ids", "S*m")


@pytest.fixture(scope="module")
def rows():
    return json.loads(CAPTIONS.read_text("utf-8"))["images"]


@pytest.fixture(scope="module")
def split(rows):
    found = [row for row in rows if row["split"] == "test"]
    assert (len(found), sum(row["changeflag"] for row in found)) == (1929, 964)
    return found


def statistics(split, change):
    """With a perfect change flag; ``change`` is said of every changed pair."""
    return CaptionStatistics.of([change if row["changeflag"] else UNCHANGED_TEXT for row in split], [row["raw"] for row in split])


def shown(statistics, names=SHOWN):
    scores = point(statistics.scores())
    return [round(scores[name], 2) for name in names]


def near(row):
    """METEOR on ids depends on which number stands for which word, and the golden rows' numbering is not known: 0.05 to 0.1 between numberings."""
    tolerances = {"METEOR-ids": 0.15, "S*m-ids": 0.04}
    return [pytest.approx(value, abs=tolerances.get(name, 0.001)) for name, value in zip(SHOWN, row, strict=True)]


def test_always_no_change(split):
    assert shown(statistics(split, UNCHANGED_TEXT)) == near([64.56, 51.49, 29.32, 27.77, 60.60, 101.93, 60.83, 60.45])


def test_oracle_flag_and_the_most_frequent_train_caption(rows, split):
    count = Counter(" ".join(text.split()).strip(" .") for row in rows if row["split"] == "train" and row["changeflag"] for text in row["raw"])
    found = statistics(split, count.most_common(1)[0][0])
    assert shown(found) == near([82.29, 59.83, 36.83, 38.59, 70.41, 126.62, 73.42, 73.86])


def test_oracle_flag_and_the_constant_chosen_on_val(split):
    assert shown(statistics(split, CONSTANT_CHANGE)) == near([81.71, 64.01, 38.26, 39.91, 73.13, 125.01, 75.10, 75.51])


def test_a_constant_on_the_changed_pairs_alone(split):
    changed = np.flatnonzero([row["changeflag"] for row in split])
    alone = statistics(split, "many houses are built along the road").part(changed)
    names = ("BLEU-1", "BLEU-4", "METEOR", "ROUGE-L", "CIDEr-D", "S*m")
    assert shown(alone, names) == [62.21, 26.43, 24.38, 44.23, 29.46, 31.12]
