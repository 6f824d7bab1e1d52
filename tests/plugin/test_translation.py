"""The user's language in a real QGIS: the shipped .qm files, the translator's coming and going."""

import importlib.util
from pathlib import Path

import pytest
from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QCoreApplication, QTranslator
from qgis.PyQt.QtWidgets import QAbstractButton, QLabel, QPushButton

ROOT = Path(__file__).resolve().parents[2]
I18N = ROOT / "resources" / "i18n"


@pytest.fixture
def in_language(window, engine, monkeypatch, qgis_new_project):
    """A function that gives the plugin as QGIS loads it in a language (Settings > Options > General)."""
    from changescribe import classFactory

    registry = QgsApplication.processingRegistry()
    if registry.providerById("changescribe") is not None:  # another test file's
        registry.removeProvider("changescribe")
    loaded = []

    def load(locale):
        monkeypatch.setattr(QgsApplication, "locale", staticmethod(lambda: locale))
        loaded.append(classFactory(window))
        loaded[-1].initGui()
        return loaded[-1]

    yield load
    for plugin in loaded:
        plugin.unload()


def finished(path):
    spec = importlib.util.spec_from_file_location("ci_translations", ROOT / ".ci" / "translations.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.translations(path)


@pytest.mark.parametrize("path", sorted(I18N.glob("*.ts")), ids=lambda path: path.stem)
def test_shipped_qm_says_what_the_ts_says(path):
    """After an edit of a .ts file: make translations."""
    translator = QTranslator()
    assert translator.load(str(path.with_suffix(".qm")))
    QCoreApplication.installTranslator(translator)
    try:
        assert {text: QCoreApplication.translate("ChangeScribe", text) for text in finished(path)} == finished(path)
    finally:
        QCoreApplication.removeTranslator(translator)


@pytest.mark.parametrize("locale", ["de", "de_AT"])
def test_panel_menu_and_toolbox_are_german(in_language, locale):
    plugin = in_language(locale)
    assert {"Vorher", "Nachher", "Modell", "Schwellenwert"} <= {label.text() for label in plugin.dock.findChildren(QLabel)}
    assert "Änderungen beschreiben" in {button.text() for button in plugin.dock.findChildren(QPushButton)}
    assert plugin.actions[0].text() == "ChangeScribe-Bedienfeld"
    algorithm = QgsApplication.processingRegistry().algorithmById("changescribe:captionbatch")
    assert algorithm.displayName() == "Änderungen vieler Paare beschreiben"
    assert "Beschreibt viele Rasterpaare" in algorithm.shortHelpString()
    assert "Auf der Kommandozeile: qgis_process run" in algorithm.shortHelpString()
    assert algorithm.parameterDefinition("BATCH_SIZE").description() == "Kacheln je Stapel"


@pytest.mark.parametrize("locale", ["en", *(path.stem.removeprefix("changescribe_") for path in I18N.glob("*.ts"))])
def test_no_button_is_cut_off(in_language, locale):
    """At the width that the panel has when it is first shown."""
    from changescribe.qgis_plugin.gui.dock import WIDTH_PX

    dock = in_language(locale).dock
    font = dock.font()
    font.setPixelSize(13)  # a desktop's usual size; Qt's offscreen screen has a larger one
    dock.setFont(font)
    dock.setFloating(True)
    dock.resize(WIDTH_PX, 900)
    dock.show()
    cut = []
    for page in range(dock.pages.count()):
        dock.pages.setCurrentIndex(page)
        QCoreApplication.processEvents()
        for button in dock.findChildren(QAbstractButton):
            if button.isVisible() and button.fontMetrics().horizontalAdvance(button.text()) > button.width():
                cut.append(button.text())
    assert cut == []


def test_unloading_gives_english_back(in_language):
    from changescribe.qgis_plugin.i18n import tr

    plugin = in_language("de")
    assert tr("Before") == "Vorher"
    plugin.unload()
    assert tr("Before") == "Before"


@pytest.mark.parametrize("locale", ["fi_FI", "en_GB", "C"])
def test_without_a_translation_all_stays_english(in_language, locale):
    plugin = in_language(locale)
    assert plugin.translator is None
    assert {"Before", "After"} <= {label.text() for label in plugin.dock.findChildren(QLabel)}


def test_errors_are_joined_in_the_users_language(in_language):
    from changescribe.engine.contract.errors import AreaError
    from changescribe.qgis_plugin.i18n import error_text

    errors = [AreaError("no area"), AreaError("no area.", "one", "draw it."), AreaError("no area", "", "draw it")]
    assert [error_text(error) for error in errors] == [str(error) for error in errors]
    in_language("de")
    assert error_text(AreaError("kein Polygon.", "ein Polygon", "zeichnen")) == "kein Polygon. Benötigt: ein Polygon. Abhilfe: zeichnen."
