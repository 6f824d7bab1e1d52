"""The flag by source, a calibration tried on sources that it was not fitted on, several data sets at once, and the metamorphic tests."""

import json

import numpy as np
import pytest
from PIL import Image
from test_evaluate import HAS_METRICS, levir

from engine.contract.errors import InputError
from engine.contract.tiles import Caption
from engine.evaluation import evaluate, invariances, sources
from engine.evaluation.pairs import Pair, read_pairs
from engine.evaluation.report import invariance_tables
from engine.models.captioner import CaptionOptions

import fakes


def _pair(name, source, changed):
    return Pair(name, None, None, ("a house is built",), changed, source=source)


def test_the_flag_is_scored_by_source():
    pairs = [_pair("1", "a", True), _pair("2", "a", False), _pair("3", "b", True), _pair("4", "b", True)]
    found = [Caption("x", True, 0.9), Caption("x", True, 0.8), Caption("x", False, 0.2), Caption("x", True, 0.7)]
    a, b = sources.by_source(pairs, found)
    assert (a["name"], a["pairs"], a["changed"], a["accuracy"], a["recall"], a["false_alarms"]) == ("a", 2, 1, 50.0, 100.0, 100.0)
    assert (b["recall"], b["false_alarms"]) == (50.0, None)
    assert a["ECE_left_out"] is None, "the others are all changed"
    assert b["ECE_left_out"] is not None
    assert sources.by_source(pairs[:2], found[:2]) == []


def test_a_fitted_slope_and_bias_undo_what_was_done_to_logits():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, 20000)
    truth = rng.random(20000) < 1 / (1 + np.exp(-logits))
    slope, bias = sources.fit_platt(2 * logits - 1, truth, np.full(20000, 1.0))
    assert slope == pytest.approx(0.5, abs=0.03)
    assert bias == pytest.approx(0.5, abs=0.05)


def test_sources_and_kinds_weigh_alike():
    truth, labels = np.array([True] * 8 + [False] * 2), np.array(["a"] * 4 + ["b"] * 4 + ["a", "b"])
    weights = sources.balanced_weights(truth, labels)
    assert weights[truth].sum() == pytest.approx(0.5)
    assert weights[~truth].sum() == pytest.approx(0.5)


def test_several_data_sets_are_read_at_once(tmp_path):
    for name in ("near", "far"):
        (tmp_path / name).mkdir()
        levir(tmp_path / name, count=4)
    (tmp_path / "notes").mkdir()
    pairs = read_pairs(tmp_path, "test")
    assert [pair.name for pair in pairs][::4] == ["far/test_000000.png", "near/test_000000.png"]
    assert {pair.source for pair in pairs} == {"far", "near"}
    assert pairs[0].before.parts[-5] == "far"


def _scenes(folder):
    """Six pairs with a bright square on one side; odd ones change."""
    rng, pairs = np.random.default_rng(0), []
    for i in range(6):
        paths = []
        for date in range(2):
            image = np.full((64, 64, 3), 90, np.uint8)
            if i % 2 and date:
                image[:, :, :] = 150
            image += rng.integers(0, 3, image.shape, dtype=np.uint8)
            paths.append(folder / f"{i}_{date}.png")
            Image.fromarray(image).save(paths[-1])
        pairs.append(Pair(str(i), *paths, ("a house is built",), bool(i % 2)))
    return pairs


def test_a_model_that_looks_at_mean_colours_is_fooled_by_looks_alone(tmp_path):
    found = invariances.measure(fakes.FakeCaptioner(), _scenes(tmp_path), CaptionOptions())
    alarms = {name: row["false_alarms"] for name, row in found["same_scene"].items()}
    assert alarms["as it is"] == 0
    assert alarms["gamma 0.7"] == 12
    assert found["same_scene"]["gamma 0.7"]["scenes"] == 12
    assert all(row["same_flag"] == 1.0 for row in found["turned"].values())
    assert all(row["new_changes"] == 0 for row in found["hidden"].values())
    assert found["swapped"]["both_changed"] == 3
    assert len(invariance_tables(found)) == 2


def test_turned_words_and_swapped_classes_are_recognised():
    plain = [Caption("a house is built on the left", True, 1.0, ("building",), (), ()), Caption("a road appears", True, 1.0, ("road",), (), ())]
    other = [Caption("a house is built on the right", True, 1.0, (), ("building",), ()), Caption("a road appears", True, 1.0, ("road",), (), ())]
    assert invariances._sides(plain, other) == {"with_side": 1, "other_side": 1.0}
    assert invariances._agreement(plain, other, swapped=True)["same_classes"] == 0.5
    assert invariances._agreement(plain, plain)["same_classes"] == 1.0


@pytest.mark.parametrize("look", invariances.LOOKS)
def test_a_look_keeps_shape_and_type(look):
    image = np.random.default_rng(0).integers(0, 256, (3, 64, 64), dtype=np.uint8)
    changed = invariances.LOOKS[look](image, np.random.default_rng(0))
    assert changed.shape == image.shape and changed.dtype == np.uint8
    assert np.array_equal(changed, image) == (look == "as it is")


@pytest.mark.skipif(not HAS_METRICS, reason="needs the extra 'eval' and Java")
def test_the_command_tests_invariances_of_some_pairs(fake_weights, tmp_path, capsys):
    from test_evaluate import command

    out = tmp_path / "found.json"
    assert command(levir(tmp_path), "--bootstrap", 0, "--invariances", 4, "--json", out) == 0
    assert "dates swapped" in capsys.readouterr().out
    assert json.loads(out.read_text("utf-8"))["invariances"]["pairs"] == 4


def test_a_negative_number_of_pairs_is_refused():
    with pytest.raises(InputError, match="invariances"):
        evaluate.Settings(invariances=-1).verify()
