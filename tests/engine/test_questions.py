"""A question from the command line, the worker and tables to the model; the answer's column; where questions are refused."""

import json
import threading

import fiona
import pytest
from runs import TILE_PX

from engine import registry
from engine.cli import main
from engine.contract.errors import InputError
from engine.contract.request import CaptionRequest
from engine.models.captioner import CaptionOptions, ModelCard
from engine.output.writer import read_provenance
from engine.run import batch
from engine.worker import Engine

import fakes

TILE = ("--tile", str(TILE_PX), "--model", fakes.ID)
QUESTION = "what happened to the trees?"


class Asked(fakes.FakeCaptioner):
    """The fake that answers with the question and the tile's caption number."""

    answers_questions = True

    def answer(self, state, question):
        return [f"{kind}: {question}" for kind in state]


@pytest.fixture
def asked(monkeypatch, fake_weights):
    """The fake of the registry answers questions."""
    found = Asked(ModelCard(fakes.ID, "a fake", input_px=64, threshold=0.1))
    monkeypatch.setattr(registry, "load", lambda model, device="cpu": found)
    return found


def columns(path):
    with fiona.open(path) as layer:
        return list(layer.schema["properties"]), [dict(feature["properties"]) for feature in layer]


def test_answers_have_a_column_of_their_own_beside_the_captions(make_pair, asked, tmp_path):
    pair, plain, output = make_pair(), tmp_path / "plain.gpkg", tmp_path / "out.gpkg"
    assert main(["caption", *pair, "-o", str(plain), *TILE]) == 0
    assert main(["caption", *pair, "-o", str(output), *TILE, "--question", QUESTION]) == 0
    names, rows = columns(output)
    earlier_names, earlier = columns(plain)
    assert [name for name in names if name != "answer"] == earlier_names
    assert [row["caption"] for row in rows] == [row["caption"] for row in earlier]
    statuses = {row["status"] for row in rows}
    assert "unchanged" in statuses and "captioned" in statuses
    for row in rows:
        answered = row["answer"] is not None and row["answer"].endswith(QUESTION)
        assert answered == (row["status"] in ("captioned", "unchanged"))
    assert read_provenance(output)["request"]["question"] == QUESTION


def test_another_question_is_another_run(make_pair, asked, tmp_path, capsys):
    pair, output = make_pair(), str(tmp_path / "out.gpkg")
    assert main(["caption", *pair, "-o", output, *TILE, "--question", QUESTION]) == 0
    assert main(["caption", *pair, "-o", output, *TILE, "--question", QUESTION, "--resume"]) == 0
    assert main(["caption", *pair, "-o", output, *TILE, "--question", "is there water?", "--resume"]) == 2
    assert "request.question" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("extra", [(), ("--dry-run",)])
def test_a_model_that_answers_none_refuses_before_a_raster_is_opened(fake_weights, tmp_path, capsys, extra):
    missing = [str(tmp_path / name) for name in ("a.tif", "b.tif")]
    assert main(["caption", *missing, "-o", str(tmp_path / "out.gpkg"), *TILE, "--question", QUESTION, *extra]) == 2
    assert "a question for fake, which answers none" in " ".join(capsys.readouterr().err.split())


def test_the_workers_tiles_carry_the_answer(make_pair, asked):
    before, after = make_pair()
    request = {"before": before, "after": after, "model": fakes.ID, "tile_px": TILE_PX}
    found = {}
    for question in (None, QUESTION):
        message = {"type": "caption_at", "id": "1", "x": 391_361.0, "y": 5_820_031.0, "request": request | {"question": question}}
        found[question] = Engine().handle(message, lambda event: None, threading.Event())["tile"]["properties"]
    assert found[QUESTION].pop("answer").endswith(QUESTION)
    assert found[QUESTION] | {"seconds": 0} == found[None] | {"seconds": 0}


@pytest.mark.parametrize("question", ["", "   ", "x" * 401, 5])
def test_questions_that_cannot_be_are_refused_with_the_request(question):
    with pytest.raises(InputError, match="question = .*a text of at most 400 characters, or none"):
        CaptionRequest.from_json({"before": "a.tif", "after": "b.tif", "question": question})


def test_a_table_may_ask_row_by_row(tmp_path):
    table = tmp_path / "jobs.csv"
    table.write_text(f"before,after,output,question\na.tif,b.tif,one,{QUESTION}\na.tif,b.tif,two,\n")
    jobs = batch.read_jobs(table, tmp_path, {})
    assert [job.request.question for job in jobs] == [QUESTION, None]
    assert CaptionOptions.of(jobs[0].request).question == QUESTION


def test_memory_is_said_before_a_large_model_is_loaded(make_pair, asked, tmp_path, monkeypatch, capsys):
    for need_mb, level in ((1, "info"), (10**9, "warning")):
        monkeypatch.setattr(registry, "weights_mb", lambda model, device, need_mb=need_mb: need_mb)
        assert main(["caption", *make_pair(), "-o", str(tmp_path / f"{level}.gpkg"), *TILE, "--json"]) == 0
        events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        said = [event for event in events if event["type"] == "log" and "need" in event["message"]]
        assert [event["level"] for event in said] == [level]
        assert f"The weights of fake need {need_mb:,} MB of memory on " in said[0]["message"]


def test_the_registry_marks_the_models_that_answer():
    assert {row["id"] for row in registry.published() if row.get("questions")} == {"ccexpert"}
    assert registry._class_of("ccexpert").answers_questions
    assert not registry._class_of("scribe-s").answers_questions
