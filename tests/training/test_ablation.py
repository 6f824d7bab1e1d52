"""Ablations on made-up frozen features: every variant trains and captions, and the table's resampled scores are the corpus scores."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from engine.errors import InputError
from engine.metrics import score
from training import ablation
from training.ablation import VARIANTS, AblationOptions, FrozenDfm, frozen_epoch, run
from training.ablation_report import PairScores, RunScores, write_report
from training.datasets import captioned, load_rows
from training.frozen_features import FrozenSplit, read_split
from training.train_dfm import DfmOptions, build_vocabulary

SMALL = AblationOptions(width=16, heads=2, hidden=16, max_length=12, dropout=0.0, epochs=2, batch_size=8, min_count=1)
needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="METEOR needs Java")


class Table:
    def __call__(self, sentences):
        return torch.stack([torch.randn(768, generator=torch.Generator().manual_seed(sum(map(ord, sentence)))) for sentence in sentences])


def features(rows):
    generator = torch.Generator().manual_seed(0)
    n = len(rows)
    cls, grid = torch.randn(n, 2, 24, generator=generator), torch.randn(n, 2, 64, 24, generator=generator)
    return {"cls": cls.half(), "grid": grid.half(), "prior": torch.randn(n, 256, 12, generator=generator).half()}


@pytest.fixture
def splits(small_data):
    rows = load_rows(small_data)
    return [FrozenSplit(found, **features(found)) for found in (captioned(rows, "train"), captioned(rows, "val"))]


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


def test_mirrored_pairs_show_their_tokens_in_the_mirrored_order(splits):
    """Each pair's grid and prior are turned alike, and every token stays once."""
    train, _ = splits
    batch = next(frozen_epoch(train, build_vocabulary(train.rows, DfmOptions()), SMALL, (1, 0)))
    assert all(sorted(row.tolist()) == list(range(64)) for row in batch.grid)
    for grid, prior in zip(batch.grid.reshape(-1, 8, 8), batch.prior.reshape(-1, 16, 16), strict=True):
        corner = divmod(int(grid[0, 0]), 8)
        assert divmod(int(prior[0, 0]), 16) == tuple(15 if place == 7 else 0 for place in corner)
    assert len({tuple(row.tolist()) for row in batch.grid}) > 1


def test_features_are_joined_to_their_pairs_by_id(small_data, tmp_path):
    rows = captioned(load_rows(small_data), "val")[::-1]
    save_file(features(rows), tmp_path / "val.safetensors", metadata={"ids": json.dumps([row.id for row in rows])})
    split = read_split(tmp_path, small_data, "val")
    assert [row.id for row in split.rows] == [row.id for row in rows]
    before, after = split.dates([1])
    assert torch.equal(after.grid[0], split.grid[1, 1].float())
    assert before.cls.dtype == torch.float32


def test_features_of_unknown_pairs_are_refused(small_data, tmp_path):
    rows = captioned(load_rows(small_data), "val")
    save_file(features(rows), tmp_path / "val.safetensors", metadata={"ids": json.dumps(["pairs/other"] * len(rows))})
    with pytest.raises(InputError, match="pairs that .* has not, among them pairs/other"):
        read_split(tmp_path, small_data, "val")


def test_missing_features_say_how_to_make_them(small_data, tmp_path):
    with pytest.raises(InputError, match=r"val\.safetensors cannot be read.*training\.frozen_features"):
        read_split(tmp_path, small_data, "val")


HYPOTHESES = {"a": "a house is built", "b": "the scene is the same as before", "c": "two villas appear on the left of the road"}
REFERENCES = {
    "a": ["a house is built in the grass", "one villa appears"],
    "b": ["the scene is the same as before", "no change has occurred"],
    "c": ["two houses are built on the left", "villas appear along the road in the left"],
}


@needs_java
def test_scores_of_all_pairs_once_are_the_corpus_scores():
    assert PairScores(HYPOTHESES, REFERENCES).sm(np.arange(3)) == pytest.approx(score(HYPOTHESES, REFERENCES)["S*m"], abs=1e-3)


@needs_java
def test_pairs_drawn_twice_count_twice():
    scores = PairScores(HYPOTHESES, REFERENCES)
    assert scores.sm(np.array([0, 1, 2, 0, 1, 2])) == pytest.approx(scores.sm(np.arange(3)))
    assert scores.sm(np.array([1, 1, 1])) > scores.sm(np.array([0, 0, 0]))


@needs_java
@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value encountered")  # a draw of 6 pairs may hold no changed one
def test_the_table_compares_with_the_first_variant(splits, tmp_path):
    _, val = splits
    for name, wrong in (("full", 0), ("gate", 2)):
        captions = {
            row.id: {"score": float(bool(row.changed) != (i < wrong)), "text": "a house is built", "shown": "a house is built"}
            for i, row in enumerate(val.rows)
        }
        found = {"captions": captions, "seconds": 1, "parameters": 10, "options": {"width": 16, "epochs": 2}}
        (tmp_path / f"{name}-1.json").write_text(json.dumps(found))
    write_report(tmp_path / "docs" / "ablation.md", tmp_path, {"full": "whole model", "gate": "gate fusion"}, [1], val.rows)
    figures = json.loads((tmp_path / "docs" / "ablation.json").read_text())["variants"]
    assert figures["full"]["mean"]["flag accuracy"] == 100.0
    assert figures["gate"]["mean"]["flag accuracy"] == pytest.approx(100 * 4 / 6)
    assert figures["full"]["difference"]["flag accuracy"] == {"low": 0.0, "high": 0.0}
    assert figures["gate"]["difference"]["flag accuracy"]["low"] < 0
    assert figures["gate"]["difference"]["S*m"] == {"low": 0.0, "high": 0.0}  # the same sentences
    assert "| gate fusion | " in (tmp_path / "docs" / "ablation.md").read_text()
    assert RunScores.names[0] == "S*m"
