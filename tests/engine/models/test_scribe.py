"""scribe-s: the conformance suite on small random weights and on the bundled ones, and the architecture's properties."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from engine.contract.errors import ModelError
from engine.contract.tiles import CLASSES
from engine.models.captioner import ModelCard, plain_caption
from engine.models.scribe import DELTAS, ScribeCaptioner, ScribeConfig, ScribeNet
from engine.registry import load
from engine.words.text import SPECIAL, Vocabulary

from conformance import CaptionerConformance, random_pairs

CALIBRATION = {"temperature": 1.0, "bias": 0.0, "class_thresholds": [[0.5] * len(CLASSES)] * len(DELTAS)}
WORDS = ["a", "house", "is", "built", "in", "the", "woods", "road", "appears", "and", "two", "villas", "trees", "are", "removed"]


@pytest.fixture(scope="module")
def random_captioner():
    torch.manual_seed(0)
    config = ScribeConfig(prior_width=16, width=32, heads=2, hidden=32, decoder_layers=1)
    vocabulary = Vocabulary([*SPECIAL, *WORDS])
    return ScribeCaptioner(ScribeNet(config, len(vocabulary)), vocabulary, ModelCard("scribe-s", "random"), CALIBRATION, torch.device("cpu"))


class TestRandomScribe(CaptionerConformance):
    @pytest.fixture
    def captioner(self, random_captioner):
        return random_captioner


class TestBundledScribe(CaptionerConformance):
    @pytest.fixture(scope="class")
    def captioner(self):
        return load("scribe-s")


def test_saved_and_loaded_captions_agree(random_captioner, tmp_path):
    path = tmp_path / "scribe.safetensors"
    state = {name: tensor.half().contiguous() for name, tensor in random_captioner.net.state_dict().items()}
    save_file(state, path, metadata=random_captioner.save_metadata())
    loaded, again = ScribeCaptioner.from_checkpoint(str(path)), ScribeCaptioner.from_checkpoint(str(path))
    pairs = random_pairs(2)
    assert loaded.caption(*pairs) == again.caption(*pairs)
    assert loaded.card == random_captioner.card
    assert loaded.vocabulary.words == random_captioner.vocabulary.words


def test_a_file_that_is_no_checkpoint_is_one_clear_error(tmp_path):
    path = tmp_path / "notes.safetensors"
    path.write_bytes(b"not weights at all")
    with pytest.raises(ModelError, match=r"notes\.safetensors cannot be loaded.*Needed: a scribe checkpoint"):
        ScribeCaptioner.from_checkpoint(str(path))


def test_weights_of_another_model_are_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"x": torch.zeros(1)}, path, metadata={"config": "{}"})
    with pytest.raises(ModelError, match="cannot be loaded"):
        ScribeCaptioner.from_checkpoint(str(path))


def _differences(net, before, after):
    """The raw difference (eq 8) of the pooled tokens."""
    from engine.models.scribe import date_tokens

    b, a = net.encode(torch.from_numpy(before), torch.from_numpy(after))
    return (date_tokens(a) - date_tokens(b)).float()


def test_identical_images_have_no_difference_and_swapping_negates_it(random_captioner):
    net = random_captioner.net
    before, after = random_pairs(2)
    with torch.inference_mode():
        assert torch.count_nonzero(_differences(net, before, before)) == 0
        assert torch.equal(_differences(net, before, after), -_differences(net, after, before))
        assert torch.count_nonzero(_differences(net, before, after)) > 0


def test_captions_send_no_gradient_into_the_change_prior(random_captioner):
    net = ScribeNet(random_captioner.net.config, len(random_captioner.vocabulary))
    before, after = (torch.from_numpy(array).float() for array in random_pairs(1))
    b, a = net.encode(before, after)
    net.memory(b, a, net.prior(b, a)).sum().backward()
    assert all(parameter.grad is None for parameter in net.prior.parameters())
    assert net.joint.difference.weight.grad.abs().sum() > 0


def test_a_stuttering_decoder_is_replaced_by_the_classes(random_captioner, monkeypatch):
    monkeypatch.setattr(random_captioner, "generate", lambda state, index, options, seeds: [("road road road road", 0.9)] * len(index))
    encode = random_captioner.encode

    def with_classes(before, after):
        encoded = encode(before, after)
        encoded.classes = [(("building", "road"), ("vegetation",), ())] * len(before)
        encoded.change_score = np.ones(len(before), np.float32)
        return encoded

    monkeypatch.setattr(random_captioner, "encode", with_classes)
    (caption,) = random_captioner.caption(*random_pairs(1))
    assert (caption.text, caption.score) == ("building and road added, vegetation removed", 0.0)


def test_plain_caption_without_classes_says_that_something_changed():
    assert plain_caption((), (), ()) == "the scene has changed"
