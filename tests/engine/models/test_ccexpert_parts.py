"""ccexpert's network: the difference module's properties (arXiv 2411.11360), its sizes, image places, loss and decoding."""

import json
import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from engine.contract.errors import InputError
from engine.models.ccexpert.config import IMAGE_UPDATES, PRESETS, CCExpertConfig, LoraSizes
from engine.models.ccexpert.difference import AdaptiveAdjustment, ChangeAwareLayer, DifferenceModule, Tokens, sine_positions
from engine.models.ccexpert.net import IGNORE_ID, IMAGE_ID, CCExpertNet, pad_left

TINY = PRESETS["ccexpert-tiny"]
IMAGES = [IMAGE_ID] * 16


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    net = CCExpertNet(TINY).eval()
    for parameter in net.llm.parameters():  # a fresh language model says the last word again, whatever it is shown
        parameter.data.mul_(8.0)
    return net


@pytest.fixture(scope="module")
def levels(net):
    with torch.no_grad():
        return tuple(net.levels(net.pixels(torch.rand(3, 3, 64, 64) * 255)) for _ in range(2))


def prompts_of(*tails):
    return [[5, 6, *IMAGES, 7, *IMAGES, *tail] for tail in tails]


def tokens(*shape):
    return Tokens(*(torch.randn(*shape) for _ in range(3)))


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_gates_sum_to_one_and_differ():
    weights = AdaptiveAdjustment(32).weights(tokens(3, 4, 9, 32))
    assert weights.shape == (3, 4)
    assert torch.allclose(weights.sum(1), torch.ones(3))
    assert (weights > 0).all() and weights.std() > 0


def test_identical_levels_give_that_level_back_plus_the_residual():
    module, a, b = DifferenceModule(32, 2, 64), *torch.randn(2, 3, 16, 32)
    found_a, found_b = module(*(x[:, None].expand(-1, 4, -1, -1) for x in (a, b)))
    level = module.expert(a, b)
    assert torch.allclose(found_a, level.a + a, atol=1e-5)
    assert torch.allclose(found_b, level.b + b, atol=1e-5)


def test_the_residual_is_the_last_level_and_no_other():
    module, (a, b) = DifferenceModule(32, 2, 64), torch.randn(2, 2, 4, 16, 32)
    whole = module(a, b)[0] - a[:, -1]
    levels = Tokens(*(x.unflatten(0, (2, 4)) for x in module.expert(a.flatten(0, 1), b.flatten(0, 1))))
    assert torch.allclose(whole, module.adjustment(levels)[0], atol=1e-5)


@pytest.mark.parametrize("image_update", IMAGE_UPDATES)
def test_output_has_the_shape_of_a_level(image_update):
    a, b = DifferenceModule(32, 2, 64, image_update=image_update)(*torch.randn(2, 3, 4, 25, 32))
    assert a.shape == b.shape == (3, 25, 32)


@pytest.mark.parametrize("image_update", IMAGE_UPDATES)
def test_images_swapped_with_their_flags_swap_what_comes_out_when_the_change_is_held(image_update):
    layer, positions = ChangeAwareLayer(32, 2, 64, image_update), sine_positions(4, 32)
    given = tokens(2, 16, 32)
    found = layer(given, positions)
    unflagged = layer(Tokens(given.b, given.a, given.change), positions)
    layer.flags[0], layer.flags[1] = layer.flags[1], layer.flags[0]
    swapped = layer(Tokens(given.b, given.a, given.change), positions)
    assert torch.allclose(swapped.a, found.b, atol=1e-5) and torch.allclose(swapped.b, found.a, atol=1e-5)
    assert torch.allclose(swapped.change, found.change, atol=1e-5)
    assert not torch.allclose(unflagged.a, found.b, atol=1e-2)


