"""Ablations on made-up frozen features: every variant trains and captions, and the table's resampled scores are the corpus scores."""

import json
import shutil
from dataclasses import asdict

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from engine.contract.errors import InputError
from engine.evaluation.metrics import score
from training.datasets import captioned, load_rows
from training.dfm import ablation
from training.dfm.ablation import VARIANTS, AblationOptions, FrozenDfm, frozen_epoch, run
from training.dfm.ablation_report import score_variant, write_report
from training.dfm.frozen_features import FrozenSplit, read_split
from training.dfm.train import DfmOptions, build_vocabulary

SMALL = AblationOptions(width=16, heads=2, hidden=16, max_length=12, dropout=0.0, epochs=2, batch_size=8, min_count=1)
needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="METEOR needs Java")


class Table:
    def __call__(self, sentences):
        return torch.stack([torch.randn(768, generator=torch.Generator().manual_seed(sum(map(ord, sentence)))) for sentence in sentences])


def features(rows):
    generator = torch.Generator().manual_seed(0)
    n = len(rows)
    cls, grid = torch.randn(n, 2, 24, generator=generator), torch.randn(n, 2, 64, 24, generator=generator)
    return {"cls": cls.half(), "grid": grid.half(), "prior": torch.randn(n, 64, 12, generator=generator).half()}


@pytest.fixture
def splits(small_data):
    rows = load_rows(small_data)
    return [FrozenSplit(found, "dinov2", **features(found)) for found in (captioned(rows, "train"), captioned(rows, "val"))]


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_trains_and_captions(splits, name):
    train, val = splits
    found = run(VARIANTS[name], SMALL, train, val, Table(), seed=1)
    assert set(found["captions"]) == {row.id for row in val.rows}
    assert all(0 <= caption["score"] <= 1 for caption in found["captions"].values())
    assert ("contrast" in found["loss"]) is (name != "no-tgcl")
    assert np.isfinite(list(found["loss"].values())).all()


def test_a_run_is_repeated_exactly_by_its_seed(splits):
    train, val = splits
    first, again, other = (run(VARIANTS["full"], SMALL, train, val, Table(), seed)["loss"] for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_the_contrast_reaches_what_the_captions_are_written_from(splits):
    train, _ = splits
    torch.manual_seed(0)
    net = FrozenDfm(VARIANTS["full"], SMALL, 24, 12, 30)
    vocabulary = build_vocabulary(train.rows, DfmOptions())
    batch = next(frozen_epoch(train, vocabulary, SMALL, (1, 0)))
    weights = ablation.LossWeights(caption=0.0, flag=0.0, contrast=1.0)
    ablation._losses(net, train, batch, Table(), weights)["total"].backward()
    assert net.block.project[1].weight.grad.abs().sum() > 0


def test_each_pair_of_a_batch_is_mirrored_or_turned_as_a_square(splits):
    train, _ = splits
    batch = next(frozen_epoch(train, build_vocabulary(train.rows, DfmOptions()), SMALL, (1, 0)))
    square = np.arange(64).reshape(8, 8)
    turned = [np.rot90(board, k).tolist() for board in (square, square.T) for k in range(4)]
    assert all(order.tolist() in turned for order in batch.order.reshape(-1, 8, 8))
    assert len({tuple(order.tolist()) for order in batch.order}) > 1


def test_features_are_joined_to_their_pairs_by_id(small_data, tmp_path):
    rows = captioned(load_rows(small_data), "val")[::-1]
    save_file(features(rows), tmp_path / "val.safetensors", metadata={"ids": json.dumps([row.id for row in rows]), "encoder": "dinov2"})
    split = read_split(tmp_path, small_data, "val")
    assert [row.id for row in split.rows] == [row.id for row in rows]
    before, after = split.dates([1])
    assert torch.equal(after.grid[0], split.grid[1, 1].float())
    assert before.cls.dtype == torch.float32


def test_features_of_unknown_pairs_are_refused(small_data, tmp_path):
    rows = captioned(load_rows(small_data), "val")
    save_file(features(rows), tmp_path / "val.safetensors", metadata={"ids": json.dumps(["pairs/other"] * len(rows)), "encoder": "dinov2"})
    with pytest.raises(InputError, match="pairs that .* has not, among them pairs/other"):
        read_split(tmp_path, small_data, "val")


def test_missing_features_say_how_to_make_them(small_data, tmp_path):
    with pytest.raises(InputError, match=r"val\.safetensors cannot be read.*training\.dfm\.frozen_features"):
        read_split(tmp_path, small_data, "val")


def test_runs_of_other_options_are_not_mixed(tmp_path):
    path = tmp_path / "full-1.json"
    assert ablation._is_done(path, SMALL) is False
    path.write_text(json.dumps({"options": asdict(SMALL)}))
    assert ablation._is_done(path, SMALL) is True
    with pytest.raises(InputError, match=r"full-1\.json was made with other options"):
        ablation._is_done(path, AblationOptions())


def _captions(rows, wrong_flags, text):
    """Every pair captioned ``text``; of the first ``wrong_flags`` pairs the flag is wrong."""
    return {row.id: {"score": float(bool(row.changed) != (i < wrong_flags)), "text": text, "shown": text} for i, row in enumerate(rows)}


@needs_java
def test_the_table_compares_with_the_first_variant(splits, tmp_path):
    rows = splits[1].rows
    variants = {"full": (0, "a house is built"), "gate": (2, "a house is built"), "concat": (0, "no change has occurred")}
    for name, (wrong, text) in variants.items():
        found = {
            "captions": _captions(rows, wrong, text),
            "seconds": 1,
            "parameters": 10,
            "loss": {},
            "encoder": "dinov2",
            "options": {"width": 16, "epochs": 2},
        }
        (tmp_path / f"{name}-1.json").write_text(json.dumps(found))
    write_report(tmp_path / "docs" / "ablation.md", tmp_path, {name: f"variant {name}" for name in variants}, [1], rows)
    figures = json.loads((tmp_path / "docs" / "ablation.json").read_text())["variants"]
    assert figures["full"]["mean"]["flag accuracy"] == 100.0
    assert figures["gate"]["mean"]["flag accuracy"] == pytest.approx(100 * 4 / 6)
    assert figures["gate"]["difference"]["flag accuracy"]["interval"][0] < 0
    assert figures["gate"]["difference"]["S*m"]["interval"] == [0.0, 0.0]  # the same sentences
    assert figures["concat"]["difference"]["S*m changed"]["value"] < 0
    assert "| variant gate | " in (tmp_path / "docs" / "ablation.md").read_text()


@needs_java
def test_scores_of_a_variant_are_the_means_of_its_runs_and_the_corpus_scores(splits):
    rows = splits[1].rows
    runs = [_captions(rows, 0, "a house is built"), _captions(rows, 3, "no change has occurred")]
    scores = score_variant(runs, rows)
    for captions, found in zip(runs, scores.runs, strict=True):
        expected = score({row.id: captions[row.id]["shown"] for row in rows}, {row.id: [" ".join(words) for words in row.captions] for row in rows})
        assert found["S*m"] == pytest.approx(expected["S*m"], abs=1e-6)
    assert scores.mean["flag accuracy"] == 75.0
    assert scores.mean["S*m changed"] == pytest.approx((scores.runs[0]["S*m changed"] + scores.runs[1]["S*m changed"]) / 2)
