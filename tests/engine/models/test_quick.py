"""scribe-s-quick: the conformance suite, and a first look that decides which pairs scribe-s sees."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from engine.contract.errors import ModelError
from engine.contract.tiles import CLASSES
from engine.evaluation.pairs import read_image, read_pairs
from engine.models.captioner import CaptionOptions, ModelCard
from engine.models.quick import FirstLook, FirstLookConfig, QuickScribeCaptioner, read_first_look, shrunk
from engine.models.scribe import DELTAS, ScribeCaptioner, ScribeConfig, ScribeNet
from engine.registry import checkpoint, load
from engine.words.text import SPECIAL, Vocabulary

from conformance import CaptionerConformance, random_pairs

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "levir_cc"
ALL = CaptionOptions(threshold=0.0, heatmap=True)
CALIBRATION = {"temperature": 1.0, "bias": 0.0, "class_thresholds": [[0.5] * len(CLASSES)] * len(DELTAS), "look_temperature": 1.0, "look_bias": 0.0}


@pytest.fixture(scope="module")
def captioner():
    """Random weights; what begins with a dark pixel is passed over."""
    torch.manual_seed(0)
    vocabulary = Vocabulary([*SPECIAL, "a", "house", "is", "built", "in", "the", "woods"])
    net = ScribeNet(ScribeConfig(prior_width=16, width=32, heads=2, hidden=32, decoder_layers=1), len(vocabulary))
    look = FirstLook(FirstLookConfig(width=16))
    card = ModelCard("scribe-s-quick", "random")
    made = QuickScribeCaptioner(net, vocabulary, card, CALIBRATION, torch.device("cpu"), look, 0.0)
    looks = made._first_look
    # Random weights hardly tell pairs apart; the first pixel does.
    made._first_look = lambda before, after: looks(before, after)._replace(flag=before[:, 0, 0, 0].float() - 128)
    return made


@pytest.fixture(scope="module")
def plain(captioner):
    """The same scribe-s without a first look."""
    return ScribeCaptioner(captioner.net, captioner.vocabulary, ModelCard("scribe-s", "random"), CALIBRATION, torch.device("cpu"))


class TestRandomQuick(CaptionerConformance):
    @pytest.fixture(name="captioner")
    def random_captioner(self, captioner):
        return captioner


class TestBundledQuick(CaptionerConformance):
    @pytest.fixture(name="captioner", scope="class")
    def bundled(self):
        return load("scribe-s-quick")


def seen_by_scribe(captioner, pairs, monkeypatch, options):
    """Captions, and how many pairs scribe-s encoded for them."""
    seen = []
    whole = ScribeCaptioner.encode
    monkeypatch.setattr(ScribeCaptioner, "encode", lambda self, before, after: seen.append(len(before)) or whole(self, before, after))
    return captioner.caption(*pairs, options), sum(seen)


def test_scribe_sees_only_what_is_not_passed_over(captioner, plain, monkeypatch):
    pairs = random_pairs(6)
    expected = plain.caption(*pairs, ALL)
    found, seen = seen_by_scribe(captioner, pairs, monkeypatch, CaptionOptions(threshold=1.0, heatmap=True))
    assert seen == (pairs[0][:, 0, 0, 0] >= 128).sum() and 0 < seen < 6
    same = [np.allclose(one.heatmap, other.heatmap, atol=0.02) for one, other in zip(found, expected)]
    scored = [abs(one.change_score - other.change_score) < 0.02 for one, other in zip(found, expected)]
    assert sum(same) == seen and all(score for score, seen_by in zip(scored, same) if seen_by)
    assert all(caption.heatmap.shape == (32, 32) for caption in found)


def test_with_a_low_threshold_all_captions_are_scribes_own(captioner, plain, monkeypatch):
    pairs = random_pairs(6)
    expected = [caption.text for caption in plain.caption(*pairs, ALL)]
    found, seen = seen_by_scribe(captioner, pairs, monkeypatch, ALL)
    assert [caption.text for caption in found] == expected and seen == 6
    monkeypatch.setattr(captioner, "cut", float("inf"))
    assert [caption.text for caption in captioner.caption(*pairs, ALL)] == expected
    monkeypatch.setattr(captioner, "cut", float("-inf"))
    classes = [[(c.added, c.removed, c.altered) for c in model.caption(*pairs, ALL)] for model in (captioner, plain)]
    assert classes[0] == classes[1]


def test_the_first_look_takes_the_mean_of_four_pixels():
    images = torch.tensor([[[[0, 255], [1, 0]]]], dtype=torch.uint8)
    assert shrunk(images, 2).tolist() == [[[[64.0]]]]


def test_saved_and_read_first_looks_agree(tmp_path):
    look, card = FirstLook(FirstLookConfig(width=16)).eval(), ModelCard("scribe-s-quick", "random", threshold=0.4)
    calibration = {"cut": -2.5, "look_temperature": 1.2, "look_bias": -0.3}
    path = tmp_path / "look.safetensors"
    members = checkpoint.metadata(look.config, Vocabulary(SPECIAL), card, calibration)
    save_file({name: tensor.contiguous() for name, tensor in look.state_dict().items()}, path, metadata=members)
    read, read_card, read_calibration = read_first_look(str(path))
    pairs = [torch.from_numpy(date) for date in random_pairs(2)]
    assert torch.equal(read.eval()(*pairs).flag, look(*pairs).flag)
    assert (read_card, read_calibration) == (card, calibration)


def test_another_file_is_one_clear_error(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(1)}, path)
    with pytest.raises(ModelError, match=r"other\.safetensors cannot be loaded.*Needed: the first look of scribe-s-quick"):
        read_first_look(str(path))


def test_little_of_what_scribe_finds_is_passed_over():
    if not DATA.exists():
        pytest.skip("../shared/data is not here")
    quick, scribe = load("scribe-s-quick"), load("scribe-s")
    pairs = read_pairs(DATA, "val")
    before, after = (np.concatenate([read_image(getattr(pair, date), 256) for pair in pairs]) for date in ("before", "after"))
    changed, own = ([c.changed for c in model.caption(before, after, CaptionOptions(decoding="greedy"))] for model in (quick, scribe))
    lost = sum(o and not c for c, o in zip(changed, own))
    assert lost <= 0.05 * sum(own)
    assert not any(c and not o for c, o in zip(changed, own)), "what the first look lets through is scribe-s's to judge"
