"""The report on the diffusion captioners: cells, resuming, tables, timings and plot, with small random networks."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from engine import registry
from engine.evaluation.pairs import read_pairs
from engine.models.captioner import ModelCard
from engine.models.diffusion.captioner import DiffusionCaptioner, Sampling
from engine.models.diffusion.denoiser import PRESETS, DiffusionNet
from engine.words.text import SPECIAL, Vocabulary
from training.diffusion import report as diffusion_report
from training.diffusion import report_page as diffusion_report_page
from training.diffusion import report_time as diffusion_report_time
from training.diffusion.plot import Line, plot

WORDS = ["a", "house", "is", "built", "in", "the", "woods", "road", "appears", "and", "two", "villas", "trees", "are", "removed"]
SIZES = {
    "encoder": "efficientnet-lite0", "length": 8, "latent": 8, "width": 16, "heads": 2, "hidden": 16, "layers": 1, "inner": 16, "fusion_heads": 2,
    "fusion_hidden": 8, "positions": 8,
}  # fmt: skip
pytestmark = pytest.mark.skipif(shutil.which("java") is None, reason="METEOR needs Java")


@pytest.fixture
def models(tmp_path, monkeypatch):
    """Both models in a registry of their own."""
    resources = tmp_path / "resources"
    (resources / "weights").mkdir(parents=True)
    rows = []
    for model, sampling in (("kd-rscc", Sampling("dpmpp-2m", 2)), ("diffusion-rscc", Sampling("ddim", 2))):
        torch.manual_seed(0)
        vocabulary = Vocabulary([*SPECIAL, *WORDS])
        net = DiffusionNet(replace(PRESETS[f"{model}-compact"], **SIZES), len(vocabulary))
        card = ModelCard(model, "random", stochastic=True, threshold=0.0)
        captioner = DiffusionCaptioner(net, vocabulary, card, {"temperature": 1.0, "bias": 0.0}, sampling, torch.device("cpu"))
        path = resources / "weights" / f"{model}.safetensors"
        save_file({name: value.contiguous() for name, value in net.state_dict().items()}, path, metadata=captioner.save_metadata())
        row = {"id": model, "class": "diffusion.captioner:DiffusionCaptioner", "file": path.name, "samplers": list(captioner.samplers)}
        rows.append(row | {"sha256": registry.sha256_of(path), "bytes": path.stat().st_size})
    (resources / "models.json").write_text(json.dumps({"models": rows}))
    monkeypatch.setattr(registry, "RESOURCES", resources)
    # 2000 steps of the published sampling stand in as 3.
    short = {"discrete": Sampling("ddpm", 3, clamp=True), "karras": Sampling("dpmpp-2m", 3)}
    for module in (diffusion_report, diffusion_report_time):
        monkeypatch.setattr(module, "FAITHFUL", short)
    monkeypatch.setattr(diffusion_report_page, "PUBLISHED", diffusion_report_page.PUBLISHED | {"steps": 3})
    monkeypatch.setattr(diffusion_report_page, "FEW", 2)
    monkeypatch.setattr(diffusion_report, "STEPS", (2, 3))
    monkeypatch.setattr(diffusion_report, "SHORT", 2)
    monkeypatch.setattr(diffusion_report, "LONG", 2)
    monkeypatch.setattr(diffusion_report, "SAMPLES", (2,))
    monkeypatch.setattr(diffusion_report_time, "STEPS", (2, 10))
    monkeypatch.setattr(diffusion_report_time, "REPEATS", 2)
    monkeypatch.setattr(DiffusionCaptioner, "cpu_batch", 3)


def run(monkeypatch, data, folder, *arguments):
    argv = ["report", "--data", str(data / "levir_cc"), "--folder", str(folder / "cells"), "--out", str(folder / "diffusion"), *arguments]
    monkeypatch.setattr("sys.argv", argv)
    diffusion_report.main()
    return json.loads((folder / "diffusion.json").read_text("utf-8"))


def test_the_report_fills_every_cell_once_and_tells_all(models, small_data, tmp_path, monkeypatch):
    partial = run(monkeypatch, small_data, tmp_path, "--models", "kd-rscc", "--long-pairs", "3")
    assert {cell["model"] for cell in partial["cells"]} == {"kd-rscc"}
    found = run(monkeypatch, small_data, tmp_path, "--long-pairs", "3")
    names = [(cell["model"], cell["name"], cell["sampling"]["steps"], cell["sampling"]["samples"]) for cell in found["cells"]]
    assert len(names) == len(set(names)) == (6 * 2 + 1) + (3 * 2 + 1)
    assert set(found["timings"]) == {"kd-rscc", "diffusion-rscc"}
    assert found["timings"]["kd-rscc"]["batch"] == 3
    # Long cells are of fewer pairs, but the published sampling.
    published = {("diffusion-rscc", "ddpm, clamped", 3), ("kd-rscc", "dpmpp-2m", 3)}
    for name, cell in zip(names, found["cells"], strict=True):
        assert cell["pairs"] == (3 if name[2] == 3 and name[:3] not in published else 4)
    text = (tmp_path / "diffusion.md").read_text("utf-8")
    for part in (
        "kd-rscc, 2 evaluations, minus diffusion-rscc's published",
        "(first 3 pairs)",
        "tiles/s by the clock on",
        "times; ",
        "| kd-rscc | heun | 2 | 1 | 3 |",
        "Cells of the *first 3 pairs* are not to be compared with the others, which are of all 4.",
        "times with `--steps 10`",
        "No GPU: ",
    ):
        assert part in text
    assert Image.open(tmp_path / "diffusion.png").size[0] > 900
    for name in ("run_cell", "measure"):
        monkeypatch.setattr(diffusion_report, name, pytest.fail)
    monkeypatch.setattr(diffusion_report, "write_report", lambda *arguments: None)
    assert run(monkeypatch, small_data, tmp_path, "--long-pairs", "3") == found  # nothing is computed again


def test_a_cells_captions_are_those_of_the_captioner(models, small_data):
    captioner = registry.load("kd-rscc")
    pairs = read_pairs(small_data / "levir_cc", "val")
    cell = diffusion_report.Cell("kd-rscc", captioner.default)
    found = diffusion_report.run_cell(captioner, cell, *diffusion_report.encoded(captioner, pairs))
    images = [np.concatenate([diffusion_report.read_image(getattr(p, date), 256) for p in pairs]) for date in ("before", "after")]
    seeds = [diffusion_report.tile_seed(0, i, 0) for i in range(len(pairs))]
    captions = captioner.caption(*images, seeds=seeds)
    assert [row["text"] for row in found["captions"]] == [caption.text for caption in captions]
    assert (found["pairs"], found["decoded"], found["drawn"]) == (4, 4, 4)


def test_the_difference_is_told_as_the_temperatures():
    class Cell:
        def __init__(self, value, model, sampler, steps, clamp=False, temperature=1.0):
            self.values, self.intervals = {"S*m": value}, {"S*m": [value - 1, value + 1]}
            self.members = {"model": model, "sampler": sampler, "steps": steps, "samples": 1, "clamp": clamp, "temperature": temperature}

        def is_(self, **members):
            return all(self.members[name] == value for name, value in members.items())

    cells = [Cell(71.07, "kd-rscc", "dpmpp-2m", 20, temperature=0.0), Cell(60.62, "kd-rscc", "dpmpp-2m", 20)]
    timings = {"kd-rscc": {"default": {"sampler": "dpmpp-2m", "steps": 20, "temperature": 0.0}}}
    (told,) = diffusion_report_page.notes([*cells, Cell(60.61, "diffusion-rscc", "ddpm", 2000, clamp=True)], timings)
    assert told.endswith("of the +10.46 above, +10.45 are the temperature's.")
    assert diffusion_report_page.notes(cells, timings) == []


def test_evaluations_of_the_network():
    assert [diffusion_report.Cell("kd-rscc", Sampling(name, 10, 2)).evaluations for name in ("euler", "heun")] == [20, 38]


def test_the_plot_draws_each_line_in_its_panel():
    lines = [Line("one", "euler", ((1, 50.0), (10, 60.0))), Line("two", "ddim", ((1, 40.0),))]
    image = np.asarray(plot(lines, 45.0, "S*m", "evaluations"))
    blue = (image == (0, 114, 178)).all(-1)
    half = image.shape[1] // 2
    assert blue[:, :half].sum() > 300 > blue[:, half:].sum() > 0
    assert np.asarray(plot(lines[:1], 45.0, "S*m", "evaluations")).shape[1] == half
