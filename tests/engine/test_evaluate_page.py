"""The page of pictures: order, marks, escaped text, and that it needs no other file."""

import importlib.util
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from engine.contract.tiles import UNCHANGED_TEXT, Caption
from engine.evaluation.page import write_page
from engine.evaluation.pairs import Pair
from engine.evaluation.scores import Scored

HAS_METRICS = importlib.util.find_spec("pycocoevalcap") is not None and shutil.which("java") is not None
pytestmark = pytest.mark.skipif(not HAS_METRICS, reason="needs the extra 'eval' and Java")


@pytest.fixture
def scored(tmp_path):
    """Three pairs: right, right in other words with a heat map, and a missed change whose reference is markup."""
    Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(tmp_path / "x.png")
    image = tmp_path / "x.png"
    pairs = [
        Pair("right.png", image, image, (UNCHANGED_TEXT,) * 5, False),
        Pair("close.png", image, image, ("some houses are built",) * 5, True, {"building": "+"}),
        Pair("missed.png", image, image, ("<script>alert(1)</script> & a road",) * 5, True),
    ]
    heat = np.zeros((4, 4), np.float32)
    heat[:2] = 1.0
    captions = {
        "right.png": Caption(UNCHANGED_TEXT, False, 0.1),
        "close.png": Caption("a few houses are built", True, 0.9, ("building",), heatmap=heat),
        "missed.png": Caption(UNCHANGED_TEXT, False, 0.2),
    }
    return Scored.of("fake", pairs, captions)


def test_worst_first_with_wrong_flags_marked(scored, tmp_path):
    write_page(scored, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert re.findall(r"(\w+)\.png · score", page) == ["missed", "close", "right"]
    assert re.findall(r'<article class="(\w+)"', page) == ["wrong", "right", "right"]
    assert page.count("change missed") == 1 and "wrong on 1 of all 3 pairs" in page
    assert "change score 0.900 · found +building · truth +building" in page


def test_text_is_escaped_and_pictures_are_inside(scored, tmp_path):
    write_page(scored, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "<script>" not in page and "&lt;script&gt;alert(1)&lt;/script&gt; &amp; a road" in page
    assert page.count("data:image/jpeg;base64,") == 7, "two a pair, and one heat map"
    assert not re.search(r'(src|href)="(?!data:)', page)


def test_the_limit_keeps_the_worst(scored, tmp_path):
    write_page(scored, tmp_path / "page.html", limit=1)
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "missed.png" in page and "close.png" not in page and "1 of 3 pairs" in page
