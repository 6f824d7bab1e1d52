"""Image-difference encoder, text space, cross-mode fusion and the networks of Diffusion-RSCC and KD-RSCC, small or on the meta device."""

import copy
from dataclasses import replace

import pytest
import torch

from engine.contract.errors import InputError, ModelError
from engine.models.diffusion.denoiser import PRESETS, ChangeFlag, ConditionDenoiser, DiffusionConfig, DiffusionNet
from engine.models.diffusion.discrete import sample_ddpm
from engine.models.diffusion.encoder import RESNETS, ImageDifferenceEncoder, ResNet
from engine.models.diffusion.fusion import CrossModeFusion
from engine.models.diffusion.karras import karras_grid
from engine.models.diffusion.samplers import SAMPLERS, RowNoise
from engine.models.diffusion.text import TextSpace

WIDTH = 4  # of the small ResNets' stem
SMALL = {
    "width": 16,
    "heads": 2,
    "hidden": 32,
    "inner": 32,
    "fusion_heads": 2,
    "fusion_hidden": 8,
    "positions": 12,
    "length": 6,
    "latent": 4,
    "layers": 2,
}


def pairs(count=2, px=64):
    torch.manual_seed(1)
    return torch.randint(0, 256, (2, count, 3, px, px), dtype=torch.uint8)


def lively(module):
    """Weights that keep a signal's size: with the default ones EfficientNet-lite, which has no norms, loses it on the way."""
    for conv in module.modules():
        if isinstance(conv, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(conv.weight)
    return module


def small(preset, **members):
    torch.manual_seed(0)
    return replace(PRESETS[preset], **SMALL, **members)


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return ImageDifferenceEncoder("resnet50", width=WIDTH).eval()


@pytest.fixture
def net(request):
    return lively(DiffusionNet(small(getattr(request, "param", "kd-rscc-compact")), 20)).eval()


def torchvision_state(depths, width):
    """Names and shapes of torchvision's bottleneck ResNets, written out from their definition; random values."""
    state = {"conv1.weight": (width, 3, 7, 7)} | norm("bn1", width)
    channels = width
    for stage, depth in enumerate(depths):
        inner = width * 2**stage
        for block in range(depth):
            name = f"layer{stage + 1}.{block}"
            shapes = ((inner, channels, 1, 1), (inner, inner, 3, 3), (4 * inner, inner, 1, 1))
            for i, shape in enumerate(shapes, 1):
                state |= {f"{name}.conv{i}.weight": shape} | norm(f"{name}.bn{i}", shape[0])
            if block == 0:
                state |= {f"{name}.downsample.0.weight": (4 * inner, channels, 1, 1)} | norm(f"{name}.downsample.1", 4 * inner)
            channels = 4 * inner
    state |= {"fc.weight": (1000, channels), "fc.bias": (1000,)}
    return {name: torch.rand(shape) if shape else torch.tensor(3) for name, shape in state.items()}


def norm(name, width):
    return {f"{name}.{member}": (width,) for member in ("weight", "bias", "running_mean", "running_var")} | {f"{name}.num_batches_tracked": ()}


@pytest.mark.parametrize("kind", RESNETS)
def test_a_checkpoint_of_torchvision_loads_by_name(kind):
    state = torchvision_state((*RESNETS[kind], 3), WIDTH)
    model = ResNet(RESNETS[kind], WIDTH)
    model.load_published(state)
    loaded = model.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in loaded.items())
    assert set(state) - set(loaded) == {name for name in state if name.startswith(("layer4.", "fc."))}


def test_a_checkpoint_of_transformers_gives_the_same_features():
    transformers = pytest.importorskip("transformers")
    sizes = {"embedding_size": WIDTH, "hidden_sizes": [16, 32, 64, 128], "depths": [*RESNETS["resnet50"], 2], "layer_type": "bottleneck"}
    theirs = transformers.ResNetForImageClassification(transformers.ResNetConfig(**sizes)).eval()
    torch.manual_seed(2)
    state = {name: value + 0.1 * torch.rand_like(value) if value.is_floating_point() else value for name, value in theirs.state_dict().items()}
    theirs.load_state_dict(state)
    ours = ResNet(RESNETS["resnet50"], WIDTH).eval()
    ours.load_published(state)
    images = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        expected = theirs(images, output_hidden_states=True).hidden_states[3]
        found = ours(images)
    assert found.shape == (1, 64, 4, 4)
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-4 * expected.abs().max().item())


