"""The shipped help: every page is reached, every link and picture is there, nothing is fetched, and it names what the plugin has."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from engine.contract.fields import names_of

ROOT = Path(__file__).resolve().parent.parent
HELP = ROOT / "resources" / "help"
PAGES = sorted(HELP.glob("*.html"))
VOID = {"meta", "link", "img", "br"}


class Page(HTMLParser):
    """Links, pictures and texts in <i>, which are what a user sees on screen; fails where tags do not close."""

    def __init__(self, path):
        super().__init__()
        self.links, self.words, self._open = [], [], []
        self.feed(path.read_text("utf-8"))
        assert self._open == [], f"{path.name} does not close {self._open}"

    def handle_starttag(self, tag, attributes):
        self.links += [value for name, value in attributes if name in ("href", "src")]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open and self._open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data):
        if self._open and self._open[-1] == "i":
            self.words.append(" ".join(data.split()))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_links_and_pictures_are_there_and_local(path):
    assert [link for link in Page(path).links if not (HELP / link).is_file()] == []


def test_every_page_and_picture_is_used():
    linked = {HELP / link for path in PAGES for link in Page(path).links}
    assert set(PAGES) | set(HELP.glob("img/*")) | {HELP / "style.css"} == linked
    assert {path.name for path in PAGES} <= set(Page(HELP / "index.html").links)


def test_pictures_are_small():
    assert [path.name for path in HELP.glob("img/*") if path.stat().st_size > 250_000] == []


def test_the_toolbox_page_lists_the_algorithms():
    listed = set(re.findall(r"<td><code>changescribe:(\w+)</code>", (HELP / "toolbox.html").read_text("utf-8")))
    sources = (path.read_text("utf-8") for path in (ROOT / "qgis_plugin" / "processing").glob("*.py"))
    assert listed == {name for text in sources for name in re.findall(r'^    NAME = "(\w+)"$', text, re.MULTILINE)}


def test_every_field_of_the_result_is_explained():
    explained = re.findall(r"<tr><td>([\w, ]+)</td>", (HELP / "index.html").read_text("utf-8"))
    assert {name for cell in explained for name in cell.split(", ")} == set(names_of())


def test_the_help_calls_things_as_the_screen_does():
    """What stands in italics is a text of the plugin, or of QGIS itself."""
    of_qgis = {"Raster", "Settings", "Options", "Network", "Layer", "View", "Panels", "Log Messages", "User Profiles", "ChangeScribe"}
    of_qgis |= {"Open Active Profile Folder", "Keyboard Shortcuts", "Set CRS of Layer(s)"}
    plugin = "\n".join(path.read_text("utf-8") for path in (ROOT / "qgis_plugin").rglob("*.py"))
    words = {part for path in PAGES for word in Page(path).words for part in word.split(" › ")}
    assert sorted(word for word in words - of_qgis if word not in plugin and word != "…_inputs") == []
