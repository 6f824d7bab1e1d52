"""A device is what has computed, and the user hears why it is another."""

import pytest
import torch

from engine.models import device


def test_the_cpu_computes_and_needs_no_note():
    assert device.choose("cpu") == ("cpu", "")
    assert device.why_not("cpu") == ""


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
def test_a_missing_gpu_gives_the_cpu_and_the_reason():
    chosen = device.choose("cuda")
    assert chosen.name == "cpu" and "cuda cannot be used" in chosen.note


def test_auto_without_a_gpu_is_the_cpu_without_a_word(monkeypatch):
    monkeypatch.setattr(device, "is_available", lambda name: name == "cpu")
    assert device.choose("auto") == ("cpu", "")


def test_a_gpu_that_fails_gives_the_cpu_and_its_error(monkeypatch):
    def ones(*shape, device):
        raise RuntimeError("CUDA error: no kernel image is available\nmore lines")

    monkeypatch.setattr(device, "is_available", lambda name: name == "cuda")
    monkeypatch.setattr(torch, "ones", ones)
    chosen = device.choose("auto")
    assert chosen.name == "cpu"
    assert "no kernel image" in chosen.note and "more lines" not in chosen.note


def test_a_gpu_that_miscomputes_is_not_used(monkeypatch):
    monkeypatch.setattr(torch.nn.functional, "conv2d", lambda *args: torch.zeros(1))
    assert "computed 0.0 in place of" in device.why_not("cpu")


@pytest.mark.parametrize(("cores", "threads"), [(1, None), (2, None), (4, 3)])
def test_a_core_is_left_to_qgis_where_there_are_more_than_two(monkeypatch, cores, threads):
    calls = []
    monkeypatch.setattr(device, "cores", lambda: cores)
    monkeypatch.setattr(torch, "get_num_threads", lambda: cores)
    monkeypatch.setattr(torch, "set_num_threads", calls.append)
    device.leave_a_core()
    assert calls == ([] if threads is None else [threads])


def test_bf16_follows_the_processors_flags(monkeypatch):
    for flags, expected in (({}, False), ({"avx512_bf16": True}, True), ({"amx_bf16": True}, True), ({"avx2": True}, False)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda flags=flags: flags, raising=False)
        assert device.cpu_has_bf16() is expected
