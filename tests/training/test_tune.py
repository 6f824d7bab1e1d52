"""Tuning on reviewed tiles: what is learnt, what stays, what is written, and what is refused."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from engine import registry
from engine.cli import main
from engine.cli import train as train_command
from engine.contract.errors import InputError, ModelError
from engine.models.scribe import read_checkpoint
from engine.registry import files as model_files
from training.tuning import tune as tuning
from training.tuning.proof import split_by_place, write_dataset
from training.tuning.tune import TuneOptions, learn_words, parts_of, reviewed_rows, tune

QUICK = TuneOptions(views=1, epochs=3, patience=3, lr=1e-3, heads_lr=1e-3)


def write_reviewed(folder, changed=10, unchanged=4, held=2):
    """A made-up data set: where it changed, a bright square appears; the captions have two words that the model does not know."""
    rng, images = np.random.default_rng(3), []
    for i in range(changed + unchanged + 2 * held):
        split = "train" if i < changed + unchanged else "val"
        flag = int(i < changed or changed + unchanged <= i < changed + unchanged + held)
        before = rng.integers(60, 120, (256, 256, 3), dtype=np.uint8)
        after = before.copy()
        if flag:
            after[40 + 4 * i : 120 + 4 * i, 60:160] = 230
        for side, pixels in (("A", before), ("B", after)):
            path = folder / "images" / split / side / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
        text = "a zeppelin hangar appears in the quuxland" if flag else "the scene is the same as before"
        row = {"filename": f"{i}.png", "filepath": split, "split": split, "changeflag": flag, "delta": {"building": "+"} if flag else {}}
        images.append(row | {"sentences": [{"raw": text, "tokens": text.split()}]})
    (folder / "LevirCCcaptions.json").write_text(json.dumps({"images": images}))
    return folder


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CHANGESCRIBE_MODELS", str(tmp_path / "models"))


def test_a_tuned_model_is_written_added_and_used(tmp_path, own_folder):
    data = write_reviewed(tmp_path / "reviewed")
    path = tune(data, tmp_path / "out", QUICK)
    bundled, bundled_words, _, calibration = read_checkpoint(str(registry.verify("scribe-s")))
    net, vocabulary, card, tuned_calibration = read_checkpoint(str(path))
    assert card.id == "scribe-s-tuned" and tuned_calibration == calibration
    assert vocabulary.words[: len(bundled_words)] == bundled_words.words and {"zeppelin", "quuxland"} <= set(vocabulary.words)
    for name, value in bundled.encoder.state_dict().items():
        assert torch.allclose(net.encoder.state_dict()[name], value, atol=1e-6 * float(value.abs().max()) + 1e-9), name
    assert any(not torch.equal(a, b) for a, b in zip(net.prior.head.parameters(), bundled.prior.head.parameters()))
    text = (tmp_path / "out" / "scribe-s-tuned.md").read_text("utf-8")
    assert "14 reviewed tiles" in text and "4 held out" in text
    model_files.add(str(path))
    captioner = registry.load("scribe-s-tuned")
    tiles = np.full((1, 3, 256, 256), 90, np.uint8)
    assert captioner.caption(tiles, tiles)[0].text


def test_where_nothing_helps_nothing_is_written(tmp_path, own_folder, monkeypatch):
    data = write_reviewed(tmp_path / "reviewed")
    monkeypatch.setattr(tuning, "fit", lambda *args: {"epochs": {"caption": 0, "flag": 0}, "before": {}, "after": {}})
    with pytest.raises(InputError, match="does not lower the loss on the 4 held-out ones"):
        tune(data, tmp_path / "out", QUICK)
    assert list((tmp_path / "out").iterdir()) == []


def test_too_little_is_refused(tmp_path, own_folder, capsys):
    few = write_reviewed(tmp_path / "few", changed=3)
    assert main(["train", "--from-reviewed", str(few), "--out", str(tmp_path / "out")]) == InputError.exit_code
    assert "3 changed tiles to learn from and 2 held out" in capsys.readouterr().err
    with pytest.raises(InputError, match="no captions in"):
        tune(tmp_path / "nothing", tmp_path / "out", QUICK)
    with pytest.raises(ModelError, match="as the id of a model of your own"):
        tune(few, tmp_path / "out", TuneOptions(name="scribe-s"))


def test_where_only_the_engine_is_installed_the_command_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(train_command, "ROOT", tmp_path)
    assert main(["train", "--from-reviewed", "x", "--out", "y"]) == InputError.exit_code
    assert "only the engine is installed" in " ".join(capsys.readouterr().err.split())


def test_new_words_leave_the_known_ones_as_they_are(tmp_path):
    rows = reviewed_rows(write_reviewed(tmp_path / "reviewed"), "train")
    net, vocabulary, _, _ = read_checkpoint(str(registry.verify("scribe-s")))
    before, count = net.decoder.embedding.weight.detach().clone(), len(vocabulary)
    larger = learn_words(net, vocabulary, rows, 2)
    assert {"quuxland", "zeppelin"} <= set(larger.words[count:]) <= {"hangar", "quuxland", "zeppelin"}
    assert torch.equal(net.decoder.embedding.weight[:count], before) and net.decoder.bias.shape == (len(larger),)
    assert learn_words(net, larger, rows, 2) is larger


def test_the_parts_share_no_weights():
    net, _, _, _ = read_checkpoint(str(registry.verify("scribe-s")))
    ids = [id(parameter) for part in parts_of(net).values() for parameter in part.parameters()]
    assert len(ids) == len(set(ids)) and set(parts_of(net)) == {"caption", "flag", "classes"}


def test_the_proofs_halves_share_no_place(tmp_path):
    rows = reviewed_rows(write_reviewed(tmp_path / "reviewed"), "train")
    halves = split_by_place(rows, 2)
    assert sum(map(len, halves)) == len(rows) and not {r.place for r in halves[0]} & {r.place for r in halves[1]}
    again = reviewed_rows(write_dataset(halves[0], tmp_path / "again"), "train")
    assert {row.name for row in again} < {row.name for row in halves[0]} and all(len(row.captions) == 1 for row in again)
