"""The Accuracy page: a sample judged by keys, blind, kept at once, taken back, by two persons."""

import sqlite3

import pytest
from gui_window import wait_until
from judged_samples import CLASSES, write_sample
from qgis.core import QgsProject, QgsVectorLayer
from qgis.PyQt.QtCore import QEvent, Qt
from qgis.PyQt.QtGui import QKeyEvent
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication

from helpers import run


@pytest.fixture
def page(dock):
    """The page, shown, with a name."""
    window = dock.window()
    window.show()
    dock.pages.setCurrentWidget(dock.judging)
    dock.judging.source.name.setText("Ada")
    assert dock.judging.isVisible()
    yield dock.judging
    window.hide()


@pytest.fixture
def sample(page, tmp_path):
    path = write_sample(tmp_path / "sample.gpkg")
    page.open(path)
    assert page.sample is not None, page.message.text()
    return path


def press(page, *keys):
    for key in keys:
        if isinstance(key, str):
            QTest.keyClicks(page, key)
        else:
            QTest.keyClick(page, key)


def stored(path, columns="verdict, reference, judge"):
    """What another program finds in the file now, in the order of judging."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        return list(database.execute(f"SELECT {columns} FROM accuracy_sample ORDER BY sample_id"))


def test_keys_of_change_and_of_classes():
    from changescribe.qgis_plugin.gui.judging.keys import UNSURE, KeyReader, labels

    reader = KeyReader(CLASSES["change"])
    assert [reader.press(key) for key in "cU?x"] == ["changed", "unchanged", UNSURE, None]
    reader = KeyReader(CLASSES["class"])
    assert [reader.press(key) for key in "1a"] == [None, "building added"]
    assert [reader.press(key) for key in "12r"] == [None, None, "road removed"]
    assert [reader.press(key) for key in "2xl"] == [None, None, None]
    assert [reader.press(key) for key in "2uo"] == [None, "unchanged", "other change"]
    assert list(labels(CLASSES["class"])) == ["1", "2", "a", "r", "l", "u", "o", "?"]


def test_a_key_judges_and_shows_the_next_tile(page, sample):
    assert page.state.text() == "Tile 1 of 12: not judged yet"
    press(page, "c", "u", "?", "c")
    assert stored(sample)[:5] == [
        ("right", "changed", "Ada"),
        ("right", "unchanged", "Ada"),
        ("unsure", None, "Ada"),
        ("wrong", "changed", "Ada"),
        (None,) * 3,
    ]
    assert page.state.text() == "Tile 5 of 12: not judged yet"
    assert page.progress.text() == "4 of 12 tiles judged"


def test_nothing_of_the_map_shows_before_a_judgement(page, sample, layer_of_captions):
    """Neither on the page nor on the canvas."""
    press(page, "c")
    press(page, "m")
    assert "Judge the tile first" in page.message.text()
    texts = " ".join(label.text() for label in (page.state, page.message, page.compare.caption))
    assert "houses" not in texts and "score" not in texts and "map says" not in texts
    canvas = page.blind._canvas
    wait_until(lambda: canvas.layers() == [page.source.layers()[1]])
    canvas.setLayers([layer_of_captions, *page.source.layers()])  # as the layer tree does
    wait_until(lambda: canvas.layers() == [page.source.layers()[1]])


@pytest.fixture
def layer_of_captions(page, rasters, tmp_path):
    path = str(tmp_path / "changes.gpkg")
    run({"BEFORE": rasters["before"], "AFTER": rasters["after"], "OUTPUT": path})
    made = QgsVectorLayer(path, "changes", "ogr")
    QgsProject.instance().addMapLayer(made)
    return made


def test_the_models_answer_after_the_judgement_is_kept_as_seen(page, layer_of_captions, tmp_path):
    path = write_sample(tmp_path / "shown.gpkg", layer=layer_of_captions.source())
    page.open(path)
    press(page, "u", Qt.Key.Key_Left, "m")
    assert page.message.text() == "The map says: changed. The model: a row of houses is built along the road (score 0.90)"
    judged, shown = stored(path, "judged, shown")[0]
    assert judged <= shown
    press(page, "c")  # no longer blind, and the sample tells
    judged, again = stored(path, "judged, shown")[0]
    assert judged > again == shown
    assert page.message.text() == ""  # of the next tile nothing shows


def test_a_second_later_qgis_goes_on_at_the_first_open_tile(page, sample):
    press(page, "c", "u", Qt.Key.Key_Right, "c")
    page.open(sample)
    assert page.state.text() == "Tile 3 of 12: not judged yet"
    press(page, "u")
    assert page.state.text() == "Tile 5 of 12: not judged yet"  # the fourth is judged


def test_everything_can_be_taken_back(page, sample):
    press(page, "c", "u", Qt.Key.Key_Left, Qt.Key.Key_Left, "u", Qt.Key.Key_Left)
    assert stored(sample)[0] == ("wrong", "unchanged", "Ada")
    press(page, Qt.Key.Key_Backspace)
    assert stored(sample)[0] == ("right", "changed", "Ada") and page.place == 0
    press(page, Qt.Key.Key_Delete)
    assert stored(sample)[0] == (None, None, None)
    press(page, *[Qt.Key.Key_Backspace] * 3)
    assert {row for row in stored(sample)} == {(None, None, None)}
    assert not page.back.isEnabled()
    press(page, Qt.Key.Key_Backspace)


def test_a_second_interpreter_judges_without_the_firsts_word(page, sample):
    press(page, "c", "c")
    page.source.part.setCurrentIndex(1)
    assert "must be somebody else" in page.message.text()
    page.source.name.setText("Grace")
    assert page.state.text() == "Tile 1 of 12: not judged yet" and page.progress.text() == "0 of 12 tiles judged"
    press(page, "u")
    assert stored(sample, "reference, judge, reference_2, judge_2, verdict_2")[0] == ("changed", "Ada", "unchanged", "Grace", "wrong")


def test_classes_take_a_number_and_a_letter(page, tmp_path):
    path = write_sample(tmp_path / "classes.gpkg", by="class")
    page.open(path)
    press(page, "1")
    assert page._buttons["1"].isDown()
    press(page, "a", "2", "r", "o", "u")
    expected = [("right", "building added"), ("wrong", "road removed"), ("wrong", "other change"), ("right", "unchanged")]
    assert [row[:2] for row in stored(path)][:4] == expected


def test_all_judged_says_what_comes_next(page, sample, monkeypatch):
    press(page, *"u" * 12)
    assert page.message.text().startswith("All tiles are judged.") and page.progress.text() == "12 of 12 tiles judged"
    asked = []
    monkeypatch.setattr(page, "_run", lambda *call: asked.append(call) or {})
    page.estimate.click()
    assert asked == [("changescribe:accuracy", {"SAMPLE": sample})]


def test_a_drawn_sample_opens(page, tmp_path, monkeypatch):
    path = write_sample(tmp_path / "drawn.gpkg")
    monkeypatch.setattr(page, "_run", lambda *_call: {"OUTPUT": path})
    page.source.draw.click()
    assert page.sample.path == path and page.source.file.filePath() == path


def test_rasters_come_from_the_sample(page, rasters, tmp_path):
    page.open(write_sample(tmp_path / "named.gpkg", rasters=rasters))
    assert [layer.source() for layer in page.source.layers()] == [rasters["before"], rasters["after"]]
    page.open(write_sample(tmp_path / "gone.gpkg", rasters={"before": "/gone.tif"}))
    assert None not in page.source.layers()  # the form's


def test_files_that_are_no_sample_or_lost_tiles_are_refused(page, rasters, tmp_path):
    for path, text in (
        (rasters["before"], "is no sample"),
        (str(tmp_path / "absent.gpkg"), "is no sample"),
        (write_sample(tmp_path / "lost.gpkg", tiles=10, drawn=12), "2 tiles are missing from the sample"),
        (write_sample(tmp_path / "more.gpkg", tiles=12, drawn=10), "2 tiles were added to the sample"),
    ):
        page.open(path)
        assert text in page.message.text() and page.sample is None
    press(page, "c", Qt.Key.Key_Right, Qt.Key.Key_Backspace)


def test_without_a_name_nothing_is_judged(page, sample):
    page.source.name.setText("  ")
    press(page, "c")
    assert "Type your name first" in page.message.text() and stored(sample)[0] == (None, None, None)


def test_a_file_that_is_locked_keeps_the_tile(page, sample, monkeypatch):
    monkeypatch.setattr(page.sample._layer.dataProvider(), "changeAttributeValues", lambda _changes: False, raising=False)
    other = sqlite3.connect(sample)
    other.execute("BEGIN EXCLUSIVE")
    press(page, "c")
    other.rollback()
    other.close()
    assert "could not be written" in page.message.text() and page.place == 0


def test_qgis_keeps_its_own_shortcuts(page, sample):
    def overridden(key, modifiers, text):
        event = QKeyEvent(QEvent.Type.ShortcutOverride, key, modifiers, text)
        event.ignore()
        QApplication.sendEvent(page, event)
        return event.isAccepted()

    none, ctrl = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
    assert overridden(Qt.Key.Key_S, none, "s") and overridden(Qt.Key.Key_C, none, "c") and overridden(Qt.Key.Key_Left, none, "")
    assert not overridden(Qt.Key.Key_S, ctrl, "\x13") and not overridden(Qt.Key.Key_C, ctrl, "\x03") and not overridden(Qt.Key.Key_X, none, "x")


def test_another_page_gives_the_map_back(dock, page, sample):
    canvas = page.blind._canvas
    press(page, "s")
    assert page.two_dates.swipe.active
    dock.pages.setCurrentIndex(0)
    assert not page.blind.active and not page.two_dates.swipe.active
    dock.pages.setCurrentWidget(page)
    assert page.blind.active
    wait_until(lambda: canvas.layers() == [page.source.layers()[1]])


def test_the_action_puts_the_keyboard_on_the_page(plugin, page, sample):
    plugin.dock.pages.setCurrentIndex(0)
    next(action for action in plugin.actions if action.objectName() == "changescribeJudge").trigger()
    assert plugin.dock.pages.currentWidget() is page
