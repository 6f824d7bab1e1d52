"""The command line: options, outputs, every exit code, and a program that is killed or interrupted."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from runs import ROOT, TILE_PX, count, start, table

from engine import __version__
from engine.cli import main
from engine.contract.request import CaptionRequest

import fakes

TILE = ("--tile", str(TILE_PX), "--model", fakes.ID)


@pytest.fixture
def pair(make_pair, fake_weights):
    return make_pair()


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_caption_writes_the_layer_and_says_what_it_did(pair, tmp_path, capsys):
    output = tmp_path / "out.gpkg"
    assert main(["caption", *pair, "-o", str(output), *TILE]) == 0
    shown = capsys.readouterr()
    assert "16 tiles: 3 changed, 12 unchanged, 1 skipped, 0 failed" in shown.out
    assert "16/16" in shown.err
    assert len(table(output)) == 16


def test_json_lines_are_the_protocols_events(pair, tmp_path, capsys):
    assert main(["caption", *pair, "-o", str(tmp_path / "out.gpkg"), *TILE, "--json"]) == 0
    events = lines(capsys)
    assert [event["type"] for event in events].count("tile") == 16
    assert events[-1]["type"] == "result" and events[-1]["result"]["changed"] == 3


def test_dry_run_captions_nothing(pair, tmp_path, capsys):
    assert main(["caption", *pair, *TILE, "--dry-run", "--extent", "391360,5820000,391392,5820032"]) == 0
    assert "1 tiles of 64 px" in capsys.readouterr().out
    assert main(["caption", *pair, *TILE, "--dry-run", "--json"]) == 0
    assert lines(capsys)[-1]["result"]["tiles"] == 16
    assert list(tmp_path.glob("*.gpkg")) == []


def test_every_option_reaches_the_request(pair, monkeypatch):
    seen = []
    monkeypatch.setattr("engine.cli._dry_run", lambda request, *others: seen.append(request) or 0)
    options = (
        "--extent -5,1,2,3.5 --before-bands 3,2,1 --after-bands 1,1,1 --resolution 0.5 --tile 128 --overlap 16 --stretch none --max-nodata 0.2 "
        "--threshold 0.7 --batch 3 --decoding greedy --seed 4 --device cpu --model fake --clip --align local"
    )
    assert main(["caption", "a.tif", "b.tif", "--dry-run", *options.split()]) == 0
    expected = CaptionRequest(
        "a.tif", "b.tif", (3, 2, 1), (1, 1, 1), None, (-5.0, 1.0, 2.0, 3.5), 0.5, 128, 16, "none", 0.2, 0.7, "fake", "cpu", 3, "greedy", 4
    )
    assert seen == [expected.with_(clip=True, align="local")]


def test_without_options_the_requests_defaults_hold(monkeypatch):
    seen = []
    monkeypatch.setattr("engine.cli._dry_run", lambda request, *others: seen.append(request) or 0)
    main(["caption", "a.tif", "b.tif", "--dry-run"])
    assert seen == [CaptionRequest("a.tif", "b.tif")]


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ([], "COMMAND"),
        (["paint"], "invalid choice: 'paint'"),
        (["caption", "a.tif"], "AFTER"),
        (["caption", "a.tif", "b.tif"], "no output.*-o OUT.gpkg"),
        (["caption", "a.tif", "b.tif", "-o", "x.gpkg", "--extent", "1,2,3"], "'1,2,3' is not 4 numbers"),
        (["caption", "a.tif", "b.tif", "-o", "x.gpkg", "--extent", "4,2,3,9"], "x0 < x1"),
        (["caption", "a.tif", "b.tif", "-o", "x.gpkg", "--before-bands", "1,b,3"], "'1,b,3' is not 3 whole numbers"),
        (["caption", "a.tif", "b.tif", "-o", "x.gpkg", "--aoi", "a.shp", "--extent", "1,2,3,4"], "not allowed with"),
        (["caption", "a.tif", "b.tif", "-o", "x.gpkg", "--device", "abacus"], "invalid choice: 'abacus'"),
        (["caption", "a.tif", "b.tif", "-o", "x.gpkg", "--tile", "10"], "64 to 1024 pixels"),
        (["caption", "a.tif", "b.tif", "-o", "x.gpkg", "--resolution", "sharp"], "native, model or metres"),
        (["caption", "/no/a.tif", "/no/b.tif", "-o", "x.gpkg", "--model", "fake"], "before raster /no/a.tif.*no such file"),
        (["caption", "a.tif", "b.tif", "-o", "x.gpkg", "--model", "gpt"], "unknown model 'gpt'.*one of fake"),
        (["doctor", "--model", "gpt"], "unknown model 'gpt'"),
        (["models", "verify", "gpt"], "unknown model 'gpt'"),
        (["models", "add", "/no/file"], "is not a file"),
        (["evaluate", "--data", "/no", "--split", "test", "--model", "fake"], "no captions in /no"),
        (["batch", "/no/jobs.csv", "-o", "out"], "cannot be read"),
    ],
)
def test_bad_input_exits_with_2_and_says_what_to_do(fake_weights, capsys, arguments, match):
    import re

    assert main(arguments) == 2
    shown = capsys.readouterr().err
    assert re.search(match, shown), shown
    assert "To do:" in shown and "Traceback" not in shown


def test_errors_are_json_lines_too(fake_weights, capsys):
    assert main(["caption", "/no/a.tif", "/no/b.tif", "-o", "x.gpkg", "--model", "fake", "--json"]) == 2
    error = lines(capsys)[-1]
    assert (error["type"], error["code"], error["exit_code"]) == ("error", "raster", 2)
    assert error["need"] and error["do"]


def test_an_engine_failure_exits_with_4(pair, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(fakes.FakeCaptioner, "encode", lambda *args: 1 / 0)
    assert main(["caption", *pair, "-o", str(tmp_path / "out.gpkg"), *TILE]) == 4
    assert "all 15 tiles failed" in capsys.readouterr().err


def test_a_bug_exits_with_4_and_its_traceback(pair, tmp_path, capsys, monkeypatch):
    from engine.run import pipeline

    monkeypatch.setattr(pipeline, "run", lambda *args: 1 / 0)
    assert main(["caption", *pair, "-o", str(tmp_path / "out.gpkg"), *TILE]) == 4
    shown = capsys.readouterr().err
    assert "ZeroDivisionError" in shown and "Traceback" in shown and "doctor" in shown


def test_an_existing_output_is_not_overwritten(pair, tmp_path, capsys):
    output = str(tmp_path / "out.gpkg")
    assert main(["caption", *pair, "-o", output, *TILE]) == 0
    assert main(["caption", *pair, "-o", output, *TILE]) == 2
    assert "--resume" in capsys.readouterr().err
    assert main(["caption", *pair, "-o", output, *TILE, "--resume"]) == 0
    assert main(["caption", *pair, "-o", output, *TILE, "--resume", "--threshold", "0.9"]) == 2
    assert "belongs to another run" in capsys.readouterr().err


def wait_for(output, process):
    end = time.monotonic() + 60
    while not count(output):
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_exits_with_3_within_a_second_and_keeps_the_rows(make_pair, fake_weights, tmp_path, number):
    output = tmp_path / "out.gpkg"
    process = start(tmp_path, "caption", *make_pair(16, 16), "-o", output, *TILE, delay_s=0.03, stderr=subprocess.PIPE)
    wait_for(output, process)
    start_s = time.perf_counter()
    process.send_signal(number)
    _, shown = process.communicate(timeout=30)
    assert time.perf_counter() - start_s < 2.0  # a batch, the commit, and leaving Python
    assert process.returncode == 3
    assert b"--resume" in shown
    assert 0 < count(output) < 256


def test_killed_and_resumed_it_equals_an_undisturbed_run(make_pair, fake_weights, tmp_path):
    pair, output, whole = make_pair(16, 16), tmp_path / "out.gpkg", tmp_path / "whole.gpkg"
    process = start(tmp_path, "caption", *pair, "-o", output, *TILE, delay_s=0.03)
    wait_for(output, process)
    process.kill()
    process.wait()
    assert 0 < count(output) < 256
    assert main(["caption", *pair, "-o", str(output), *TILE, "--resume"]) == 0
    assert main(["caption", *pair, "-o", str(whole), *TILE]) == 0
    assert table(output) == table(whole)


def jobs(tmp_path, text):
    path = tmp_path / "jobs.csv"
    path.write_text(text, "utf-8")
    return str(path)


def test_batch_runs_every_row_and_exits_with_the_worst(pair, tmp_path, capsys):
    table_text = """before,after,output,extent
