"""kd-rscc and diffusion-rscc as captioners: the conformance suite on small random weights, seeds, consensus, scores, options and errors."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from engine import registry
from engine.contract.errors import InputError, ModelError
from engine.contract.tiles import UNCHANGED_TEXT
from engine.demo import SEASONS
from engine.demo.render import SKIES, render
from engine.demo.scene import plan
from engine.models.captioner import CaptionOptions, ModelCard, tile_seed
from engine.models.consensus import consensus, similarity
from engine.models.device import cpu_has_bf16
from engine.models.diffusion import captioner as module
from engine.models.diffusion.captioner import FAITHFUL, DiffusionCaptioner, Drawn, Sampling, choose, sample_seed
from engine.models.diffusion.denoiser import PRESETS, DiffusionNet
from engine.models.diffusion.discrete import DiscreteDiffusion
from engine.registry.weights import pack
from engine.words.text import END, NO_CHANGE, PAD, SPECIAL, START, Vocabulary, is_well_formed

from conformance import CaptionerConformance, random_pairs

WORDS = ["a", "house", "is", "built", "in", "the", "woods", "road", "appears", "and", "two", "villas", "trees", "are", "removed"]
VOCABULARY = Vocabulary([*SPECIAL, *WORDS, *sorted({word for text in NO_CHANGE for word in text.split()} - set(WORDS))])
SIZES = {
    "encoder": "efficientnet-lite0", "length": 12, "latent": 8, "width": 16, "heads": 2, "hidden": 32, "layers": 1, "inner": 32, "fusion_heads": 2,
    "fusion_hidden": 8, "positions": 12,
}  # fmt: skip
SAMPLING = {"karras": Sampling("dpmpp-2m", 4), "discrete": Sampling("ddpm", 4, clamp=True)}
CHANGE, NO_DIFFERENCE = "a house is built in the woods", "there is no difference"


@torch.no_grad()
def liven(net):
    """Random weights that write different words at different places, and for different noise."""
    for conv in net.encoder.modules():
        if isinstance(conv, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(conv.weight)  # EfficientNet-lite has no norms and would lose the signal
    net.denoiser.positions.normal_()
    for layer in (net.denoiser.enter[0], net.denoiser.enter[2], net.denoiser.leave[0], net.denoiser.leave[2]):
        layer.weight.mul_(4)
    net.text.bias[: len(SPECIAL)] = -20
    net.text.bias[VOCABULARY.ids[END]] = 0


def captioner_of(preset, samples=1, **members):
    torch.manual_seed(0)
    config = replace(PRESETS[preset], **SIZES, **members)
    net = DiffusionNet(config, len(VOCABULARY))
    liven(net)
    sampling = replace(SAMPLING[config.family], samples=samples)
    card = ModelCard(preset.removesuffix("-compact"), "random", stochastic=True)
    found = DiffusionCaptioner(net, VOCABULARY, card, {"temperature": 1.0, "bias": 0.0}, sampling, torch.device("cpu"))
    found.precision = torch.float32  # random weights leave words nearly tied
    return found


@pytest.fixture(scope="module")
def kd():
    return captioner_of("kd-rscc-compact")


@pytest.fixture(scope="module")
def discrete():
    return captioner_of("diffusion-rscc-compact")


@pytest.fixture(scope="module")
def faithful():
    return captioner_of("diffusion-rscc", samples=2, query_residual=True)


@pytest.fixture(params=["kd", "discrete"])
def either(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def drawn_tiles():
    """Four tiles of both dates of the drawn sample, (4, 3, 256, 256)."""
    images = [render(scene, SKIES[date], SEASONS[date], seed=date) for date, scene in enumerate(plan())]
    return [np.stack([image[:, y : y + 256, x : x + 256] for y in (256, 512) for x in (256, 768)]) for image in images]


class StochasticConformance(CaptionerConformance):
    def test_seeds_are_needed(self, captioner):
        with pytest.raises(InputError, match="0 seeds for 2 tiles.*one seed a tile"):
            captioner.caption(*random_pairs(2), self.all_changed)

    def test_no_pairs_no_captions(self, captioner):
        empty = np.zeros((0, 3, 256, 256), np.uint8)
        assert captioner.caption(empty, empty, seeds=[]) == []


class TestKd(StochasticConformance):
    @pytest.fixture
    def captioner(self, kd):
        return kd


class TestDiscrete(StochasticConformance):
    @pytest.fixture
    def captioner(self, discrete):
        return discrete


class TestWithoutFlag(StochasticConformance):
    @pytest.fixture
    def captioner(self, faithful):
        return faithful


def tokens_of(captioner, count=2):
    with torch.inference_mode():
        return captioner.encode(*(torch.from_numpy(array) for array in random_pairs(count))).state


def texts(captioner, tokens, seeds, **members):
    with torch.inference_mode():
        return [[sample.text for sample in samples] for samples in captioner.draw(tokens, replace(captioner.default, **members), seeds)]


def test_a_seed_decides_the_samples_whatever_the_batch(either):
    tokens = tokens_of(either, 1).expand(3, -1, -1)
    first = texts(either, tokens, [7, 8, 7], samples=3)
    assert first[0] == first[2] != first[1]
    assert len(set(first[0])) > 1
    assert texts(either, tokens[:1], [7], samples=3) == [first[0]]
    assert texts(either, tokens[:1], [7], samples=1)[0] == first[0][:1]


@pytest.mark.skipif(not cpu_has_bf16(), reason="this CPU does not compute in bfloat16")
@pytest.mark.parametrize("model", ["kd-rscc", "diffusion-rscc"])
def test_a_bundled_models_captions_are_the_same_whatever_the_batch_in_bfloat16(model, drawn_tiles):
    captioner = registry.load(model)
    assert captioner.precision == torch.bfloat16
    before, after = drawn_tiles
    seeds, options = [11, 12, 13, 14], CaptionOptions(threshold=0.0, steps=10)
    whole, *parts = (
        [c for i in range(0, 4, size) for c in captioner.caption(before[i : i + size], after[i : i + size], options, seeds[i : i + size])]
        for size in (4, 3, 1)
    )
    assert all(is_well_formed(caption.text) for caption in whole)
    for part in parts:
        assert [caption.text for caption in part] == [caption.text for caption in whole]
        assert np.allclose([[c.score, c.change_score] for c in part], [[c.score, c.change_score] for c in whole], atol=0.02)


def test_seeds_of_samples_differ_from_each_other_and_from_the_tiles():
    seeds = {sample_seed(tile_seed(0, 1, col), number) for col in range(20) for number in range(20)}
    assert len(seeds) == 400
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_the_tiles_seeds_reach_the_samples(either, monkeypatch):
    calls = []
    monkeypatch.setattr(either, "draw", spy(either.draw, calls))
    either.caption(*random_pairs(2), CaptionOptions(0.0), [11, 12])
    assert calls[0][2] == [11, 12]


def test_a_tile_without_a_usable_sample_gets_others_of_its_own(either, monkeypatch):
    tokens, rounds = torch.zeros(3, 1, 1), []
    answers = {(5, 0): "a a a", (5, 1): CHANGE, (6, 0): CHANGE, (7, 0): NO_DIFFERENCE, (7, 1): "a a a", (7, 2): "", (7, 3): NO_DIFFERENCE}

    def draw(tokens, sampling, seeds, first=0):
        rounds.append(list(seeds))
        return [[Drawn(answers[seed, first], 0.5)] for seed in seeds]

    monkeypatch.setattr(either, "draw", draw)
    found = either.generate(tokens, torch.arange(3), CaptionOptions(), [5, 6, 7])
    assert found == [(CHANGE, 0.5), (CHANGE, 0.5), ("", 0.0)]
    assert rounds == [[5, 6, 7], [5, 7], [7], [7]]


def test_further_samples_are_others(either):
    tokens = tokens_of(either, 1)
    with torch.inference_mode():
        several = either.draw(tokens, replace(either.default, samples=3), [7])
        one = either.draw(tokens, replace(either.default, samples=1), [7], first=2)
    assert [sample.text for sample in one[0]] == [several[0][2].text]


@pytest.mark.parametrize(("name", "family"), [(name, family) for family, names in module.SAMPLERS_OF.items() for name in names])
def test_every_sampler_of_the_family_draws_and_steps_matter(name, family, kd, discrete):
    captioner = {"karras": kd, "discrete": discrete}[family]
    tokens = tokens_of(captioner)
    for steps in (1, 5):
        found = texts(captioner, tokens, [1, 2], sampler=name, steps=steps)
        assert [len(samples) for samples in found] == [1, 1]


def test_the_network_is_evaluated_as_often_as_the_sampler_says(either, monkeypatch):
    calls = []
    monkeypatch.setattr(either.net.denoiser, "forward", spy(either.net.denoiser.forward, calls))
    texts(either, tokens_of(either), [1, 2], steps=6, samples=2)
    assert [len(x) for x, *_ in calls] == [4] * 6  # both samples of both tiles at once


def spy(call, calls):
    def seen(*args, **kwargs):
        calls.append(args)
        return call(*args, **kwargs)

    return seen


def test_keys_and_values_are_computed_once_unless_the_cache_is_off(either, monkeypatch):
    tokens, calls = tokens_of(either), []
    fusion = either.net.denoiser.fusion
    monkeypatch.setattr(fusion, "project", spy(fusion.project, calls))
    cached = texts(either, tokens, [1, 2], steps=5)
    assert len(calls) == 1
    monkeypatch.setattr(either, "cache_condition", False)
    assert texts(either, tokens, [1, 2], steps=5) == cached
    assert len(calls) == 1 + 5


def test_the_clamp_rounds_every_estimate_to_words(discrete, monkeypatch):
    seen = []
    monkeypatch.setitem(module.DISCRETE_SAMPLERS, "ddpm", lambda levels, denoise, x, condition, noise, variance: seen.append(denoise) or x)
    tokens = tokens_of(discrete, 1)
    for clamp in (True, False):
        texts(discrete, tokens, [1], clamp=clamp)
    with torch.inference_mode():
        table = discrete.net.text.table()
        rounded, free = (denoise(torch.randn(1, 12, 8), torch.ones(1), tokens) for denoise in seen)
        assert torch.cdist(rounded[0], table).amin(1).max() < 1e-2
        assert torch.cdist(free[0], table).amin(1).max() > 0.1


def test_the_variance_of_the_steps_reaches_the_chain(discrete, monkeypatch):
    tokens, calls = tokens_of(discrete, 1), []
    monkeypatch.setattr(DiscreteDiffusion, "variance", spy(DiscreteDiffusion.variance, calls))
    for members in ({}, {"variance": "fixed_large"}, {"variance": "fixed_large", "sampler": "ddim"}):
        texts(discrete, tokens, [1], **members)
    assert [kind for _, *kind in calls] == [["posterior"], ["fixed_large"], []]


def test_text_ends_at_the_end_and_the_pads_behind_do_not_count(kd):
    ids = VOCABULARY.ids
    row = [ids[START], ids["a"], ids["road"], ids[END], ids[PAD], ids["woods"]]
    assert kd._read(row, [1.0, 0.5, 0.5, 1.0, 0.1, 0.1]) == Drawn("a road", 0.75)
    assert kd._read(row[:3], [1.0, 0.25, 0.25]) == Drawn("a road", 0.5)


def test_similarity_is_the_mean_f1_of_ngrams():
    assert similarity("a b c d", "a b c d") == 1.0
    assert similarity("a b c d", "e f g h") == 0.0
    # 3 of 4 words, 2 of 3 pairs, 1 of 2 triples, none of 1 quadruple; a repeated word matches once.
    assert similarity("a b c d", "a b c e") == pytest.approx((3 / 4 + 2 / 3 + 1 / 2 + 0) / 4)
    assert similarity("a a a a b", "a b") == similarity("a b", "a a a a b") == pytest.approx((4 / 7 + 2 / 5) / 4)
    assert similarity("", "") == 1.0
    assert similarity("", "a") == 0.0


def test_consensus_is_the_sample_most_like_the_others():
    odd, one, other = "two villas appear", "a house is built in the woods", "a house is built near the woods"
    assert consensus([odd, one, other])[0] == 1
    assert consensus([odd, one, one]) == (1, (1 + similarity(odd, one)) / 2)
    assert consensus([one]) == (0, 1.0)
    assert consensus([one, one, one]) == (0, 1.0)


def test_the_caption_score_is_agreement_or_a_single_samples_probability():
    assert choose([Drawn(CHANGE, 0.4)]) == (CHANGE, 0.4)
    assert choose([Drawn(CHANGE, 0.4)] * 3) == (CHANGE, 1.0)
    # Refused: one that states no change and one that stutters. Two of the four agree.
    samples = [Drawn(NO_DIFFERENCE, 0.9), Drawn("a a a house", 0.9), Drawn(CHANGE, 0.4), Drawn(CHANGE, 0.4)]
    assert choose(samples) == (CHANGE, 0.5)
    assert choose(samples[:2]) == ("", 0.0)


def test_classes_are_those_that_the_sentence_states(kd, monkeypatch):
    monkeypatch.setattr(kd, "generate", lambda state, index, options, seeds: [("a house is built and the trees are removed", 0.5), ("a a a", 0.5)])
    stated, broken = kd.caption(*random_pairs(2), CaptionOptions(0.0), [1, 2])
    assert (stated.added, stated.removed, stated.altered, stated.score) == (("building",), ("vegetation",), (), 0.5)
    assert (broken.text, broken.added, broken.score) == ("the scene has changed", (), 0.0)


@pytest.mark.parametrize(("sentences", "score"), [([CHANGE, NO_DIFFERENCE, CHANGE, CHANGE], 0.75), ([NO_DIFFERENCE, UNCHANGED_TEXT], 0.0)])
def test_without_a_flag_the_change_score_is_the_share_of_samples_that_state_a_change(faithful, monkeypatch, sentences, score):
    monkeypatch.setattr(faithful, "draw", lambda tokens, sampling, seeds: [[Drawn(text, 0.9) for text in sentences]])
    (caption,) = faithful.caption(*random_pairs(1), seeds=[1])
    assert (caption.change_score, caption.changed) == (score, score >= 0.5)
    assert caption.text == (CHANGE if score else UNCHANGED_TEXT)
    (strict,) = faithful.caption(*random_pairs(1), CaptionOptions(threshold=0.8), [1])
    assert (strict.text, strict.score) == (UNCHANGED_TEXT, 1 - score)


def test_with_a_flag_the_change_score_is_its_calibrated_probability(kd, monkeypatch):
    pairs = random_pairs(3)
    plain = [caption.change_score for caption in kd.caption(*pairs, CaptionOptions(1.1), [1, 2, 3])]
    monkeypatch.setattr(kd, "calibration", {"temperature": 2.0, "bias": -1.0})
    found = [caption.change_score for caption in kd.caption(*pairs, CaptionOptions(1.1), [1, 2, 3])]
    logits = np.log(plain) - np.log1p(-np.array(plain))
    assert np.allclose(found, 1 / (1 + np.exp(-(logits / 2 - 1))), atol=1e-5)


def test_options_replace_the_models_own(either):
    own = either.default
    assert either.sampling(CaptionOptions()) == own
    assert either.sampling(CaptionOptions(steps=9, samples=3)) == replace(own, steps=9, samples=3)
    assert either.sampling(CaptionOptions(sampler=either.samplers[1])).sampler == either.samplers[1] != own.sampler


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("kd", {"sampler": "ddpm"}, "sampler 'ddpm' for kd-rscc.*one of euler, euler-ancestral, heun, dpmpp-2m, dpmpp-2m-sde"),
        ("discrete", {"sampler": "heun"}, "sampler 'heun' for diffusion-rscc.*one of ddpm, ddim"),
        ("discrete", {"steps": 2001}, "2001 steps for diffusion-rscc.*1 to 2000"),
        ("kd", {"steps": 0}, "0 steps for kd-rscc.*1 or more"),
        ("kd", {"samples": 65}, "65 samples a tile.*1 to 64"),
    ],
)
def test_options_that_the_model_does_not_take_are_refused_before_it_runs(request, name, options, message, monkeypatch):
    captioner = request.getfixturevalue(name)
    monkeypatch.setattr(captioner, "encode", pytest.fail)
    with pytest.raises(InputError, match=message):
        captioner.caption(*random_pairs(1), CaptionOptions(**options), [1])


def test_faithful_defaults_are_the_published_ones():
    assert FAITHFUL["discrete"] == Sampling("ddpm", 2000, 1, True)
    assert FAITHFUL["karras"] == Sampling("dpmpp-2m-heun", 50, 1, False)


@pytest.mark.parametrize("packed", [False, True])
def test_saved_and_loaded_captions_agree(either, tmp_path, packed):
    path = tmp_path / "x.safetensors"
    state = {name: value.clone() for name, value in either.net.state_dict().items()}
    save_file(pack(state) if packed else state, path, metadata=either.save_metadata())
    loaded = DiffusionCaptioner.from_checkpoint(str(path))
    loaded.precision = torch.float32
    assert loaded.net.config == either.net.config
    for member in ("default", "card", "calibration"):
        assert getattr(loaded, member) == getattr(either, member)
    options, seeds, pairs = CaptionOptions(0.0), [1, 2], random_pairs(2)
    if not packed:
        assert loaded.caption(*pairs, options, seeds) == either.caption(*pairs, options, seeds)
    else:
        scores = [[c.change_score for c in each.caption(*pairs, options, seeds)] for each in (loaded, either)]
        assert scores[0] == pytest.approx(scores[1], abs=0.02)


@pytest.mark.parametrize("missing", ["config", "vocabulary", "card", "calibration", "sampling"])
def test_a_file_without_its_metadata_is_refused(kd, tmp_path, missing):
    path = tmp_path / "other.safetensors"
    metadata = {name: value for name, value in kd.save_metadata().items() if name != missing}
    save_file({name: value.clone() for name, value in kd.net.state_dict().items()}, path, metadata=metadata)
    with pytest.raises(ModelError, match=rf"other\.safetensors cannot be loaded.*{missing}.*Needed: a diffusion checkpoint"):
        DiffusionCaptioner.from_checkpoint(str(path))


def test_a_sampler_of_the_other_family_as_default_is_refused(kd, tmp_path):
    path = tmp_path / "x.safetensors"
    metadata = kd.save_metadata() | {"sampling": json.dumps({"sampler": "ddpm", "steps": 10})}
    save_file({name: value.clone() for name, value in kd.net.state_dict().items()}, path, metadata=metadata)
    with pytest.raises(ModelError, match="sampler 'ddpm' for kd-rscc"):
        DiffusionCaptioner.from_checkpoint(str(path))
