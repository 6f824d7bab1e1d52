"""dfm: the conformance suite on small random weights, its switches, the frozen prior and the properties of models.md's equations."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from engine.contract.errors import InputError, ModelError
from engine.contract.tiles import CLASSES
from engine.models.captioner import CaptionOptions, ModelCard
from engine.models.dfm import CD_LAYERS, PRESETS, ChangeDetector, DfmCaptioner, DfmConfig, DfmNet
from engine.models.dfm.joint import FUSIONS, raw_difference
from engine.models.scribe import ScribeConfig
from engine.words.text import SPECIAL, Vocabulary

from conformance import CaptionerConformance, random_pairs

# A random detector gives every class about one half: two are named, the others not.
CALIBRATION = {"temperature": 1.0, "bias": 0.0, "class_thresholds": [[0.3, 0.3, *[0.9] * (len(CLASSES) - 2)], *[[0.9] * len(CLASSES)] * 2]}
WORDS = ["a", "house", "is", "built", "in", "the", "woods", "road", "appears", "and", "two", "villas", "trees", "are", "removed"]
VOCABULARY = Vocabulary([*SPECIAL, *WORDS])
DETECTOR = asdict(ScribeConfig(prior_width=16, width=32, heads=2, hidden=32, decoder_layers=1))
SMALL = DfmConfig(cd_config=DETECTOR, width=32, heads=2, hidden=32, decoder_layers=2, max_length=20)


def network(**members):
    torch.manual_seed(0)
    return DfmNet(replace(SMALL, **members), len(VOCABULARY)).eval()


def captioner_of(net):
    return DfmCaptioner(net, VOCABULARY, ModelCard("dfm", "random"), CALIBRATION, torch.device("cpu"))


def tensors(count, seed=0):
    return [torch.from_numpy(array) for array in random_pairs(count, seed=seed)]


def heads_of(net, before, after):
    b, a, prior = net.encode(before, after)
    return net.heads(b, a, None if prior is None else prior.tokens)


@pytest.fixture(scope="module")
def random_captioner():
    return captioner_of(network())


class TestRandomDfm(CaptionerConformance):
    @pytest.fixture
    def captioner(self, random_captioner):
        return random_captioner


class TestRandomDfmWithoutPrior(CaptionerConformance):
    @pytest.fixture
    def captioner(self):
        return captioner_of(network(cd_prior=False, fusion="concat"))


def test_identical_images_have_no_difference_and_swapping_negates_it():
    net = network()
    before, after = tensors(2)
    with torch.inference_mode():
        b, a, _ = net.encode(before, after)
        same, again, _ = net.encode(before, before)
        swapped = raw_difference(a, b)
    assert torch.count_nonzero(raw_difference(same, again)) == 0
    assert torch.equal(raw_difference(b, a), -swapped)
    assert torch.count_nonzero(swapped) > 0


@pytest.mark.parametrize("prior", [True, False])
@pytest.mark.parametrize("fusion", FUSIONS)
def test_every_fusion_hears_every_source(fusion, prior):
    """Z has one shape whatever the fusion, and difference, features and prior all get a gradient."""
    net = network(fusion=fusion, cd_prior=prior)
    joint, _ = heads_of(net, *tensors(2))
    assert joint.shape == (2, 64, 32)
    joint.pow(2).sum().backward()
    sources = [net.heads.joint.difference, net.heads.joint.joint, *([net.heads.joint.prior] if prior else [])]
    assert all(source.weight.grad.abs().sum() > 0 for source in sources)


def test_the_fusions_are_different_functions():
    found = [heads_of(network(fusion=fusion), *tensors(1))[0] for fusion in FUSIONS]
    assert all(not torch.allclose(a, b, atol=1e-3) for i, a in enumerate(found) for b in found[:i])


def test_learned_weights_of_the_last_fusion_sum_to_one_and_start_equal():
    weights = network().heads.joint.fusion.weighted.weights.softmax(0)
    assert weights.tolist() == pytest.approx([0.5, 0.5])


def test_the_prior_changes_what_is_written_only_where_it_is_switched_on():
    before, after = tensors(1)
    with torch.inference_mode():
        for prior in (True, False):
            net = network(cd_prior=prior)
            b, a, found = net.encode(before, after)
            assert (found is not None) is prior
            tokens = torch.randn(1, 256, 16)
            changed = not torch.equal(net.heads(b, a, tokens)[0], net.heads(b, a, tokens + 1.5 * torch.randn(1, 256, 16))[0])
            assert changed is prior


def test_layers_of_the_change_branch_give_different_tokens_of_one_shape():
    detector = ChangeDetector(DETECTOR, "prior")
    found = []
    for layer in CD_LAYERS:
        detector.layer = layer
        found.append(detector(*tensors(2)).tokens)
        assert found[-1].shape == (2, 256, 16)
    assert all(not torch.equal(a, b) for i, a in enumerate(found) for b in found[:i])


def test_the_change_detector_never_drops_out_and_never_learns():
    net = network()
    net.train()
    assert not any(module.training for module in net.detector.modules())
    joint, flag = heads_of(net, *tensors(2))
    (joint.sum() + flag.sum()).backward()
    assert all(not parameter.requires_grad and parameter.grad is None for parameter in net.detector.parameters())


def test_frozen_blocks_of_the_encoder_and_the_detector_are_bit_identical_after_a_step():
    net = network(trained_blocks=2)
    net.encoder.freeze(net.config.trained_blocks)
    start = {name: value.clone() for name, value in net.state_dict().items()}
    optimizer = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=1e-2)
    joint, flag = heads_of(net, *tensors(2))
    (joint.pow(2).sum() + flag.sum()).backward()
    optimizer.step()
    frozen = ("detector.", "encoder.model.stem", *(f"encoder.model.stages.{i}." for i in range(5)))
    end = net.state_dict()
    assert all(torch.equal(start[name], end[name]) for name in start if name.startswith(frozen))
    assert any(not torch.equal(start[name], end[name]) for name in start if name.startswith("encoder.model.stages.6"))


def test_paper_preset_has_the_published_sizes():
    paper = PRESETS["paper"]
    assert (paper.encoder, paper.encoder_sizes["patch_size"], paper.trained_blocks) == ("clip", 32, 6)
    assert (paper.width, paper.heads, paper.hidden, paper.decoder_layers, paper.fusion, paper.cd_prior) == (768, 8, 3072, 1, "full", True)


def test_saved_and_loaded_captions_agree(random_captioner, tmp_path):
    path = tmp_path / "dfm.safetensors"
    save_file({k: v.contiguous() for k, v in random_captioner.net.state_dict().items()}, path, metadata=random_captioner.save_metadata())
    loaded = DfmCaptioner.from_checkpoint(str(path))
    pairs, options = random_pairs(2), CaptionOptions(threshold=0.0, heatmap=True)
    for found, expected in zip(loaded.caption(*pairs, options), random_captioner.caption(*pairs, options), strict=True):
        assert (found.text, found.change_score, found.added) == (expected.text, expected.change_score, expected.added)
        assert np.array_equal(found.heatmap, expected.heatmap)
        assert found.added == CLASSES[:2]
    assert loaded.net.config == random_captioner.net.config


def test_without_a_detector_there_are_no_classes_and_no_heat_map():
    (caption,) = captioner_of(network(cd_prior=False)).caption(*random_pairs(1), CaptionOptions(threshold=0.0, heatmap=True))
    assert (caption.added, caption.removed, caption.altered, caption.heatmap) == ((), (), (), None)


def test_weights_of_another_model_are_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"x": torch.zeros(1)}, path, metadata={"config": json.dumps({"fusion": "sum"})})
    with pytest.raises(ModelError, match=r"other\.safetensors cannot be loaded.*Needed: a dfm checkpoint"):
        DfmCaptioner.from_checkpoint(str(path))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"fusion": "sum"}, "fusion 'sum'.*gate, bilinear, concat, weighted, full"),
        ({"encoder": "resnet"}, "encoder 'resnet'.*clip, dinov2, efficientnet"),
        ({"cd_layer": "last"}, "cd_layer 'last'.*stride8"),
        ({"width": 30, "heads": 4}, "width 30 with 4 heads"),
    ],
)
def test_a_wrong_configuration_says_what_there_is(members, message):
    with pytest.raises(InputError, match=message):
        replace(SMALL, **members)
