"""DFM's decoder over a prefix, and its image encoders with small random configurations."""

import json

import pytest
import torch

from engine.contract.errors import InputError, ModelError
from engine.models.beam import decode
from engine.models.prefix import PrefixDecoder, sinusoids
from engine.models.vit import Features, build_encoder, load_vit

START, END, PAD = 1, 2, 0
CLIP = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2, "image_size": 64, "patch_size": 32}
DINO = {"hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2, "image_size": 70, "patch_size": 14}


@pytest.fixture(params=[1, 2])
def decoder(request):
    torch.manual_seed(3)
    return PrefixDecoder(vocabulary=9, width=16, heads=2, hidden=16, layers=request.param, max_length=6, dropout=0.0).eval()


def test_cached_decoding_equals_the_full_pass(decoder):
    prefix = decoder.project_memory(torch.randn(2, 5, 16))
    ids = torch.randint(4, 9, (2, 5))
    full, _ = decoder(ids, prefix)
    past = None
    for i in range(5):
        step, past = decoder(ids[:, i : i + 1], prefix, past)
        assert torch.allclose(step[:, 0], full[:, i], atol=1e-5)


def test_later_words_do_not_reach_earlier_ones_and_the_prefix_reaches_all(decoder):
    memory, ids = torch.randn(1, 5, 16), torch.tensor([[1, 4, 5, 6]])
    other = torch.tensor([[1, 4, 8, 7]])
    found, changed = (decoder(row, decoder.project_memory(memory))[0] for row in (ids, other))
    assert torch.allclose(found[:, :2], changed[:, :2], atol=1e-6)
    assert not torch.allclose(found[:, 2], changed[:, 2], atol=1e-3)
    elsewhere = decoder(ids, decoder.project_memory(memory.flip(0).roll(1, 1) + torch.randn_like(memory)))[0]
    assert ((elsewhere - found).abs().amax(2) > 1e-4).all()


def test_every_token_of_the_prefix_is_seen(decoder):
    memory = torch.randn(1, 5, 16, requires_grad=True)
    decoder(torch.tensor([[1, 4]]), decoder.project_memory(memory))[0].pow(2).sum().backward()
    assert (memory.grad.abs().sum(2) > 0).all()


def test_beam_search_takes_the_prefix_decoder(decoder):
    memory = torch.randn(3, 5, 16)
    with torch.inference_mode():
        together = decode(decoder, memory, START, END, beams=3, banned=(PAD, START, 3))
        alone = [decode(decoder, memory[i : i + 1], START, END, beams=3, banned=(PAD, START, 3))[0] for i in range(3)]
    assert [t[0] for t in together] == [a[0] for a in alone]


def test_sinusoids_are_those_of_the_paper():
    table = sinusoids(7, 8)
    assert table[0].tolist() == [0.0] * 4 + [1.0] * 4
    assert table[3, 1].item() == pytest.approx(torch.sin(torch.tensor(3 / 10000 ** (2 / 8))).item(), abs=1e-6)


@pytest.mark.parametrize(("kind", "sizes", "side"), [("clip", CLIP, 2), ("dinov2", DINO, 5), ("efficientnet", {"variant": "lite0"}, 8)])
def test_encoders_give_a_summary_and_a_grid(kind, sizes, side):
    torch.manual_seed(0)
    encoder = build_encoder(kind, sizes).eval()
    images = torch.randint(0, 255, (2, 3, 256, 256), dtype=torch.uint8)
    with torch.inference_mode():
        features = encoder(images)
        assert isinstance(features, Features)
        assert encoder.side == side
        assert features.cls.shape == (2, encoder.width)
        assert features.grid.shape == (2, side * side, encoder.width)
        assert torch.allclose(encoder(images[:1]).grid[0], features.grid[0], atol=1e-4)


@pytest.mark.parametrize(("kind", "sizes"), [("clip", CLIP), ("dinov2", DINO)])
def test_the_last_blocks_of_a_transformer_are_trained_and_the_others_stay_bit_identical(kind, sizes):
    encoder = build_encoder(kind, sizes)
    encoder.freeze(trained_blocks=1)
    start = {name: value.clone() for name, value in encoder.named_parameters()}
    optimizer = torch.optim.Adam([p for p in encoder.parameters() if p.requires_grad], lr=1e-2)
    features = encoder(torch.rand(2, 3, 256, 256) * 255)
    (features.cls.pow(3).sum() + features.grid.pow(3).sum()).backward()
    optimizer.step()
    changed = {name for name, value in encoder.named_parameters() if not torch.equal(value, start[name])}
    assert changed
    assert all(".3." in name or "norm" in name for name in changed)
    assert not any("embeddings" in name or ".2." in name for name in changed)


def test_the_grid_runs_row_by_row():
    """A bright upper right quarter is seen by the second of the 2×2 tokens."""
    torch.manual_seed(0)
    encoder = build_encoder("clip", CLIP | {"num_hidden_layers": 1}).eval()
    dark, bright = torch.zeros(1, 3, 64, 64), torch.zeros(1, 3, 64, 64)
    bright[..., :32, 32:] = 255
    with torch.inference_mode():
        moved = (encoder(bright).grid - encoder(dark).grid).norm(dim=2)[0]
    assert moved.argmax().item() == 1


@pytest.mark.parametrize(("kind", "sizes"), [("clip", CLIP), ("clip", CLIP | {"hidden_act": "gelu"}), ("dinov2", DINO | {"layerscale_value": 0.5})])
def test_a_vision_transformer_is_loaded_from_a_users_folder(kind, sizes, tmp_path):
    torch.manual_seed(0)
    saved = build_encoder(kind, sizes)
    saved.model.save_pretrained(tmp_path)
    found_sizes, state = load_vit(kind, tmp_path)
    assert json.loads(json.dumps(found_sizes)) == found_sizes  # it goes into the weights' metadata
    loaded = build_encoder(kind, found_sizes)
    loaded.model.load_state_dict(state)
    images = torch.rand(1, 3, 256, 256) * 255
    with torch.inference_mode():
        assert torch.equal(loaded.eval()(images).grid, saved.eval()(images).grid)


def test_vision_half_of_a_whole_clip_is_loaded(tmp_path):
    from transformers import CLIPConfig, CLIPModel

    text = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 30}
    whole = CLIPModel(CLIPConfig(text_config=text, vision_config=CLIP, projection_dim=8))
    whole.save_pretrained(tmp_path)
    sizes, state = load_vit("clip", tmp_path)
    assert sizes["num_hidden_layers"] == 4
    assert torch.equal(state["vision_model.embeddings.class_embedding"], whole.vision_model.embeddings.class_embedding)


def test_a_folder_without_the_model_says_what_belongs_there(tmp_path):
    with pytest.raises(ModelError, match=r"no config\.json in .*Needed: config\.json and model\.safetensors of a CLIPVisionModel"):
        load_vit("clip", tmp_path)


def test_weights_of_another_architecture_are_refused(tmp_path):
    build_encoder("dinov2", DINO).model.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="lacks .* weights|cannot be loaded"):
        load_vit("clip", tmp_path)


def test_an_unknown_encoder_is_refused():
    with pytest.raises(InputError, match="unknown encoder 'vgg'"):
        build_encoder("vgg", {})
