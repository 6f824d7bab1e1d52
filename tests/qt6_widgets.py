"""Works with widgets of the plugin that need nothing of QGIS, under the real PyQt6 (run by test_qt6.py in a process of its own).

What a running QGIS 4 gives beside Qt (canvas, layers, dialogs) is not here: there is no package of one.
"""

import importlib
import sys

import qt6_imports
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication, QFormLayout, QWidget

CAPTIONS = {"r0_c0": ("a road appears", 0.6, True), "r0_c1": ("many houses are built", 0.9, True), "r0_c2": ("the scene is the same", 0.1, False)}


def module(name):
    return importlib.import_module(f"changescribe.qgis_plugin.{name}")


def tile(tile_id):
    caption, score, changed = CAPTIONS[tile_id]
    values = {"tile_id": tile_id, "caption": caption, "change_score": score, "changed": changed, "added": "building" if changed else None}
    return {"properties": values, "footprint": [[0, 0], [1, 0], [1, 1], [0, 0]]}


def results():
    """The list sorts, filters, draws its texts and tells what was chosen."""
    made = module("gui.results.results_list").ResultsList()
    made.add([tile(tile_id) for tile_id in CAPTIONS])
    texts = [[made.model.index(row, column).data() for column in range(4)] for row in range(made.model.rowCount())]
    assert texts == [["0.90", "many houses are built", "+ building", "r0_c1"], ["0.60", "a road appears", "+ building", "r0_c0"]], texts
    assert made.model.headerData(0, Qt.Orientation.Horizontal) == "Score"
    assert "many houses" in made.model.index(0, 1).data(Qt.ItemDataRole.ToolTipRole)
    chosen = []
    made.chosen.connect(lambda found: chosen.append(found["properties"]["tile_id"]))
    assert made.step(1) and made.step(1)
    made.changed_only.setChecked(False)
    made.search.setText("SAME")
    assert made.model.rowCount() == 1 and made.step(-1)
    assert chosen == ["r0_c1", "r0_c0", "r0_c2"], chosen
    assert not made.grab().isNull()  # draws the table, which asks the model for all of a cell's roles


def sampling():
    """Option rows follow the model."""
    parent, rows = QWidget(), module("gui.form.option_rows")
    rows.default_model = lambda: "scribe-s"  # there are no settings here
    form, made = QFormLayout(parent), rows.OptionRows(parent)
    for name in ("model", "steps", "sampler", "threshold", "clip"):
        made.add(form, name)
    model = made.widgets["model"]
    made.set_model()
    assert made.widgets["steps"].isHidden() and made.values()["threshold"] is None
    model.setCurrentIndex(model.findData("kd-rscc"))
    made.widgets["steps"].setValue(20)
    assert made.values()["steps"] == 20 and made.widgets["sampler"].count() > 1
    assert module("gui.form.model_box").ModelBox("scribe-s").chosen() == "scribe-s"


def german():
    """QGIS's language, from QLocale to a widget."""
    module("i18n").QgsApplication.locale = staticmethod(lambda: "de_CH")
    translator = module("i18n").install_translator()
    assert translator is not None
    assert module("gui.results.results_list").ResultsList().changed_only.text() == "Nur geänderte"


def main():
    sys.path.insert(0, sys.argv[1])
    qt6_imports.install()
    application = QApplication([])
    for check in (results, sampling, german):
        check()
        print(check.__name__)
    del application


if __name__ == "__main__":
    main()
