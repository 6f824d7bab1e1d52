"""Steps, sampler and samples from the command line, the worker and tables to the model, and where they are refused."""

import json
from dataclasses import dataclass

import pytest
from runs import TILE_PX

from engine import registry
from engine.cli import main
from engine.contract.errors import InputError
from engine.contract.request import CaptionRequest
from engine.models.captioner import CaptionOptions, ModelCard
from engine.output.writer import read_provenance
from engine.run import batch, pipeline

import fakes

TILE = ("--tile", str(TILE_PX), "--model", fakes.ID)
GIVEN = ("--steps", "7", "--sampler", "heun", "--samples", "3")


@dataclass(frozen=True)
class Sampling:
    steps: int


class Sampled(fakes.FakeCaptioner):
    """The fake with samplers, which keeps the options that it gets."""

    samplers = ("euler", "heun")

    def sampling(self, options):
        return Sampling(options.steps or 10)

    def generate(self, state, index, options, seeds):
        self.options = options
        return super().generate(state, index, options, seeds)


@pytest.fixture
def sampled(monkeypatch, fake_weights):
    """The fake of the registry draws samples."""
    found = Sampled(ModelCard(fakes.ID, "a fake", input_px=64, threshold=0.1))
    monkeypatch.setattr(registry, "load", lambda model, device="cpu": found)
    return found


@pytest.fixture
def sampled_row(fake_weights):
    path = registry.RESOURCES / "models.json"
    rows = json.loads(path.read_text())
    rows["models"][0]["samplers"] = ["euler", "heun"]
    path.write_text(json.dumps(rows))


def test_the_command_lines_options_reach_the_model_and_the_provenance(make_pair, sampled, tmp_path):
    output = tmp_path / "out.gpkg"
    assert main(["caption", *make_pair(), "-o", str(output), *TILE, *GIVEN]) == 0
    assert (sampled.options.steps, sampled.options.sampler, sampled.options.samples) == (7, "heun", 3)
    provenance = read_provenance(output)
    assert provenance["sampling"] == {"steps": 7}
    assert provenance["request"]["sampler"] == "heun"


def test_without_options_the_models_own_stands_in_the_provenance(make_pair, sampled, tmp_path):
    output = tmp_path / "out.gpkg"
    assert main(["caption", *make_pair(), "-o", str(output), *TILE]) == 0
    assert read_provenance(output)["sampling"] == {"steps": 10}


def test_other_steps_are_another_run(make_pair, sampled, tmp_path, capsys):
    pair, output = make_pair(), str(tmp_path / "out.gpkg")
    assert main(["caption", *pair, "-o", output, *TILE]) == 0
    assert main(["caption", *pair, "-o", output, *TILE, "--resume", "--steps", "7"]) == 2
    assert "sampling.steps: 10 then, 7 now" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("extra", [(), ("--dry-run",)])
def test_a_model_that_draws_no_samples_refuses_them_before_a_raster_is_opened(fake_weights, tmp_path, capsys, extra):
    missing = [str(tmp_path / name) for name in ("a.tif", "b.tif")]
    assert main(["caption", *missing, "-o", str(tmp_path / "out.gpkg"), *TILE, "--steps", "5", "--samples", "2", *extra]) == 2
    shown = " ".join(capsys.readouterr().err.split())
    assert "steps and samples for fake, which draws no samples" in shown
    assert "leave out steps and samples, or choose another model" in shown


@pytest.mark.parametrize("extra", [(), ("--dry-run",)])
def test_a_sampler_of_another_model_is_refused_with_the_models_own(sampled, sampled_row, tmp_path, capsys, extra):
    missing = [str(tmp_path / name) for name in ("a.tif", "b.tif")]
    assert main(["caption", *missing, "-o", str(tmp_path / "out.gpkg"), *TILE, "--sampler", "ddpm", *extra]) == 2
    shown = " ".join(capsys.readouterr().err.split())
    assert "sampler 'ddpm' for fake" in shown and "one of euler, heun" in shown


def test_help_lists_the_samplers_of_each_model(sampled_row, capsys):
    with pytest.raises(SystemExit):
        main(["caption", "--help"])
    assert "fake: euler, heun" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"steps": 0}, "steps = 0.*1 or more steps"),
        ({"steps": 2.5}, "steps = 2.5.*1 or more steps"),
        ({"samples": 65}, "samples = 65.*1 to 64 samples"),
        ({"sampler": ""}, "sampler = ''.*name of a sampler"),
    ],
)
def test_values_that_cannot_be_are_refused_with_the_request(members, message):
    with pytest.raises(InputError, match=message):
        CaptionRequest.from_json({"before": "a.tif", "after": "b.tif", **members})


def test_options_of_a_request():
    request = CaptionRequest("a.tif", "b.tif", threshold=0.3, decoding="greedy", steps=7, sampler="heun", samples=3)
    assert CaptionOptions.of(request, heatmap=True) == CaptionOptions(0.3, "greedy", heatmap=True, steps=7, sampler="heun", samples=3)


def test_a_table_may_give_them_row_by_row(tmp_path):
    table = tmp_path / "jobs.csv"
    table.write_text("before,after,output,steps,sampler,samples\na.tif,b.tif,one,7,heun,3\na.tif,b.tif,two,,,\n")
    jobs = batch.read_jobs(table, tmp_path, {"steps": 9})
    assert [(job.request.steps, job.request.sampler, job.request.samples) for job in jobs] == [(7, "heun", 3), (9, None, None)]


def test_a_click_refuses_them_too(make_pair, fake_weights):
    before, after = make_pair()
    request = CaptionRequest(before, after, model=fakes.ID, tile_px=TILE_PX, steps=5)
    captioner = fakes.FakeCaptioner(ModelCard(fakes.ID, "a fake", input_px=64, threshold=0.1))
    with pipeline.opened(request, captioner.card) as (pair, grid), pytest.raises(InputError, match="steps for fake, which draws no samples"):
        pipeline.caption_at(request, captioner, pair, grid, 391_361.0, 5_820_031.0)


def test_the_list_of_models_says_what_to_do_about_missing_weights(fake_weights, tmp_path, capsys):
    fake_weights.unlink()
    assert main(["models"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "fake: a fake. not installed: get fake.safetensors" in shown
    assert "changescribe models add fake.safetensors" in shown


def test_the_registrys_samplers_are_those_of_the_models():
    from engine.models.diffusion.captioner import SAMPLERS_OF

    rows = {row["id"]: row for row in registry.rows()}
    assert {name: tuple(row["samplers"]) for name, row in rows.items() if row.get("samplers")} == {
        "kd-rscc": SAMPLERS_OF["karras"],
        "diffusion-rscc": SAMPLERS_OF["discrete"],
    }
