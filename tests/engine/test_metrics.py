"""Scores against the golden floors of LEVIR-CC that were computed apart from this code (docs of the data set)."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from engine.contract.errors import EngineError, InputError
from engine.contract.tiles import UNCHANGED_TEXT
from engine.evaluation import metrics
from engine.evaluation.statistics import CaptionStatistics

pytest.importorskip("pycocoevalcap", reason="the extra 'eval' is not installed")
LEVIR = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "levir_cc"
java = pytest.mark.skipif(shutil.which("java") is None, reason="METEOR needs Java")
PARTS = ("BLEU-4", "METEOR", "ROUGE-L", "CIDEr-D")
CONSTANT_CHANGE = "some houses are built along the road"
data = pytest.mark.skipif(not (LEVIR / "pairs.json").is_file(), reason="../shared/data is not here")


@pytest.fixture(scope="module")
def test_rows():
    return [row for row in json.loads((LEVIR / "pairs.json").read_text("utf-8"))["images"] if row["split"] == "test"]


def references(rows):
    return {row["filename"]: [sentence["raw"] for sentence in row["sentences"]] for row in rows}


def oracle(rows):
    return {row["filename"]: CONSTANT_CHANGE if row["changeflag"] else UNCHANGED_TEXT for row in rows}


def rounded(value):
    return round(value, 2)


@java
@data
def test_floor_of_always_no_change(test_rows):
    scores = metrics.score({row["filename"]: UNCHANGED_TEXT for row in test_rows}, references(test_rows))
    assert rounded(scores["S*m"]) == 45.40
    assert [rounded(scores[name]) for name in PARTS] == [37.87, 20.59, 49.13, 74.01]


@java
@data
def test_floor_of_the_oracle_flag_with_a_constant(test_rows):
    scores = metrics.score(oracle(test_rows), references(test_rows))
    assert rounded(scores["S*m"]) == 63.65
    assert [rounded(scores[name]) for name in PARTS] == [54.22, 34.92, 66.51, 98.96]


@java
@data
def test_floor_of_the_constant_on_changed_pairs_alone(test_rows):
    changed = [row for row in test_rows if row["changeflag"]]
    scores = metrics.score(oracle(changed), references(changed))
    assert (rounded(scores["S*m"]), rounded(scores["CIDEr-D"])) == (31.57, 25.97)


def test_without_meteor_no_java_is_needed(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    scores = metrics.score({"a": "a house is built"}, {"a": ["a house is built ."]}, meteor=False)
    assert scores["BLEU-4"] == pytest.approx(100.0, abs=1e-3)
    assert "S*m" not in scores


def test_missing_java_is_said(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="needs Java.*install"):
        metrics.score({"a": "a house is built"}, {"a": ["a house is built"]})


def test_a_caption_without_its_reference_is_an_error():
    with pytest.raises(InputError, match="unmatched: .'b'"):
        metrics.score({"a": "x y z", "b": "x y z"}, {"a": ["x y z"]}, meteor=False)


def test_nothing_to_score_is_an_error():
    with pytest.raises(InputError, match="0 captions"):
        metrics.score({}, {}, meteor=False)


def test_flag_scores():
    scores = metrics.flag_scores([True, True, True, False], [True, False, False, False])
    assert scores == {"accuracy": 50.0, "precision": pytest.approx(100 / 3), "recall": 100.0, "F1": 50.0}


def test_a_flag_that_never_rises_has_no_precision():
    scores = metrics.flag_scores([False, False], [True, False])
    assert np.isnan(scores["precision"]) and (scores["recall"], scores["F1"]) == (0.0, 0.0)
    assert np.isnan(metrics.flag_scores([False], [False])["F1"])


def test_area_under_the_curve_counts_ties_half():
    assert metrics.area_under_curve([0.1, 0.5, 0.5, 0.9], [False, False, True, True]) == 0.875
    assert np.isnan(metrics.area_under_curve([0.1, 0.2], [True, True]))


def test_question_marks_and_full_stops_are_dropped():
    scores = metrics.score({"a": " a  house is built ."}, {"a": ["a house is built?"]}, meteor=False)
    assert scores["ROUGE-L"] == pytest.approx(100.0)


def test_reliability_leaves_empty_bins_out_and_puts_one_into_the_last():
    rows = metrics.reliability([0.0, 0.05, 1.0, 0.95], [False, True, True, True])
    assert [(row["low"], row["high"], row["pairs"], row["changed"]) for row in rows] == [(0.0, 0.1, 2, 0.5), (0.9, 1.0, 2, 1.0)]
    assert rows[0]["mean_score"] == pytest.approx(0.025)


def test_calibration_error_is_the_gap_between_score_and_share():
    assert metrics.expected_calibration_error([0.95, 0.95], [True, False]) == pytest.approx(0.45)


# What stands in for Java: name → (script, what is said of it).
BAD_JAVAS = {
    "too old": ("echo 'UnsupportedClassVersionError: Meteor' >&2; exit 1", r"ended with exit code 1 \(UnsupportedClassVersionError: Meteor\)"),
    "no memory": ("exit 137", "ended with exit code 137"),
    "killed": ("read line; kill -9 $$", "was ended by signal 9"),
    "in the middle": ("read line; echo 1 2 3; exit 0", "ended with exit code 0"),
    "another program": ("while read line; do echo hello; done", "ended with exit code 0"),
    "deaf": ("while read line; do echo hello; done; exec sleep 60", "gave an answer that is no score"),
}


@pytest.mark.parametrize("kind", BAD_JAVAS)
@pytest.mark.parametrize("scorer", ["score", "statistics"])
def test_a_java_that_fails_is_an_engine_error(monkeypatch, tmp_path, kind, scorer):
    pytest.importorskip("pycocoevalcap")
    script, message = BAD_JAVAS[kind]
    (tmp_path / "java").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "java").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(metrics, "END_S", 0.5)
    metrics._started_meteor.cache_clear()
    texts = ["a house is built", "two trees are removed", "a road is built"]
    try:
        for _ in range(2):  # the second one is not left with the first one's dead process, or its lock
            with pytest.raises(EngineError, match=f"METEOR's Java process {message}.*java -version"):
                if scorer == "score":
                    metrics.score(dict(zip("abc", texts)), {name: [text] for name, text in zip("abc", texts)})
                else:
                    CaptionStatistics.of(texts, [[text] for text in texts])
    finally:
        metrics._started_meteor.cache_clear()