before.tif,after.tif,one,
before.tif,gone.tif,two,
before.tif,after.tif,three.gpkg,"391360,5820000,391392,5820032"
"""
    folder = tmp_path / "results"
    assert main(["batch", jobs(tmp_path, table_text), "-o", str(folder), *TILE]) == 2
    shown = capsys.readouterr()
    assert "gone.tif" in shown.err and "no such file" in shown.err
    assert [len(table(folder / name)) for name in ("one.gpkg", "three.gpkg")] == [16, 1]
    assert not (folder / "two.gpkg").exists()
    shutil.copy(tmp_path / "after.tif", tmp_path / "gone.tif")
    assert main(["batch", jobs(tmp_path, table_text), "-o", str(folder), *TILE, "--resume", "--json"]) == 0
    result = lines(capsys)[-1]["result"]["jobs"]
    assert [job["result"]["resumed"] for job in result] == [16, 0, 1]


def test_batch_names_outputs_after_the_rasters(pair, tmp_path):
    assert main(["batch", jobs(tmp_path, "before,after\nbefore.tif,after.tif\n"), "-o", str(tmp_path / "results"), *TILE]) == 0
    assert [path.name for path in (tmp_path / "results").glob("*.gpkg")] == ["before_after.gpkg"]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("before\nx.tif\n", "no column after"),
        ("before,after,colour\nx.tif,y.tif,red\n", "unknown columns colour"),
        ("before,after\n", "no rows"),
        ("before,after\nx.tif,\n", "line 2: after"),
        ("before,after,threshold\nx.tif,y.tif,high\n", "line 2: threshold = 'high'"),
        ("before,after,tile_px\nx.tif,y.tif,10\n", "line 2: tile_px = 10"),
        ("before,after\nx.tif,y.tif,z.tif\n", "more cells than columns"),
        ("before,after\nx.tif,y.tif\nx.tif,y.tif\n", "lines 2 and 3 both write"),
    ],
)
def test_a_wrong_table_is_refused_before_anything_runs(fake_weights, tmp_path, capsys, text, match):
    assert main(["batch", jobs(tmp_path, text), "-o", str(tmp_path / "results")]) == 2
    assert match in capsys.readouterr().err
    assert not (tmp_path / "results").exists()


def test_models_lists_and_verifies(fake_weights, capsys):
    assert main(["models", "--json"]) == 0
    assert lines(capsys)[-1]["result"]["models"][0]["available"] is True
    assert main(["models", "verify"]) == 0
    content = bytearray(fake_weights.read_bytes())
    content[-1] ^= 1
    fake_weights.write_bytes(content)
    capsys.readouterr()
    assert main(["models", "verify", "--json"]) == 2
    assert lines(capsys)[-1]["result"]["models"][0]["state"] == "damaged"


def test_doctor_passes_here_and_fails_on_damaged_weights(fake_weights, capsys):
    assert main(["doctor", "--model", fakes.ID, "--json"]) == 0
    found = lines(capsys)[-1]["result"]
    assert found["ok"] and found["device"] == "cpu" and found["changescribe"] == __version__
    fake_weights.write_bytes(fake_weights.read_bytes()[:-1] + b"x")
    assert main(["doctor", "--model", fakes.ID]) == 4
    assert "FAIL weights of fake" in capsys.readouterr().out


def test_help_is_instant_and_names_the_models(fake_weights):
    code = "import sys; from engine.cli import main\ntry: main(['caption', '-h'])\nfinally: print(sorted({'torch', 'rasterio'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert "default scribe-s" in done.stdout and done.stdout.rstrip().endswith("[]")


def test_it_runs_as_a_module():
    done = subprocess.run([sys.executable, "-m", "engine", "--version"], cwd=ROOT, capture_output=True, text=True, env=os.environ)
    assert done.stdout == f"changescribe {__version__}\n"
