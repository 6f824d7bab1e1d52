"""Evaluation of a small data set in both layouts; scores themselves are tested with the metrics."""

import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.cli import main
from engine.contract.errors import Cancelled, InputError, ModelError
from engine.evaluation import evaluate
from engine.evaluation.pairs import read_image
from engine.run import lanes

import fakes

NO_CHANGE = sorted(evaluate.NO_CHANGE)
CHANGE = [
    "a row of houses is built along the road",
    "many houses are built",
    "houses appear beside the road",
    "a village is built",
    "houses line the road",
]
HAS_METRICS = importlib.util.find_spec("pycocoevalcap") is not None and shutil.which("java") is not None
scored = pytest.mark.skipif(not HAS_METRICS, reason="needs the extra 'eval' and Java")


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


def command(folder, *more):
    return main(["evaluate", "--data", str(folder), "--split", "test", "--model", fakes.ID, *map(str, more)])


@scored
def test_scores_stand_beside_the_floors(fake_weights, tmp_path, capsys):
    out = tmp_path / "scores.json"
    assert command(levir(tmp_path), "--json", out, "--bootstrap", 20) == 0
    shown = capsys.readouterr().out
    assert "floor 1: always" in shown and "S*m" in shown and "changed pairs alone" in shown and "20 resamples" in shown
    assert max(map(len, shown.splitlines()[1:])) <= 100
    found = json.loads(out.read_text("utf-8"))
    model, always, oracle = found["rows"]
    assert model["flag"] == {"accuracy": 100.0, "precision": 100.0, "recall": 100.0, "F1": 100.0, "AUC": 100.0}
    assert always["flag"] == {"accuracy": 50.0, "precision": None, "recall": 0.0, "F1": 0.0, "AUC": 50.0}
    assert always["calibration"]["ECE"] == 0.5
    assert oracle["all"]["S*m"] > always["all"]["S*m"]
    assert (oracle["unchanged"]["BLEU-4"], oracle["unchanged"]["CIDEr-D"]) == (pytest.approx(100.0), 0.0)
    assert model["well_formed"] == 1.0
    assert model["classes"] is None and model["groups"] == {}
    assert found["captions"]["test_000001.png"]["changed"] is True
    assert (found["pairs"], found["changed_pairs"]) == (6, 3)
    assert found["tiles_per_s"] > 0
    assert found["bootstrap"]["intervals"][0]["flag accuracy"] == [100.0, 100.0]
    assert found["balanced"] is None


@scored
def test_classes_and_groups_come_from_the_rows_that_carry_them(fake_weights, tmp_path):
    levir(tmp_path)
    path = tmp_path / "LevirCCcaptions.json"
    rows = json.loads(path.read_text("utf-8"))["images"]
    rows = [
        row | {"quality": "lossless" if i < 2 else "jpeg"} | ({"delta": {"building": "+", "road": "-"}} if i % 2 else {})
        for i, row in enumerate(rows)
    ]
    path.write_text(json.dumps({"images": rows}))
    pairs = evaluate.read_pairs(tmp_path, "test")
    settings = evaluate.Settings(bootstrap=0, balanced=True)
    found = evaluate.evaluate(pairs, fakes.FakeCaptioner(), settings=settings).found
    by_class = {(row["change"], row["class"]): row for row in found["rows"][0]["classes"]["rows"]}
    # The fake says +building and +road of these pictures.
    assert by_class["added", "building"]["F1"] == 100.0
    assert (by_class["added", "road"]["truth"], by_class["added", "road"]["found"], by_class["added", "road"]["precision"]) == (0, 3, 0.0)
    assert by_class["removed", "road"]["F1"] == 0.0
    # Its sentence: a row of houses is built along the road.
    assert (by_class["added", "building"]["said"], by_class["added", "building"]["F1_said"]) == (3, 100.0)
    assert by_class["added", "road"]["said"] == 0
    assert found["rows"][0]["classes"]["macro_F1"] is None, "nothing occurs five times"
    assert found["rows"][0]["classes"]["macro_F1_all"] == 50.0
    quality = found["rows"][0]["groups"]["quality"]
    assert [(group["name"], group["pairs"], group["changed"]) for group in quality] == [("jpeg", 4, 2), ("lossless", 2, 1)]
    assert found["bootstrap"] is None
    assert [row["of_each"] for row in found["balanced"]] == [3, 3, 3]
    # All pairs are in each balanced draw, so it is the whole set.
    assert found["balanced"][0]["scores"]["S*m"] == pytest.approx(found["rows"][0]["all"]["S*m"])


