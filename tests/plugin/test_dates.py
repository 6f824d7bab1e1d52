"""Dates of layers, and which of them is before."""

from datetime import date

import pytest
from osgeo import gdal
from qgis.core import Qgis, QgsDateTimeRange, QgsProcessingContext, QgsRasterLayer
from qgis.PyQt.QtCore import QDate, QDateTime, QTime

from helpers import write_raster


@pytest.fixture
def make(qgis_app, tmp_path):
    def layer(name="scene", file="scene", tag=None, **place):
        path = write_raster(tmp_path / f"{file}.tif", size=8, **place)
        if tag:
            dataset = gdal.Open(path, gdal.GA_Update)
            dataset.SetMetadataItem("TIFFTAG_DATETIME", tag)
            dataset.FlushCache()
        return QgsRasterLayer(path, name)

    return layer


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ortho_2018-05-03", "2018-05-03"),
        ("S2A_MSIL1C_20180503T101031_N0206_R022_T33UUP_20180503T121212", "2018-05-03"),
        ("LC08_L1TP_193024_20170812_20170824_01_T1", "2017-08-12"),
        ("city 2021_06", "2021-06"),
        ("dop20_2015", "2015"),
        ("flug 03.05.2018", "2018"),
        ("2018-02-31 2019-02-01", "2019-02-01"),
        ("tile_2048", None),
        ("12018053", None),
        ("before", None),
    ],
)
def test_dates_in_names(text, expected):
    from changescribe.qgis_plugin.layers.dates import period_in

    found = period_in(text)
    assert (found and str(found)) == expected


def test_a_date_to_come_is_none():
    from changescribe.qgis_plugin.layers.dates import period_in

    assert period_in(f"plan_{date.today().year + 1}") is None


def test_temporal_settings_come_first_then_names_then_metadata(make):
    from changescribe.qgis_plugin.layers.dates import layer_period

    layer = make("aerial 2015", "x_2016", "2017:03:04 10:00:00")
    properties = layer.temporalProperties()
    properties.setMode(Qgis.RasterTemporalMode.FixedTemporalRange)
    days = [QDateTime(QDate(2014, 1, day), QTime(12, 0)) for day in (2, 5)]
    properties.setFixedTemporalRange(QgsDateTimeRange(*days))
    assert str(layer_period(layer)) == "2015"  # the settings are not switched on
    properties.setIsActive(True)
    assert str(layer_period(layer)) == "2014-01-02/2014-01-05"
    properties.setIsActive(False)
    layer.setName("aerial")
    assert str(layer_period(layer)) == "2016"


def test_a_tiffs_own_date(make):
    from changescribe.qgis_plugin.layers.dates import layer_period

    assert str(layer_period(make(tag="2017:03:04 10:00:00"))) == "2017-03-04"
    assert layer_period(make(file="other")) is None


def pair_of(*layers):
    from changescribe.qgis_plugin.layers.dates import choose_pair

    found = choose_pair(layers, QgsProcessingContext())
    return found and tuple(layer.name() for layer in found)


def test_the_earliest_and_the_latest_are_chosen(make):
    layers = [make(name, name) for name in ("city_2015", "city_2023", "city_2019-04")]
    assert pair_of(*layers) == ("city_2015", "city_2023")
    assert pair_of(*reversed(layers)) == ("city_2015", "city_2023")


def test_words_and_else_the_order_in_the_tree(make):
    assert pair_of(make("after", "1"), make("base map", "2"), make("Before storm", "3")) == ("Before storm", "after")
    assert pair_of(make("x", "4"), make("y", "5")) == ("y", "x")
    assert pair_of(make("x", "6")) is None


def test_layers_without_common_ground_are_no_pair(make):
    far = make("far_2010", "far", origin=(900000.0, 5000000.0))
    assert pair_of(far, make("a_2015", "a"), make("b_2018", "b")) == ("a_2015", "b_2018")
    assert pair_of(far, make("c", "c")) is None


def test_swapped_dates(qgis_app):
    from changescribe.qgis_plugin.layers.dates import period_in, swapped

    early, late, year = period_in("2018-05"), period_in("2020-01-01"), period_in("2018")
    assert swapped(late, early) and not swapped(early, late)
    assert not swapped(year, early)  # nobody can say
    assert not swapped(None, early)


def test_the_time_between_two_dates(qgis_app):
    from changescribe.qgis_plugin.layers.dates import period_in, time_between

    early, late = period_in("2018-05"), period_in("2020-01-01")
    span = time_between(early, late)
    assert (span.begin(), span.end()) == (QDateTime(QDate(2018, 5, 1), QTime(0, 0)), QDateTime(QDate(2020, 1, 1), QTime(23, 59, 59)))
    assert [time_between(*pair) for pair in ((late, early), (early, early), (None, late), (early, None))] == [None] * 4
