"""What comes from files, layers and the model is shown as text, never as HTML: a file's name may hold an <img>."""

import ast
from pathlib import Path

import pytest
from gui_window import wait_until
from qgis.core import Qgis, QgsPointXY, QgsVectorLayer
from qgis.gui import QgsMessageLogViewer
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QLabel, QPlainTextEdit

GUI = Path(__file__).resolve().parents[2] / "qgis_plugin" / "gui"
EVIL = '<img src="file:///etc/hostname"> a house <b>was built</b>'
TILE = {
    "properties": {"tile_id": "r00000_c00000", "caption": EVIL, "changed": True, "change_score": 0.9, "added": EVIL, "status": "captioned"},
    "footprint": [[0, 0], [1, 0], [1, 1], [0, 0]],
}


def shown(rich):
    """What a reader sees of a text that Qt takes for HTML."""
    edit = QPlainTextEdit()
    edit.appendHtml(rich)
    return edit.toPlainText()


@pytest.mark.parametrize("path", sorted(GUI.glob("*.py")), ids=lambda path: path.name)
def test_labels_without_a_fixed_text_are_plain(path):
    """QLabel() guesses from the text whether it is HTML; plain_label does not."""
    calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "QLabel"]
    allowed = {"plain.py": 1, "results.py": 1}  # the latter counts tiles
    assert len([call for call in calls if not call.args]) == allowed.get(path.name, 0)


def test_the_bubble_shows_markup_as_it_is(plugin):
    from changescribe.qgis_plugin.gui.results.bubble import CaptionBubble

    bubble = CaptionBubble(plugin.iface.mapCanvas())
    bubble.say(QgsPointXY(0, 0), EVIL, EVIL)
    assert [(label.text(), label.textFormat()) for label in bubble.findChildren(QLabel)] == [(EVIL, Qt.TextFormat.PlainText)] * 2
    bubble.dispose()


def test_the_results_list_and_its_tool_tips(plugin):
    results = plugin.dock.results
    results.add([TILE])
    index = results.model.index(0, 1)
    assert index.data() == EVIL  # item views show plain text
    assert shown(index.data(Qt.ItemDataRole.ToolTipRole)) == f"{EVIL}\n+ {EVIL}"
    results.clear()


def test_the_panels_messages(plugin):
    plugin.dock._say(EVIL, Qgis.MessageLevel.Critical)
    for label in (plugin.dock.message, plugin.dock.form.estimate, plugin.dock.compare.caption, plugin.dock.setup.label):
        assert label.textFormat() == Qt.TextFormat.PlainText
    assert plugin.dock.message.text() == EVIL


def test_the_message_log(qgis_app):
    from changescribe.qgis_plugin.gui.plain import LOG_TAG, log

    viewer = QgsMessageLogViewer()
    log(EVIL)
    wait_until(lambda: any(EVIL in page.toPlainText() for page in viewer.findChildren(QPlainTextEdit)))
    assert LOG_TAG == "ChangeScribe"


def test_the_layers_metadata(qgis_app):
    """QGIS puts title, abstract and history into the HTML of a layer's properties as they are."""
    from changescribe.qgis_plugin.layers.grid_layer import finish_layer

    layer = QgsVectorLayer("Polygon?crs=EPSG:32633&field=caption:string", "captions", "memory")
    finish_layer(layer, {"request": {"before": EVIL}})
    assert "<img" not in layer.htmlMetadata() and "a house" in layer.htmlMetadata()
    assert "<img" not in "".join(layer.metadata().history())
