"""Training of the change mask: what is known of a pair's cells, the norms' folding, figures, and a run from start to the file that is bundled."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.contract.errors import InputError
from engine.contract.objects import OBJECT_KINDS
from engine.models.efficientnet import EfficientNetLite
from engine.models.mask import MaskConfig, MaskDecoder, read_mask
from engine.models.scribe import ScribeConfig, ScribeNet
from training.datasets import load_rows
from training.masks import evaluate as evaluate_masks
from training.masks import export as export_mask
from training.masks import train as train_mask
from training.masks.cache import FeatureCache
from training.masks.losses import mask_losses
from training.masks.norms import NormedConv, folded
from training.masks.samples import BUILDING_ADDED, BUILDING_REMOVED, FULL, SWAPPED, UNKNOWN, drawn, named_kinds, share, targets
from training.masks.train import MaskTraining, train

KINDS = len(OBJECT_KINDS)
NONE = np.zeros(KINDS, np.float32)


def told(*kinds):
    return np.where(np.isin(np.arange(KINDS), [OBJECT_KINDS.index(kind) for kind in kinds]), 1, NONE).astype(np.float32)


def house():
    mask = np.zeros((256, 256), np.uint8)
    mask[64:128, 64:127] = 1
    return mask


def test_a_share_counts_the_pixels_of_a_cell():
    cells = share(house())
    assert cells.shape == (128, 128) and cells[40, 40] == FULL and cells[40, 63] == FULL // 2 and cells[40, 64] == 0


@pytest.mark.parametrize(("change", "kind", "other"), [("added", 0, 1), ("removed", 1, 0)])
def test_a_building_mask_has_the_one_sign_that_is_named(change, kind, other):
    cells, changed = targets(house(), None, told(("building", change)))
    assert np.array_equal(cells[kind], share(house())) and not cells[other].any()
    assert np.array_equal(changed, share(house()))


def test_a_building_mask_without_a_sign_says_only_where_nothing_is():
    cells, changed = targets(house(), None, np.full(KINDS, np.nan, np.float32))
    for kind in (BUILDING_ADDED, BUILDING_REMOVED):
        assert set(np.unique(cells[kind])) == {0, UNKNOWN} and (cells[kind][changed == 0] == 0).all()


def test_a_class_that_is_not_named_has_no_cells_and_a_named_one_is_unknown():
    cells, _ = targets(None, None, told(("water", "added")))
    water = OBJECT_KINDS.index(("water", "added"))
    assert (cells[water] == UNKNOWN).all() and not np.delete(cells, water, 0).any()


def test_swapping_the_dates_twice_changes_nothing():
    assert [SWAPPED[kind] for kind in SWAPPED] == list(range(KINDS))
    assert all(OBJECT_KINDS[kind][0] == OBJECT_KINDS[other][0] for kind, other in enumerate(SWAPPED))


def test_an_unchanged_pair_shows_nothing_and_hidden_cells_neither(small_data):
    rows = load_rows(small_data)
    unchanged = next(row for row in rows if row.changed == 0)
    assert not named_kinds(unchanged).any()
    changed = next(row for row in rows if row.changed == 1 and row.mask is not None)
    for seed in range(40):
        sample = drawn(changed, 1, np.random.default_rng(seed))
        if sample.hidden is not None:
            covered = share(sample.hidden.astype(np.uint8)) > 0
            assert covered.any() and not sample.changed[covered].any() and not sample.cells[:, covered].any()
            return
    pytest.fail("no sample was hidden in part")


def test_folded_norms_compute_the_same():
    torch.manual_seed(0)
    config = MaskConfig((4, 4, 4, 4), 2, (4, 4, 4, 4), (1, 1, 1, 1))
    net = MaskDecoder(config, NormedConv)
    dates = [[torch.randn(3, 4, 32 >> level, 32 >> level) for level in range(4)] for _ in range(2)]
    for _ in range(3):
        net(*dates)  # the norms' means and variances
    plain = MaskDecoder(config)
    plain.load_state_dict(folded(net.state_dict()))
    assert torch.allclose(plain(*dates), net.eval()(*dates), atol=1e-5)


def test_the_losses_fall_towards_the_truth():
    cells, changed = (torch.from_numpy(found)[None] for found in targets(house(), None, told(("building", "added"))))
    named = torch.from_numpy(told(("building", "added")))[None]
    nothing = torch.full((1, KINDS, 128, 128), -6.0)
    right = nothing.clone()
    right[0, BUILDING_ADDED][cells[0, BUILDING_ADDED] > 100] = 6.0
    losses = [{name: float(value) for name, value in mask_losses(logits, cells, changed, named).items()} for logits in (right, nothing)]
    assert losses[0].pop("land") == losses[1].pop("land")  # no cell of theirs has changed
    assert all(losses[0][name] < 0.2 * losses[1][name] for name in losses[0])


def test_figures_of_known_masks():
    truth = np.zeros((3, 256, 256), bool)
    truth[0, 10:30, 10:30] = truth[1, 50:70, 50:70] = True
    found = np.zeros_like(truth)
    found[0, 10:30, 10:25] = True  # three quarters of it
    found[1, 50:70, 62:82] = True  # beside it
    found[2, 0:10, 0:10] = True  # on an unchanged pair
    found[2, 100:102, 100:102] = True  # too small
    figures = evaluate_masks.figures(found, truth, np.array([False, False, True]), 30)
    hits = 300 + 160
    assert figures["pixel F1"] == round(2 * hits / (800 + 800), 4)
    assert figures["object F1"] == round(2 * 1 / (3 + 2), 4)
    assert figures["false objects an unchanged pair"] == 1.0


def test_kinds_to_export_hold_both_of_buildings():
    assert export_mask.kinds_of(["water added", "building removed", "water removed", "building added"])[2] == ("water", "added")
    for names in (["building added"], ["building added", "building removed", "lawn added"]):
        with pytest.raises(InputError, match="both of buildings"):
            export_mask.kinds_of(names)


def test_train_resume_export_and_read(small_data, tmp_path, monkeypatch):
    torch.manual_seed(0)
    net = ScribeNet(ScribeConfig(prior_width=16, width=32, heads=2, hidden=32, decoder_layers=1), 12)
    rows = [row for row in load_rows(small_data) if row.split == "train"][:8]
    options = MaskTraining(minutes=0.02, batch_size=4, quarter_batch=4, variants=2)
    train(rows, rows[:2], net.encoder, tmp_path / "run", tmp_path / "cache", options)
    first = torch.load(tmp_path / "run" / "last.pt", weights_only=True)
    assert first["steps"] > 0 and (tmp_path / "cache" / "train" / "features.f16").stat().st_size > 0
    train(rows, rows[:2], net.encoder, tmp_path / "run", tmp_path / "cache", replace(options, minutes=0.03))
    second = torch.load(tmp_path / "run" / "last.pt", weights_only=True)
    assert second["steps"] > first["steps"] and second["minutes"] == pytest.approx(0.03)

    monkeypatch.setattr(export_mask, "read_checkpoint", lambda path: (net, None, None, None))
    monkeypatch.setattr(export_mask, "RESOURCES", tmp_path)
    monkeypatch.setattr(export_mask, "best_threshold", lambda found, truth: (0.5, 1.0))
    (tmp_path / "models.json").write_text('{"models": [{"id": "scribe-s"}, {"id": "other"}]}')
    out = tmp_path / "weights" / export_mask.FILE
    export_mask.main(["--run", str(tmp_path / "run"), "--data", str(small_data), "--out", str(out)])
    entry, other = json.loads((tmp_path / "models.json").read_text())["models"]
    assert entry["objects"]["bytes"] == out.stat().st_size and entry["objects"]["kinds"] == [["building", "added"], ["building", "removed"]]
    assert "objects" not in other
    assert read_mask(str(out)).kinds == OBJECT_KINDS[:2]


def test_a_quarter_of_a_tile_is_that_part_of_it(small_data, tmp_path):
    torch.manual_seed(0)
    encoder = EfficientNetLite("lite0").eval()
    rows = [row for row in load_rows(small_data) if row.mask is not None and row.changed][:1]
    cache = FeatureCache(rows, encoder, train_mask.stage_channels(encoder), tmp_path, 1, 0)
    whole = cache.read([(0, 0)])
    before, _, cells, changed, _ = cache.read([(0, 0)], np.random.default_rng(2))
    assert [tuple(f.shape[2:]) for f in before] == [(64, 64), (32, 32), (16, 16), (8, 8)]
    corners = [
        (row, col) for row in range(9) for col in range(9) if torch.equal(changed[0], whole[3][0, 8 * row : 8 * row + 64, 8 * col : 8 * col + 64])
    ]
    assert any(torch.equal(before[0][0], whole[0][0][0, :, 8 * row : 8 * row + 64, 8 * col : 8 * col + 64]) for row, col in corners)
    assert any(torch.equal(before[3][0], whole[0][3][0, :, row : row + 8, col : col + 8]) for row, col in corners)
    assert cells.shape == (1, KINDS, 64, 64)