def test_an_image_that_sees_nothing_is_normed_by_the_paper_and_carries_its_place_in_the_released_code():
    given, positions = tokens(1, 16, 32), sine_positions(4, 32)
    for image_update, expected in (
        ("paper", lambda layer: F.layer_norm(given.a, (32,))),
        ("released", lambda layer: given.a + positions + layer.flags[0]),
    ):
        layer = ChangeAwareLayer(32, 2, 64, image_update)
        torch.nn.init.zeros_(layer.image_attention.out_proj.weight)
        torch.nn.init.zeros_(layer.image_attention.out_proj.bias)
        assert torch.allclose(layer(given, positions).a, expected(layer), atol=1e-5)


def test_positions_are_those_of_the_tokens_centres_rows_before_columns():
    grid = sine_positions(4, 32).unflatten(0, (4, 4))
    assert torch.equal(grid[:, 0, :16], grid[:, 3, :16]) and torch.equal(grid[0, :, 16:], grid[3, :, 16:])
    assert torch.equal(grid[..., :16], grid.transpose(0, 1)[..., 16:])
    for row in range(4):
        angle = (row + 0.5) / 4 * 2 * math.pi
        expected = [math.sin(angle), math.cos(angle), math.sin(angle / 10000 ** (2 / 16)), math.cos(angle / 10000 ** (2 / 16))]
        assert grid[row, 0, :4].tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("preset", "whole"), [("ccexpert-0.5b", 0.957e9), ("ccexpert-7b", 8.094e9)])
def test_published_sizes(preset, whole):
    with torch.device("meta"):
        net = CCExpertNet(PRESETS[preset])
    assert count(net.difference) == pytest.approx(63.77e6, abs=0.005e6)
    assert count(net) == pytest.approx(whole, rel=1e-3)
    assert net.config.tokens_per_image == 729
    assert len(net.vision.vision_model.encoder.layers) == 26


def test_a_dinov2_tower_gives_its_grid_without_the_class_token():
    sizes = {"model_type": "dinov2", "hidden_size": 32, "num_hidden_layers": 5, "num_attention_heads": 2, "image_size": 98, "patch_size": 14}
    net = CCExpertNet(replace(TINY, vision=sizes, levels=(1, 3), level_pool=2, pool=1)).eval()
    found = net.levels(net.pixels(torch.rand(2, 3, 64, 64) * 255))
    assert found.shape == (2, 2, 4, 32)
    assert len(net.vision.encoder.layer) == 3
    assert net.visual(found, found).shape == (2, 2, 1, 32)


def test_images_stand_in_their_places_in_order(net, levels):
    visual = net.visual(*levels)
    ids, _ = pad_left(prompts_of([8], [8], [8]))
    embedded = net.embed(ids, visual)
    assert torch.equal(embedded[:, 2:18], visual[:, 0]) and torch.equal(embedded[:, 19:35], visual[:, 1])
    assert torch.equal(embedded[:, [0, 18, 35]], net.llm.get_input_embeddings()(torch.tensor([[5, 7, 8]] * 3)))


@pytest.mark.parametrize("images", [0, 1, 3])
def test_other_than_two_images_are_refused(net, levels, images):
    ids, _ = pad_left([[5, *IMAGES * images]] * 3)
    with pytest.raises(InputError, match=f"prompts with \\[{16 * images}\\] places.*two images of 16 tokens in each prompt"):
        net.embed(ids, net.visual(*levels))


def test_the_loss_is_that_of_the_whole_vocabulary_head(net, levels):
    ids, mask = pad_left(prompts_of([8, 9, 10], [8, 11], [12, 8, 9]))
    labels = torch.where((torch.arange(ids.shape[1]) >= ids.shape[1] - 2)[None], ids, IGNORE_ID)
    answer = net(ids, mask, labels, *levels)
    whole = net.llm(inputs_embeds=net.embed(ids, net.visual(*levels)), attention_mask=mask, labels=labels)
    assert answer.loss.item() == pytest.approx(whole.loss.item(), rel=1e-4)
    assert answer.logits.shape == (6, 512)
    assert (answer.rows.tolist(), answer.targets.tolist()) == ([0, 0, 1, 1, 2, 2], [9, 10, 8, 11, 8, 9])


