"""Rasters made in code, and a registry that holds the fake captioner alone."""

import sys

import pytest
from runs import TILE_PX, draw_pair

from engine import registry
from engine.contract.request import CaptionRequest

import fakes


@pytest.fixture
def fake_weights(tmp_path, monkeypatch):
    """The registry in ``tmp_path/registry``; returns the path of the fake's weights."""
    monkeypatch.setattr(registry, "RESOURCES", registry.RESOURCES)
    monkeypatch.setitem(sys.modules, "engine.models.fake", fakes)
    monkeypatch.setenv("CHANGESCRIBE_MODELS", str(tmp_path / "models"))
    return fakes.install(tmp_path / "registry")


@pytest.fixture
def make_pair(tmp_path):
    """``draw_pair`` in ``tmp_path``."""

    def make(rows=4, cols=4, name=""):
        return draw_pair(tmp_path, rows, cols, name)

    return make


@pytest.fixture
def request_of(make_pair, fake_weights):
    def make(rows=4, cols=4, **members):
        before, after = make_pair(rows, cols)
        return CaptionRequest(before, after, model=fakes.ID, tile_px=TILE_PX, **members)

    return make