def test_a_checkpoint_of_another_resnet_is_refused():
    model = ResNet(RESNETS["resnet101"], WIDTH)
    with pytest.raises(ModelError, match=r"layer3\.6\.conv1\.weight is missing.*choose the checkpoint of the same ResNet"):
        model.load_published(torchvision_state((*RESNETS["resnet50"], 3), WIDTH))
    with pytest.raises(ModelError, match=r"conv1\.weight is of shape \(8, 3, 7, 7\)"):
        model.load_published(torchvision_state((*RESNETS["resnet101"], 3), 8))


@pytest.mark.parametrize("kind", ["resnet50", "efficientnet-lite0", "efficientnet-lite2"])
def test_196_tokens_and_swapping_the_dates_negates_the_condition(kind):
    torch.manual_seed(0)
    encoder = lively(ImageDifferenceEncoder(kind, width=WIDTH)).eval()
    before, after = pairs()
    with torch.inference_mode():
        condition = encoder(before, after)
        assert condition.shape == (2, 196, encoder.channels)
        assert condition.abs().max() > 1e-3
        assert torch.allclose(encoder(after, before), -condition, atol=1e-4 * condition.abs().max().item())
        assert encoder(before, before).abs().max() < 1e-4 * condition.abs().max()


def test_tokens_run_row_by_row(encoder):
    """A change in the upper right corner is seen by a token at the end of an upper row."""
    before = torch.full((1, 3, 256, 256), 90, dtype=torch.uint8)
    after = before.clone()
    after[..., :40, 216:] = 250
    with torch.inference_mode():
        row, col = divmod(encoder(before, after).norm(dim=2)[0].argmax().item(), 14)
    assert row < 5
    assert col > 8


@pytest.mark.parametrize(
    ("kind", "frozen"), [("resnet50", ("conv1.", "bn1.", "layer1.")), ("efficientnet-lite2", ("stem.", "stages.0.", "stages.1."))]
)
def test_frozen_layers_get_no_gradient_and_keep_their_statistics(kind, frozen):
    torch.manual_seed(0)
    encoder = ImageDifferenceEncoder(kind, width=WIDTH).train()
    start = {name: value.clone() for name, value in encoder.model.named_buffers()}
    encoder(*pairs()).square().sum().backward()
    without = {name for name, value in encoder.model.named_parameters() if value.grad is None}
    assert without == {name for name, _ in encoder.model.named_parameters() if name.startswith(frozen)}
    moved = {name for name, value in encoder.model.named_buffers() if not torch.equal(value, start[name])}
    assert moved == {name for name in start if not name.startswith(frozen)}


def test_unknown_encoder_and_pixels_are_refused():
    with pytest.raises(InputError, match="encoder 'vgg'.*resnet50, resnet101, efficientnet-lite0"):
        ImageDifferenceEncoder("vgg")
    with pytest.raises(InputError, match="pixels 'zero'.*imagenet, levir-cc"):
        ImageDifferenceEncoder("resnet50", "zero")


@pytest.mark.parametrize(("preset", "millions"), [("diffusion-rscc", 58.42), ("kd-rscc", 58.55)])
def test_parameters_at_full_size(preset, millions):
    with torch.device("meta"):
        net = DiffusionNet(PRESETS[preset], 998)
    count = sum(parameter.numel() for parameter in net.parameters())
    assert round(count / 1e6, 2) == millions
    assert round(sum(parameter.numel() for parameter in net.encoder.parameters()) / 1e6, 2) == 27.54


def test_where_nothing_changed_words_collapse_without_the_residual_and_not_with_it():
    """The condition of two equal images is 0."""
    spread = {}
    for residual in (False, True):
        denoiser = ConditionDenoiser(small("diffusion-rscc", query_residual=residual), 8).eval()
        with torch.inference_mode():
            out = denoiser(torch.randn(2, 6, 4), torch.tensor([10.0, 500.0]), torch.zeros(2, 196, 8))
        spread[residual] = (out - out[:, :1]).abs().max().item()
    assert spread[False] < 1e-6
    assert spread[True] > 1e-2


def test_published_presets_have_no_improvement_and_ours_have_the_residual():
    assert {name: preset.query_residual for name, preset in PRESETS.items()} == {name: name.endswith("compact") for name in PRESETS}
    for name in ("diffusion-rscc", "kd-rscc"):
        preset = PRESETS[name]
        assert not (preset.normalised or preset.self_conditioning or preset.change_flag or preset.styles)


