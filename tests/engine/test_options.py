"""Each run option is declared once: command line, batch tables, verification and resume derive from its row."""

import argparse
import dataclasses

import pytest

from engine import cli
from engine.cli import options as cli_options
from engine.contract import request as schema
from engine.contract.errors import InputError
from engine.contract.options import CAPTION, COMMAND, KINDS, PIXELS, SURFACES, TABLE, option, options_of
from engine.contract.request import OPTIONS, CaptionRequest

REQUEST = CaptionRequest("a.tif", "b.tif")


def flags(command):
    parser = next(action for action in cli.parser()._actions if isinstance(action, argparse._SubParsersAction)).choices[command]
    return {flag for action in parser._actions for flag in action.option_strings}


@pytest.mark.parametrize("row", OPTIONS.values(), ids=OPTIONS)
def test_a_row_is_complete(row):
    assert row.kind in KINDS and row.need
    assert set(row.without) <= set(SURFACES) and all(row.without.values())
    if row.on(COMMAND):
        assert row.flag.startswith("--")
        assert row.flag in flags("caption")
    if row.name not in ("before", "after"):
        row.verify(row.default)


def test_batch_tables_have_every_option_that_differs_from_row_to_row():
    assert set(cli_options.table_columns()) == {"output", "before", "after", *(name for name, row in OPTIONS.items() if row.on(TABLE))}
    assert "model" not in cli_options.table_columns()


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("tile_px", "128", 128),
        ("max_nodata", "0.25", 0.25),
        ("before_bands", "3,2,1", (3, 2, 1)),
        ("extent", "-1 2; 3,4.5", (-1.0, 2.0, 3.0, 4.5)),
        ("resolution", "Model", "model"),
        ("resolution", "0.5", 0.5),
    ],
)
def test_texts_are_read_as_values(name, text, value):
    assert OPTIONS[name].read(text) == value
    assert OPTIONS[name].accepts(OPTIONS[name].read(text))


@pytest.mark.parametrize(("name", "text"), [("tile_px", "many"), ("before_bands", "1,2"), ("extent", "1,2,3"), ("resolution", "fine")])
def test_other_texts_are_refused(name, text):
    with pytest.raises(ValueError):
        OPTIONS[name].read(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_nodata", 1.01),
        ("max_nodata", None),
        ("tile_px", 63),
        ("tile_px", True),
        ("batch_size", schema.MAX_BATCH + 1),
        ("question", "x" * (schema.MAX_QUESTION + 1)),
        ("question", "  "),
        ("threshold", float("nan")),
        ("before", "a\0b"),
        ("resolution", 0),
        ("extent", (1, 1, 0, 2)),
        ("stretch", "sharp"),
    ],
)
def test_values_out_of_bounds_are_refused_by_name(name, value):
    with pytest.raises(InputError, match=f"{name} = "):
        REQUEST.with_(**{name: value}).verify()


def test_requests_that_differ_in_caption_options_alone_share_pixels():
    differing = REQUEST.with_(threshold=0.9, seed=4, device="cpu", batch_size=3, decoding="greedy", question="is there water?")
    assert differing.same(PIXELS) == REQUEST.same(PIXELS)
    assert REQUEST.with_(stretch="none").same(PIXELS) != REQUEST.same(PIXELS)
    assert REQUEST.with_(threshold=0.9).same(CAPTION) != REQUEST.same(CAPTION)


def test_an_added_option_is_on_the_command_line_in_tables_and_verified(monkeypatch, capsys):
    """The row and nothing else."""
    members = [("haze", float, option(0.2, "real", PIXELS, low=0, high=1, need="a share from 0 to 1", flag="--haze", help="haze to remove"))]
    request = dataclasses.make_dataclass("Request", members, bases=(CaptionRequest,), frozen=True)
    monkeypatch.setitem(schema.OPTIONS, "haze", options_of(request)["haze"])
    args = cli.parser().parse_args(["caption", "a.tif", "b.tif", "--haze", "0.75"])
    assert cli.request_members(args)["haze"] == 0.75
    assert "haze" in cli_options.table_columns()
    assert request("a.tif", "b.tif").haze == 0.2
    with pytest.raises(InputError, match="haze = 3"):
        request("a.tif", "b.tif", haze=3).verify()
