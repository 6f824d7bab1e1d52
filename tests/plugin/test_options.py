"""Every run option is on every surface of QGIS, or its row says why not; a row that is added appears by itself."""

import dataclasses

import pytest


@pytest.fixture
def rows():
    from changescribe.engine.contract.request import OPTIONS

    return OPTIONS


def test_every_option_is_a_parameter_of_every_captioning_algorithm(provider, rows):
    from changescribe.engine.contract.options import PROCESSING

    wanted = {row.parameter for row in rows.values() if row.on(PROCESSING)}
    assert len(wanted) > 10
    for name in ("captionchanges", "captionbatch", "captionarea"):
        assert wanted <= {parameter.name() for parameter in provider.algorithm(name).parameterDefinitions()}, name


def test_every_option_has_a_row_in_the_panel(plugin, rows):
    from changescribe.engine.contract.options import PANEL

    assert set(plugin.dock.form.rows.widgets) == {name for name, row in rows.items() if row.on(PANEL)}


def test_what_a_surface_leaves_out_has_a_reason(rows):
    reasons = [(name, surface, reason) for name, row in rows.items() for surface, reason in row.without.items()]
    assert reasons and all(len(reason.split()) > 3 for _, _, reason in reasons)


def test_texts_are_complete(rows):
    from changescribe.engine.contract.options import PANEL, PROCESSING
    from changescribe.qgis_plugin import option_texts

    shown = {name for name, row in rows.items() if row.on(PANEL) or row.on(PROCESSING)}
    for texts in (option_texts.TITLES, option_texts.TOOLTIPS):
        assert set(texts) == shown and all(texts.values())
    for name, titles in option_texts.CHOICES.items():
        assert set(titles) == set(rows[name].choices)


def test_widgets_hold_the_bounds_and_defaults_of_the_rows(plugin, rows):
    values = plugin.dock.form.options()
    assert {name: value for name, value in values.items() if name not in ("model", "device")} == {
        name: rows[name].default for name in values if name not in ("model", "device")
    }
    widgets = plugin.dock.form.rows.widgets
    assert widgets["batch_size"].maximum() == rows["batch_size"].high
    assert (widgets["tile_px"].minimum(), widgets["tile_px"].maximum()) == (rows["tile_px"].low, rows["tile_px"].high)
    for name, value in (("seed", 7), ("tile_px", 128), ("decoding", "greedy"), ("max_nodata", 0.25), ("threshold", 0.4), ("resolution", 1.5)):
        widgets[name].set_value(value)
        assert plugin.dock.form.options()[name] == value
        assert rows[name].accepts(plugin.dock.form.options()[name])


def test_an_added_option_appears_in_toolbox_and_panel(qgis_app, monkeypatch, window):
    """The row, its two texts, and nothing else."""
    from changescribe.engine.contract import request as schema
    from changescribe.engine.contract.options import PIXELS, option, options_of
    from changescribe.qgis_plugin import option_texts
    from changescribe.qgis_plugin.gui.form.option_rows import OptionRows
    from changescribe.qgis_plugin.processing.caption_changes import CaptionChanges
    from qgis.core import QgsProcessingContext
    from qgis.PyQt.QtWidgets import QFormLayout, QWidget

    members = [("haze", float, option(0.2, "real", PIXELS, low=0, high=1, need="a share", flag="--haze", help="how much haze to remove"))]
    request = dataclasses.make_dataclass("Request", members, bases=(schema.CaptionRequest,), frozen=True)
    added = options_of(request)["haze"]
    monkeypatch.setitem(schema.OPTIONS, "haze", added)
    monkeypatch.setitem(option_texts.TITLES, "haze", "Haze")
    monkeypatch.setitem(option_texts.TOOLTIPS, "haze", "How much haze to remove")

    algorithm = CaptionChanges()
    algorithm.initAlgorithm()
    assert algorithm.parameterDefinition("HAZE").defaultValue() == 0.2
    assert algorithm.engine_options({"HAZE": 0.5}, QgsProcessingContext())["haze"] == 0.5

    holder = QWidget()
    rows = OptionRows(holder)
    rows.add_rest(QFormLayout(holder))
    rows.widgets["haze"].set_value(0.75)
    assert rows.values()["haze"] == 0.75
