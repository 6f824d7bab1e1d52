"""A tile's caption, flag and scores do not depend on the batch that it comes in, on any processor."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from other_kernels import OtherKernels, assert_same, batched, drawn_tiles

from engine import registry
from engine.models.blocks import in_blocks
from engine.models.captioner import CaptionOptions
from engine.models.ccexpert.captioner import CCExpertCaptioner

from tiny_ccexpert import CALIBRATION, CARD, TREES, taught

BUNDLED = ("scribe-s", "scribe-s-quick", "kd-rscc", "diffusion-rscc")


@pytest.fixture(scope="module")
def tiles():
    return [date[:3] for date in drawn_tiles()]


@pytest.fixture(scope="module")
def expert():
    return CCExpertCaptioner(*taught(steps=40), CARD, CALIBRATION, torch.device("cpu"))


def assert_whatever_the_batch(captioner, tiles, options=CaptionOptions(threshold=0.0, steps=4)):
    threads = torch.get_num_threads()
    with OtherKernels() as kernels:
        whole = batched(captioner, tiles, 3, options)
        assert_same(batched(captioner, tiles, 2, options), whole)
        turned = batched(captioner, [date[::-1].copy() for date in tiles], 3, options) if not captioner.needs_seed else whole[::-1]
        assert_same(turned[::-1], whole)
        if captioner.one_thread:
            torch.set_num_threads(2 if threads == 1 else 1)
            try:
                assert_same(batched(captioner, tiles, 1, options), whole)
            finally:
                torch.set_num_threads(threads)
    assert kernels.count > 100


@pytest.mark.parametrize("model", BUNDLED)
def test_another_routine_for_every_shape_changes_nothing(model, tiles):
    assert_whatever_the_batch(registry.load(model), tiles)


def test_nor_are_a_language_models_captions_and_answers_other_ones(expert, tiles):
    assert_whatever_the_batch(expert, tiles, CaptionOptions(threshold=0.0, question=TREES))


def test_the_perturbation_tells_shapes_apart():
    x, weight = torch.randn(4, 64), torch.randn(32, 64)
    with OtherKernels():
        whole, part = x @ weight.T, x[:3] @ weight.T
        (blocks,) = in_blocks(lambda rows: (rows @ weight.T,), 2, x)
        (other,) = in_blocks(lambda rows: (rows @ weight.T,), 2, x[:3])
    assert (whole[:3] - part).abs().max() > 1e-3
    assert torch.equal(blocks[:3], other)


@pytest.mark.parametrize("isa", ["DEFAULT", "AVX512_CORE_BF16", "AVX512_CORE", "AVX2"])
def test_whatever_the_instructions(isa):
    """Real routines, of oneDNN and of PyTorch, without any perturbation."""
    needs = {"AVX512_CORE_BF16": "avx512_bf16", "AVX512_CORE": "avx512_f", "AVX2": "avx2"}.get(isa)
    has = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    if needs and not has.get(needs):
        pytest.skip(f"this processor has no {needs}")
    names = {} if isa == "DEFAULT" else {"ONEDNN_MAX_CPU_ISA": isa} | ({"ATEN_CPU_CAPABILITY": "avx2"} if isa == "AVX2" else {})
    here = Path(__file__)
    paths = os.pathsep.join([str(here.parents[3]), str(here.parent)])
    command = [sys.executable, str(here.with_name("other_kernels.py")), "diffusion-rscc"]
    found = subprocess.run(command, env=os.environ | names | {"PYTHONPATH": paths}, capture_output=True, text=True, timeout=600)
    assert found.returncode == 0, found.stderr
    for whole, *parts in json.loads(found.stdout):
        assert all(part == whole for part in parts)