@pytest.mark.parametrize(("preset", "hidden"), [("diffusion-rscc", 0.1), ("kd-rscc", 0.0)])
def test_published_presets_drop_out_and_normalise_where_the_authors_do(preset, hidden):
    """models.md, audit: ImageNet's pixels, dropout on attention probabilities, a second layer norm of 1,536 parameters, KD's hidden dropout 0."""
    config = small(preset)
    assert config.pixels == "imagenet"
    denoiser = ConditionDenoiser(config, 8)
    assert denoiser.fusion.attention_dropout == 0.1 and denoiser.fusion.dropout.p == 0.0
    assert denoiser.entry[1].p == hidden and denoiser.entry[0].eps == 1e-12
    assert {(layer.self_attn.dropout, layer.dropout1.p, layer.dropout2.p, layer.dropout.p) for layer in denoiser.attention} == {
        (0.1, hidden, hidden, 0.0)
    }
    with torch.device("meta"):
        counts = [sum(p.numel() for p in DiffusionNet(replace(PRESETS[preset], entry_norm=norm), 998).parameters()) for norm in (True, False)]
    assert counts[0] - counts[1] == 1536
    if preset == "kd-rscc":
        assert denoiser.time.linear.bias is None


def test_the_fusions_attention_drops_out_in_training_alone():
    torch.manual_seed(0)
    fusion = CrossModeFusion(8, 8, 8, 2, 8, 0.5, False, attention_dropout=0.5)
    text, condition = torch.randn(1, 3, 8), torch.randn(1, 20, 8)
    assert not torch.equal(fusion.train()(text, condition), fusion(text, condition))
    assert torch.equal(fusion.eval()(text, condition), fusion(text, condition))


@pytest.mark.parametrize("net", ["diffusion-rscc-compact", "kd-rscc-compact"], indirect=True)
def test_cached_keys_and_values_change_nothing(net):
    before, after = pairs()
    x, sigma = torch.randn(2, 6, 4), torch.tensor([0.4, 7.0])
    with torch.inference_mode():
        tokens, memory = net.encoder(before, after), net.memory(before, after)
        cached, fresh = net.denoise(x, sigma, memory), net.denoise(x, sigma, tokens)
        assert torch.allclose(cached, fresh, atol=1e-6)
        assert not torch.allclose(cached, net.denoise(x, sigma, net.encoder(after, before)), atol=1e-4)


@pytest.mark.parametrize("net", ["diffusion-rscc-compact", "kd-rscc-compact"], indirect=True)
def test_both_families_run_with_every_sampler_row_by_row(net):
    with torch.inference_mode():
        memory = net.memory(*pairs())
        for sample in SAMPLERS.values():
            found = []
            for rows in ([0, 1], [1]):
                noise = RowNoise(rows)
                x = 160 * noise(torch.zeros(len(rows), 6, 4))
                found.append(sample(net.denoise, x, karras_grid(4), tuple(part[rows] for part in memory), noise))
            assert torch.allclose(found[0][1], found[1][0], atol=1e-4)


def test_ancestral_sampling_of_the_discrete_network():
    net = DiffusionNet(small("diffusion-rscc-compact"), 20).eval()
    noise = RowNoise([0, 1])
    with torch.inference_mode():
        found = sample_ddpm(net.diffusion.respaced(5), net.denoise, noise(torch.zeros(2, 6, 4)), net.memory(*pairs()), noise)
        assert net.text.round(found).shape == (2, 6)


def test_rounding_stays_tied_to_the_embedding_after_load_and_in_a_copy(net):
    text = net.text
    state = {name: value.clone() for name, value in text.state_dict().items()}
    state["embedding"] = torch.randn_like(state["embedding"])
    text.load_state_dict(state)
    average = copy.deepcopy(net).text
    for space in (text, average):
        ids = torch.arange(20)[None]
        expected = space.embed(ids) @ space.table().T + space.bias
        assert torch.allclose(space.logits(space.embed(ids)), expected, atol=1e-6)
        assert [name for name, _ in space.named_parameters()] == ["embedding", "bias"]
    assert torch.equal(text.table(), average.table())
    with torch.no_grad():
        average.embedding.mul_(-1)
    assert torch.allclose(average.table(), -text.table())


def test_a_copy_denoises_with_its_own_weights(net):
    x, sigma = torch.randn(1, 6, 4), torch.tensor([3.0])
    condition = torch.randn(1, 5, net.encoder.channels)
    average = copy.deepcopy(net)
    with torch.inference_mode():
        assert torch.equal(average.denoise(x, sigma, condition), net.denoise(x, sigma, condition))
        average.denoiser.leave[2].bias.add_(1.0)
        assert not torch.allclose(average.denoise(x, sigma, condition), net.denoise(x, sigma, condition), atol=1e-2)


