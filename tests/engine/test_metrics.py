"""Scores against the golden floors of LEVIR-CC that were computed apart from this code (docs of the data set)."""

import json
import shutil
from pathlib import Path

import pytest

from engine import metrics
from engine.errors import InputError
from engine.schema import UNCHANGED_TEXT

pytest.importorskip("pycocoevalcap", reason="the extra 'eval' is not installed")
LEVIR = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "levir_cc"
java = pytest.mark.skipif(shutil.which("java") is None, reason="METEOR needs Java")
data = pytest.mark.skipif(not (LEVIR / "pairs.json").is_file(), reason="../shared/data is not here")


@pytest.fixture(scope="module")
def test_rows():
    return [row for row in json.loads((LEVIR / "pairs.json").read_text("utf-8"))["images"] if row["split"] == "test"]


def references(rows):
    return {row["filename"]: [sentence["raw"] for sentence in row["sentences"]] for row in rows}


def oracle(rows):
    return {row["filename"]: metrics.CONSTANT_CHANGE if row["changeflag"] else UNCHANGED_TEXT for row in rows}


def percent(value):
    return round(100 * value, 2)


@java
@data
def test_floor_of_always_no_change(test_rows):
    scores = metrics.score({row["filename"]: UNCHANGED_TEXT for row in test_rows}, references(test_rows))
    assert percent(scores["S*m"]) == 45.40
    assert [percent(scores[name]) for name in metrics.S_M_PARTS] == [37.87, 20.59, 49.13, 74.01]


@java
@data
def test_floor_of_the_oracle_flag_with_a_constant(test_rows):
    scores = metrics.score(oracle(test_rows), references(test_rows))
    assert percent(scores["S*m"]) == 63.65
    assert [percent(scores[name]) for name in metrics.S_M_PARTS] == [54.22, 34.92, 66.51, 98.96]


@java
@data
def test_floor_of_the_constant_on_changed_pairs_alone(test_rows):
    changed = [row for row in test_rows if row["changeflag"]]
    scores = metrics.score(oracle(changed), references(changed))
    assert (percent(scores["S*m"]), percent(scores["CIDEr-D"])) == (31.57, 25.97)


@java
@data
def test_meteor_on_ids_of_the_whole_levir_cc_test_split():
    rows = [row for row in json.loads((LEVIR / "captions.json").read_text("utf-8"))["images"] if row["split"] == "test"]
    assert len(rows) == 1929
    scores = metrics.score({row["filename"]: UNCHANGED_TEXT for row in rows}, {row["filename"]: row["raw"] for row in rows}, meteor_ids=True)
    assert [percent(scores[name]) for name in ("BLEU-1", "METEOR", "METEOR-ids", "S*m", "S*m-ids")] == [64.56, 27.77, 29.32, 60.45, 60.83]


def test_without_meteor_no_java_is_needed(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    scores = metrics.score({"a": "a house is built"}, {"a": ["a house is built ."]}, meteor=False)
    assert scores["BLEU-4"] == pytest.approx(1.0, abs=1e-6)
    assert "S*m" not in scores


def test_missing_java_is_said(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="no java on PATH.*install"):
        metrics.score({"a": "a house is built"}, {"a": ["a house is built"]})


def test_a_caption_without_its_reference_is_an_error():
    with pytest.raises(InputError, match="without a partner, first 'b'"):
        metrics.score({"a": "x y z", "b": "x y z"}, {"a": ["x y z"]}, meteor=False)


def test_nothing_to_score_is_an_error():
    with pytest.raises(InputError, match="no captions to score"):
        metrics.score({}, {}, meteor=False)


def test_flag_scores():
    predicted = {"a": True, "b": True, "c": False, "d": False}
    truth = {"a": True, "b": False, "c": True, "d": False}
    assert metrics.flag_scores(predicted, truth) == {"accuracy": 0.5, "precision": 0.5, "recall": 0.5}


def test_words_are_split_at_spaces_without_question_marks_and_full_stops():
    assert metrics.normalise(" a  house is built . really? ") == "a house is built really"
