"""Packing weights into bytes."""

import torch

from engine.registry.weights import pack, unpack


def test_large_tensors_come_back_within_half_a_step_of_their_row():
    torch.manual_seed(0)
    state = {"conv.weight": torch.randn(16, 8, 7, 7) * torch.logspace(-3, 2, 16).reshape(16, 1, 1, 1), "conv.bias": torch.randn(16)}
    packed = pack(state)
    assert packed["conv.weight"].dtype == torch.int8
    back = unpack(packed)
    assert back.keys() == state.keys()
    step = state["conv.weight"].flatten(1).abs().amax(1) / 127
    worst = (back["conv.weight"] - state["conv.weight"]).flatten(1).abs().amax(1)
    assert (worst <= 0.501 * step).all()
    assert torch.allclose(back["conv.bias"], state["conv.bias"], rtol=1e-3)


def test_packing_twice_changes_nothing_more():
    torch.manual_seed(1)
    once = unpack(pack({"w": torch.randn(64, 128)}))
    assert torch.allclose(unpack(pack(once))["w"], once["w"], rtol=1e-6)


def test_a_row_of_zeros_stays_zero():
    weight = torch.ones(64, 64)
    weight[3] = 0
    assert unpack(pack({"w": weight}))["w"][3].abs().max() == 0


def test_a_quarter_of_the_room():
    state = {"w": torch.randn(1000, 1000)}
    assert sum(t.numel() * t.element_size() for t in pack(state).values()) < 0.26 * 4 * 1_000_000