@scored
def test_a_model_does_not_differ_from_its_own_earlier_captions(fake_weights, tmp_path, capsys):
    earlier = tmp_path / "earlier.json"
    assert command(levir(tmp_path), "--json", earlier, "--bootstrap", 0) == 0
    out = tmp_path / "now.json"
    assert command(tmp_path, "--json", out, "--bootstrap", 20, "--against", earlier) == 0
    assert "fake minus earlier" in capsys.readouterr().out
    found = json.loads(out.read_text("utf-8"))
    assert [row["name"] for row in found["rows"]] == ["fake", "earlier", "floor 1", "floor 2"]
    assert found["bootstrap"]["difference"]["S*m"] == {"value": 0.0, "interval": [0.0, 0.0], "p": 1.0}
    assert command(tmp_path, "--json", out, "--bootstrap", 20, "--against", fakes.ID) == 0
    assert json.loads(out.read_text("utf-8"))["bootstrap"]["difference"]["S*m"]["value"] == 0.0


@scored
def test_an_earlier_evaluation_of_other_pairs_is_refused(fake_weights, tmp_path, capsys):
    earlier = tmp_path / "earlier.json"
    assert command(levir(tmp_path), "--json", earlier, "--bootstrap", 0) == 0
    assert command(levir(tmp_path, count=8), "--against", earlier) == 2
    assert "holds 6 captions, and none of 2 of these 8 pairs" in " ".join(capsys.readouterr().err.split())
    earlier.write_text("{}")
    assert command(tmp_path, "--against", earlier) == 2
    assert "what `changescribe evaluate --json` wrote" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"json_file": "no/such/out.json"}, "out.json cannot be written: there is no such folder"),
        ({"html_file": "no/such/out.html"}, "out.html cannot be written"),
        ({"bootstrap": -1}, "-1 resamples.*0 or more"),
        ({"html_limit": 0}, "0 pairs on the page.*1 or more"),
        ({"against": "gpt"}, "unknown model 'gpt'"),
    ],
)
def test_wrong_settings_are_said_before_the_captioning(fake_weights, members, message):
    with pytest.raises(InputError, match=message):
        evaluate.Settings(**{name: Path(value) if name.endswith("_file") else value for name, value in members.items()}).verify()


def test_balanced_needs_both_kinds(tmp_path):
    pairs = [pair for pair in evaluate.read_pairs(levir(tmp_path), "test") if pair.changed]
    with pytest.raises(InputError, match="3 pairs that are all changed.*both kinds"):
        evaluate.evaluate(pairs, fakes.FakeCaptioner(), settings=evaluate.Settings(balanced=True))


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
    image = read_image(levir(tmp_path) / "images/test/A/test_000000.png", 256)
    assert image.shape == (1, 3, 256, 256) and (image == 90).all()
    (tmp_path / "x.png").write_bytes(b"no image")
    with pytest.raises(InputError, match="x.png cannot be read"):
        read_image(tmp_path / "x.png", 256)


@pytest.mark.parametrize(("free_mb", "batches"), [(None, [4, 2]), (1.0, [1] * 6)])
def test_batches_are_the_captioners_and_fit_the_free_memory(tmp_path, monkeypatch, free_mb, batches):
    monkeypatch.setattr(lanes.device, "free_memory_mb", lambda chosen: free_mb)
    monkeypatch.setattr(fakes.FakeCaptioner, "cpu_batch", 4)
    captioner = fakes.FakeCaptioner()
    evaluate.caption_pairs(captioner, evaluate.read_pairs(levir(tmp_path), "test"), evaluate.DEFAULTS)
    assert captioner.batches == batches


def test_it_can_be_cancelled(tmp_path):
    pairs = evaluate.read_pairs(levir(tmp_path), "test")
    with pytest.raises(Cancelled, match="after 0 of 6"):
        evaluate.caption_pairs(fakes.FakeCaptioner(), pairs, evaluate.DEFAULTS, cancelled=lambda: True)


def test_an_unknown_model_is_said_before_anything_is_scored(fake_weights, tmp_path):
    with pytest.raises(ModelError, match="unknown model 'gpt'"):
        evaluate.run(levir(tmp_path), "test", "gpt")


def test_a_pair_listed_twice_is_an_error(tmp_path):
    path = levir(tmp_path) / "LevirCCcaptions.json"
    rows = json.loads(path.read_text("utf-8"))["images"]
    path.write_text(json.dumps({"images": [*rows, rows[2]]}))
    with pytest.raises(InputError, match="names a pair twice .test_000002.png"):
        evaluate.read_pairs(tmp_path, "test")
