"""The change mask of scribe-s: drawn of changed tiles alone, the same whatever the batch, and only over the encoder that it was trained on."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from test_scribe import CALIBRATION, WORDS

from engine import registry
from engine.contract.errors import ModelError
from engine.contract.objects import OBJECT_KINDS
from engine.contract.tiles import CLASSES
from engine.models.captioner import CaptionOptions, ModelCard
from engine.models.mask import MaskConfig, MaskDecoder, fingerprint, mask_metadata, percentages, read_mask
from engine.models.quick import FirstLook, FirstLookConfig, QuickScribeCaptioner
from engine.models.scribe import ScribeCaptioner, ScribeConfig, ScribeNet
from engine.registry.weights import pack
from engine.words.text import SPECIAL, Vocabulary

from conformance import random_pairs

KINDS = OBJECT_KINDS[:4]
CHANNELS = (16, 24, 40, 112)  # of lite0's stages 0, 1, 2 and 4
DRAWN = CaptionOptions(threshold=0.0, decoding="greedy", objects=True)


def made_net():
    torch.manual_seed(0)
    config = ScribeConfig(prior_width=16, width=32, heads=2, hidden=32, decoder_layers=1)
    vocabulary = Vocabulary([*SPECIAL, *WORDS])
    return ScribeNet(config, len(vocabulary)), vocabulary


@pytest.fixture(scope="module")
def mask_file(tmp_path_factory):
    """Random mask weights for the encoder of ``made_net``."""
    torch.manual_seed(1)
    config = MaskConfig(CHANNELS, len(KINDS), widths=(8, 8, 16, 16), blocks=(1, 1, 1, 1))
    path = tmp_path_factory.mktemp("mask") / "mask.safetensors"
    save_file(pack(MaskDecoder(config).state_dict()), path, metadata=mask_metadata(config, KINDS, made_net()[0].encoder))
    return path


@pytest.fixture(scope="module")
def captioner(mask_file):
    made = ScribeCaptioner(*made_net(), ModelCard("scribe-s", "random"), CALIBRATION, torch.device("cpu"))
    made.draw_masks_with(str(mask_file))
    return made


def test_the_card_says_what_is_drawn(captioner):
    assert captioner.card.objects == KINDS
    assert "objects" not in json.loads(captioner.save_metadata()["card"])


def test_changed_tiles_have_percentages_and_the_others_none(captioner):
    before, after = random_pairs(4)
    scores = [caption.change_score for caption in captioner.caption(before, after, CaptionOptions(threshold=1.1))]
    captions = captioner.caption(before, after, CaptionOptions(threshold=sorted(scores)[2], decoding="greedy", objects=True))
    assert [caption.mask is not None for caption in captions] == [caption.changed for caption in captions]
    assert sum(caption.changed for caption in captions) == 2
    for mask in (caption.mask for caption in captions if caption.changed):
        assert mask.dtype == np.uint8 and mask.shape == (len(KINDS), 256, 256) and mask.max() <= 100 and mask.std() > 0


def test_without_objects_nothing_is_drawn_and_the_captions_are_the_same(captioner):
    pairs = random_pairs(3)
    plain = captioner.caption(*pairs, CaptionOptions(threshold=0.0, decoding="greedy"))
    assert all(caption.mask is None for caption in plain)
    assert captioner.caption(*pairs, DRAWN) == plain


def test_a_mask_does_not_depend_on_the_batch(captioner):
    before, after = random_pairs(5)
    together = captioner.caption(before, after, DRAWN)
    for i in range(5):
        (single,) = captioner.caption(before[i : i + 1], after[i : i + 1], DRAWN)
        assert np.array_equal(single.mask, together[i].mask)


def test_a_mask_has_the_size_of_the_tile():
    decoder = MaskDecoder(MaskConfig(CHANNELS, 2)).eval()
    features = [torch.randn(1, c, 128 >> level, 128 >> level) for level, c in enumerate(CHANNELS)]
    with torch.inference_mode():
        logits = decoder(features, features)
    assert logits.shape == (1, 2, 128, 128)
    assert percentages(torch.full((1, 2, 128, 128), 0.0)).tolist() == np.full((1, 2, 256, 256), 50).tolist()


def test_masks_of_another_encoder_are_not_drawn(mask_file):
    net, vocabulary = made_net()
    with torch.no_grad():
        net.encoder.stages[4][0].project.bias += 1
    other = ScribeCaptioner(net, vocabulary, ModelCard("scribe-s", "random"), CALIBRATION, torch.device("cpu"))
    other.draw_masks_with(str(mask_file))
    assert other.card.objects == ()
    assert other.caption(*random_pairs(1), DRAWN)[0].mask is None


def test_later_stages_may_be_trained_again(mask_file):
    net = made_net()[0]
    expected = fingerprint(net.encoder)
    with torch.no_grad():
        net.encoder.stages[5][0].project.bias += 1
    assert fingerprint(net.encoder) == expected == read_mask(str(mask_file)).encoder


def test_a_first_look_draws_early_and_late_seen_pairs_alike(mask_file, captioner):
    net, vocabulary = made_net()
    calibration = CALIBRATION | {"look_temperature": 1.0, "look_bias": 0.0}
    look = FirstLook(FirstLookConfig(width=16))
    quick = QuickScribeCaptioner(net, vocabulary, ModelCard("scribe-s-quick", "random"), calibration, torch.device("cpu"), look, 0.0)
    quick.draw_masks_with(str(mask_file))
    looks = quick._first_look
    quick._first_look = lambda before, after: looks(before, after)._replace(flag=before[:, 0, 0, 0].float() - 128)
    before, after = random_pairs(4)
    before[:, 0, 0, 0] = (0, 255, 0, 255)
    expected = captioner.caption(before, after, DRAWN)
    for found, wanted in zip(quick.caption(before, after, DRAWN), expected, strict=True):
        assert np.array_equal(found.mask, wanted.mask)


def test_a_file_that_is_no_mask_is_one_clear_error(tmp_path):
    path = tmp_path / "notes.safetensors"
    path.write_bytes(b"not weights at all")
    with pytest.raises(ModelError, match=r"notes\.safetensors cannot be loaded.*Needed: the mask weights"):
        read_mask(str(path))


def test_kinds_are_of_the_classes():
    assert OBJECT_KINDS[:2] == (("building", "added"), ("building", "removed"))
    assert len(set(OBJECT_KINDS)) == len(OBJECT_KINDS)
    assert {name for name, _ in OBJECT_KINDS} <= set(CLASSES) and {change for _, change in OBJECT_KINDS} == {"added", "removed"}


@pytest.mark.parametrize("model", ["scribe-s", "scribe-s-quick"])
def test_the_bundled_mask_fits_the_bundled_encoder(model):
    loaded = registry.load(model)
    assert loaded.card.objects[:2] == OBJECT_KINDS[:2]
    assert loaded.card.objects == registry.card(model).objects
    (caption,) = loaded.caption(*random_pairs(1), DRAWN)
    assert caption.mask.shape == (len(loaded.card.objects), 256, 256)
