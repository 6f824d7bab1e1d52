"""Evaluation of a small data set in both layouts; scores themselves are tested with the metrics."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from engine import evaluate
from engine.cli import main
from engine.errors import Cancelled, InputError, ModelError

import fakes

NO_CHANGE = sorted(evaluate.NO_CHANGE)
CHANGE = [
    "a row of houses is built along the road",
    "many houses are built",
    "houses appear beside the road",
    "a village is built",
    "houses line the road",
]
java = pytest.mark.skipif(shutil.which("java") is None, reason="METEOR needs Java")


def levir(folder, flag=True, count=6):
    """LEVIR-CC's own layout: even pairs are unchanged."""
    rows = []
    for i in range(count):
        changed, name = i % 2, f"test_{i:06d}.png"
        for side, grey in (("A", 90), ("B", 150 if changed else 90)):
            path = folder / "images" / "test" / side / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((64, 64, 3), grey, np.uint8)).save(path)
        row = {
            "filepath": "test",
            "filename": name,
            "split": "test",
            "sentences": [{"raw": f" {text} ."} for text in (CHANGE if changed else NO_CHANGE)],
        }
        rows.append(row | ({"changeflag": changed} if flag else {}))
    (folder / "LevirCCcaptions.json").write_text(json.dumps({"images": rows, "dataset": "LEVIR-CC"}))
    return folder


@java
def test_scores_stand_beside_the_floors(fake_weights, tmp_path, capsys):
    pytest.importorskip("pycocoevalcap")
    out = tmp_path / "scores.json"
    assert main(["evaluate", "--data", str(levir(tmp_path)), "--split", "test", "--model", fakes.ID, "--json", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "floor 1: always" in shown and "S*m ids" in shown and "changed pairs alone" in shown
    found = json.loads(out.read_text("utf-8"))
    model, always, oracle = found["rows"]
    assert model["flag"] == {"accuracy": 100.0, "precision": 100.0, "recall": 100.0}
    assert always["flag"] == {"accuracy": 50.0, "precision": None, "recall": 0.0}
    assert oracle["all"]["S*m"] > always["all"]["S*m"]
    assert model["well_formed"] == 1.0
    assert found["captions"]["test_000001.png"]["changed"] is True
    assert (found["pairs"], found["changed_pairs"]) == (6, 3)
    assert found["tiles_per_s"] > 0


@pytest.mark.parametrize("flag", [True, False])
def test_older_files_without_a_flag_give_the_same_pairs(tmp_path, flag):
    pairs = evaluate.read_pairs(levir(tmp_path, flag), "test")
    assert [pair.changed for pair in pairs] == [False, True] * 3


def test_pairs_json_names_the_folder_apart_from_the_split(tmp_path):
    levir(tmp_path)
    rows = json.loads((tmp_path / "LevirCCcaptions.json").read_text("utf-8"))["images"]
    (tmp_path / "LevirCCcaptions.json").unlink()
    rows = [row | {"levir_split": "test", "split": "val"} for row in rows]
    (tmp_path / "pairs.json").write_text(json.dumps({"images": rows}))
    assert len(evaluate.read_pairs(tmp_path, "val")) == 6
    with pytest.raises(InputError, match="no split 'test'.*one of val"):
        evaluate.read_pairs(tmp_path, "test")


@pytest.mark.parametrize("side", ["A", "B"])
def test_a_missing_partner_is_an_error_not_a_shift(tmp_path, side):
    levir(tmp_path)
    (tmp_path / "images" / "test" / side / "test_000002.png").unlink()
    with pytest.raises(InputError, match="test_000002.png lacks .*" + side):
        evaluate.read_pairs(tmp_path, "test")


def test_images_of_another_size_are_resampled(tmp_path):
    image = evaluate.read_image(levir(tmp_path) / "images/test/A/test_000000.png", 256)
    assert image.shape == (1, 3, 256, 256) and (image == 90).all()
    (tmp_path / "x.png").write_bytes(b"no image")
    with pytest.raises(InputError, match="x.png cannot be read"):
        evaluate.read_image(tmp_path / "x.png", 256)


def test_it_can_be_cancelled(tmp_path):
    pairs = evaluate.read_pairs(levir(tmp_path), "test")
    with pytest.raises(Cancelled, match="after 0 of 6"):
        evaluate.caption_pairs(fakes.FakeCaptioner(), pairs, evaluate.DEFAULTS, cancelled=lambda: True)


def test_an_unknown_model_is_said_before_anything_is_scored(fake_weights, tmp_path):
    with pytest.raises(ModelError, match="unknown model 'gpt'"):
        evaluate.run(levir(tmp_path), "test", "gpt")