def test_a_batch_of_unequal_prompts_is_answered_as_each_alone(net, levels):
    prompts = prompts_of([8], [9, 8, 10], [9, 8])
    ids, mask = pad_left(prompts)
    together = net.generate(ids, mask, *levels, [1], 8)
    for row, prompt in enumerate(prompts):
        alone = net.generate(*pad_left([prompt]), *(x[row : row + 1] for x in levels), [1], 8)
        assert alone.ids[0] == together.ids[row]
        assert alone.log_probs.item() == pytest.approx(together.log_probs[row].item(), abs=1e-3)
    assert len({tuple(found) for found in together.ids}) == 3


def test_greedy_is_what_transformers_generates(net, levels):
    ids, mask = pad_left(prompts_of([8], [9, 8, 10], [9, 8]))
    embedded = net.embed(ids, net.visual(*levels))
    theirs = net.llm.generate(inputs_embeds=embedded, attention_mask=mask, max_new_tokens=8, do_sample=False, pad_token_id=0, eos_token_id=[1])
    assert net.generate(ids, mask, *levels, [1], 8).ids == theirs.tolist()


def test_probability_of_an_answer_is_that_of_the_loss_and_leaves_the_prefix_as_it_was(net, levels):
    (prompt,), visual = prompts_of([8]), net.visual(*levels)[:1]
    prefix = net.prefill(*pad_left([prompt]), visual)
    found = [net.log_prob(prefix, answer).item() for answer in ([9, 10, 11], [12], [9, 10, 11])]
    ids, mask = pad_left([[*prompt, 9, 10, 11]])
    labels = torch.where(torch.arange(ids.shape[1])[None] >= len(prompt), ids, IGNORE_ID)
    assert found[0] == pytest.approx(-3 * net(ids, mask, labels, *(x[:1] for x in levels)).loss.item(), rel=1e-4)
    assert found[1] == pytest.approx(prefix.logits.log_softmax(-1)[0, 12].item(), rel=1e-4)
    assert found[2] == found[0]


@torch.no_grad()
def test_prompts_behind_a_head_that_was_read_once_are_as_read_whole(net, levels):
    prompts, visual = prompts_of([1, 2], [3, 4]), net.visual(*levels)[:2]
    head = net.head([5, 6])
    for _ in range(2):  # and the head is as before afterwards
        behind = net.prefill(*pad_left(prompts), visual, head)
        whole = net.prefill(*pad_left(prompts), visual)
        assert torch.allclose(behind.logits, whole.logits, atol=1e-4) and len(head.mask) == 1
    assert net.greedy(behind, [0], 6).ids == net.greedy(whole, [0], 6).ids


def test_another_question_reads_on_behind_the_images(net, levels):
    first, second, visual = *prompts_of([8, 9], [10, 11, 12]), net.visual(*levels)[:1]
    prefix = net.prefill(*pad_left([first]), visual)
    going_on = net.extend(prefix.fork(35), second[35:])
    assert torch.allclose(going_on.logits, net.prefill(*pad_left([second]), visual).logits, atol=1e-3)
    assert torch.allclose(net.extend(prefix, [9]).logits, net.prefill(*pad_left([[*first, 9]]), visual).logits, atol=1e-3)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"prompt": "mine"}, "prompt 'mine'.*paper, code"),
        ({"image_update": "both"}, "image_update 'both'.*paper, released"),
        ({"vision": {"model_type": "clip"}}, "vision tower 'clip'.*siglip_vision_model, dinov2"),
        ({"heads": 3}, "a tower 32 wide with 3 heads"),
        ({"levels": (3, 2)}, r"levels \(3, 2\).*ascending"),
        ({"levels": ()}, r"levels \(\)"),
        ({"pool": 5}, "pool 5 of a grid of 4"),
    ],
)
def test_a_wrong_configuration_says_what_is_needed(members, message):
    with pytest.raises(InputError, match=message):
        replace(TINY, **members)


def test_a_configuration_survives_json():
    config = replace(TINY, lora=LoraSizes(4, 8.0, ("q_proj",)), pool=2)
    assert CCExpertConfig.from_json(json.loads(json.dumps(config.to_json()))) == config