def test_normalised_embeddings_have_the_wanted_size_and_round_to_themselves():
    torch.manual_seed(0)
    free, scaled = TextSpace(30, 16), TextSpace(30, 16, rms=0.5)
    assert torch.allclose(scaled.table().square().mean(1).sqrt(), torch.full((30,), 0.5), atol=1e-6)
    assert free.table() is free.embedding
    ids = torch.arange(30)[None]
    assert torch.equal(scaled.round(scaled.embed(ids)), ids)


def test_a_configuration_that_cannot_be_is_refused():
    with pytest.raises(InputError, match="family 'flow'.*discrete, karras"):
        DiffusionConfig("flow")
    with pytest.raises(InputError, match="width 770 with 12 heads"):
        DiffusionConfig(width=770)
    with pytest.raises(InputError, match="length 600 with 512 positions"):
        DiffusionConfig(length=600)


@pytest.mark.parametrize("net", ["diffusion-rscc-compact", "kd-rscc-compact"], indirect=True)
def test_a_run_remembers_its_last_estimate_and_another_run_does_not(net):
    x, sigma, condition = torch.randn(1, 6, 4), torch.tensor([1.0]), torch.randn(1, 5, net.encoder.channels)
    with torch.inference_mode():
        run = net.chain()
        first, second = run(x, sigma, condition), run(x, sigma, condition)
        assert torch.equal(first, net.denoise(x, sigma, condition))
        assert not torch.allclose(first, second, atol=1e-5)
        net.denoiser.self_conditioning = False
        net.denoiser.enter[0] = torch.nn.Linear(4, 16)
        run = net.chain()
        assert torch.equal(run(x, sigma, condition), run(x, sigma, condition))


def test_the_flag_is_the_same_with_the_dates_exchanged_and_sees_a_change():
    torch.manual_seed(0)
    flag = ChangeFlag(8).eval()
    condition = torch.randn(3, 196, 8)
    with torch.inference_mode():
        assert torch.equal(flag(condition), flag(-condition))
        assert not torch.allclose(flag(condition), flag(torch.zeros_like(condition)), atol=1e-4)


def test_a_style_is_one_of_those_trained_and_the_first_by_default():
    denoiser = ConditionDenoiser(small("kd-rscc-compact"), 8).eval()
    denoiser.styles.data.normal_()
    given = torch.randn(2, 6, 4), torch.tensor([0.1, 0.2]), torch.randn(2, 196, 8)
    with torch.inference_mode():
        plain, mixed = denoiser(*given), denoiser(*given, style=torch.tensor([0, 1]))
    assert torch.allclose(plain[0], mixed[0], atol=1e-6)
    assert not torch.allclose(plain[1], mixed[1], atol=1e-3)


@pytest.mark.parametrize("preset", ["diffusion-rscc-compact", "kd-rscc-compact"])
def test_a_chain_is_told_the_length_that_the_condition_foretells(preset):
    net = DiffusionNet(replace(small(preset), length_prediction=True), 30).eval()
    net.denoiser.lengths.data.normal_()
    condition = torch.randn(2, 9, net.encoder.channels)
    x, sigma = torch.randn(2, 6, 4), torch.ones(2)
    with torch.inference_mode():
        net.length.leave.bias.copy_(20 * torch.nn.functional.one_hot(torch.tensor(5), net.config.length + 1))
        assert net.likely_lengths(condition).tolist() == [5, 5]
        told = net.chain(torch.tensor([5, 3]))(x, sigma, condition)
        likely = net.chain(net.likely_lengths(condition))(x, sigma, condition)
    assert torch.allclose(told[0], likely[0], atol=1e-5)
    assert not torch.allclose(told[1], likely[1], atol=1e-3)


def test_samples_of_a_pair_share_its_condition():
    denoiser = ConditionDenoiser(small("kd-rscc-compact"), 8).eval()
    x, time, condition = torch.randn(6, 6, 4), torch.rand(6), torch.randn(2, 9, 8)
    with torch.inference_mode():
        shared = denoiser(x, time, condition)
        assert torch.allclose(shared, denoiser(x, time, condition.repeat_interleave(3, 0)), atol=1e-5)
        assert not torch.allclose(shared, denoiser(x, time, condition.flip(0)), atol=1e-3)


def test_the_temperature_of_a_row_scales_its_noise_alone():
    x = torch.zeros(3, 6, 4)
    plain, scaled = RowNoise([1, 2, 3])(x), RowNoise([1, 2, 3], [0.0, 1.0, 0.5])(x)
    assert torch.equal(scaled[0], torch.zeros(6, 4))
    assert torch.equal(scaled[1], plain[1])
    assert torch.allclose(scaled[2], plain[2] / 2)
