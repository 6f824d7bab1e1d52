"""Write the outputs' styles (change_*.qml) with QGIS itself: ``/usr/bin/python3 resources/styles/make_style.py``.

Made with the oldest QGIS supported (3.22), so that every later one reads it. Colours are those of Okabe and Ito, which colour-blind
people tell apart (bare land has a brown of about the same kind); what is removed has a dashed outline as well.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parents[1]))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from osgeo import gdal  # noqa: E402
from qgis.core import (  # noqa: E402
    Qgis,
    QgsApplication,
    QgsCategorizedSymbolRenderer,
    QgsColorRampShader,
    QgsEditFormConfig,
    QgsEditorWidgetSetup,
    QgsFillSymbol,
    QgsGraduatedSymbolRenderer,
    QgsMapLayer,
    QgsPalLayerSettings,
    QgsProperty,
    QgsRasterLayer,
    QgsRasterShader,
    QgsRendererCategory,
    QgsRendererRange,
    QgsSingleBandPseudoColorRenderer,
    QgsTextBufferSettings,
    QgsTextFormat,
    QgsVectorLayer,
    QgsVectorLayerSimpleLabeling,
)
from qgis.PyQt.QtGui import QColor, QFont  # noqa: E402

from engine.contract.fields import REVIEW, TILE, fields_of  # noqa: E402
from engine.contract.tiles import CLASSES  # noqa: E402

MEMORY_TYPES = {"text": "string", "int": "integer", "bool": "bool", "real": "double"}
WRAP_CHARACTERS = 19
SHOWN_FROM = 0.13  # of the map's width: a label needs a tile at least so wide
# (key, legend, condition, colour, whether something went away); the first condition that holds is the tile's class.
KINDS = (
    ("building_added", "Building added", "\"added\" LIKE '%building%'", "#d55e00", False),
    ("building_removed", "Building removed", "\"removed\" LIKE '%building%'", "#cc79a7", True),
    ("road", "Road or parking", "{all} LIKE '%road%' OR {all} LIKE '%parking%'", "#e69f00", False),
    ("vegetation_removed", "Vegetation removed", "\"removed\" LIKE '%vegetation%'", "#f0e442", True),
    ("vegetation_added", "Vegetation added", "\"added\" LIKE '%vegetation%'", "#009e73", False),
    ("water", "Water", "{all} LIKE '%water%'", "#0072b2", False),
    ("bareland", "Bare land", "{all} LIKE '%bareland%'", "#8c6239", False),
    ("other", "Other change", "TRUE", "#56b4e9", False),
)
# What a person may correct.
EDITABLE = ("changed", "added", "removed", "altered", "edited_caption", "review")
CLASS_TEXT = f"coalesce(\"{{field}}\", '') = '' OR regexp_match(\"{{field}}\", '^({'|'.join(CLASSES)})(; ({'|'.join(CLASSES)}))*$')"
NULL_VALUE = "{2839923C-8B7D-419E-B84B-CA2FE9B80EC7}"  # QGIS's sign for NULL in a value map
# What holds: a person's words, else the model's. Layers of older versions lack the column, which ``attribute`` forgives.
CAPTION = 'coalesce(attribute(\'edited_caption\'), "caption", "status")'
ALL_CLASSES = 'concat("added", \';\', "removed", \';\', "altered")'


def class_expression() -> str:
    """Key of a tile's main class; NULL fields count as empty."""
    whens = [f"WHEN {condition.format(all=ALL_CLASSES)} THEN '{key}'" for key, _, condition, _, _ in KINDS]
    return (
        "CASE WHEN \"status\" = 'failed' THEN 'failed' WHEN \"status\" = 'skipped_nodata' THEN 'skipped' "
        f"WHEN NOT coalesce(\"changed\", FALSE) THEN 'unchanged' {' '.join(whens)} END"
    )


def fill(colour: str, alpha: int, outline: str, outline_alpha: int, width_mm: float, line: str = "solid", style: str = "solid") -> QgsFillSymbol:
    inside, edge = QColor(colour), QColor(outline)
    inside.setAlpha(alpha)
    edge.setAlpha(outline_alpha)
    return QgsFillSymbol.createSimple(
        {
            "color": ",".join(map(str, inside.getRgb())),
            "style": style,
            "outline_color": ",".join(map(str, edge.getRgb())),
            "outline_width": str(width_mm),
            "outline_style": line,
            "joinstyle": "miter",
        }
    )


def renderer() -> QgsCategorizedSymbolRenderer:
    categories = [
        QgsRendererCategory(key, fill(colour, 32, colour, 255, 0.7, "dash" if removed else "solid"), legend)
        for key, legend, _, colour, removed in KINDS
    ]
    categories.append(QgsRendererCategory("unchanged", fill("#ffffff", 0, "#ffffff", 90, 0.15), "Unchanged"))
    categories.append(QgsRendererCategory("skipped", fill("#808080", 160, "#808080", 160, 0.2, style="b_diagonal"), "Skipped: too little data"))
    categories.append(QgsRendererCategory("failed", fill("#303030", 200, "#303030", 200, 0.3, style="diagonal_x"), "Failed"))
    return QgsCategorizedSymbolRenderer(class_expression(), categories)


# Change score up to, colour, opacity of the fill: tiles that have hardly changed show the map below.
SCORES = ((0.1, "#ffffb2", 0), (0.3, "#fed976", 15), (0.5, "#feb24c", 30), (0.7, "#fd8d3c", 45), (0.9, "#f03b20", 60), (1.0, "#bd0026", 75))


def score_renderer() -> QgsGraduatedSymbolRenderer:
    """Tiles by change score, from pale yellow to dark red; those without a score are not drawn."""
    ranges, low = [], 0.0
    for high, colour, alpha in SCORES:
        ranges.append(QgsRendererRange(low, high, fill(colour, alpha, colour, 90 + 2 * alpha, 0.5), f"{low:.1f}–{high:.1f}"))
        low = high
    return QgsGraduatedSymbolRenderer("change_score", ranges)


def labeling() -> QgsVectorLayerSimpleLabeling:
    text = QgsTextFormat()
    text.setFont(QFont("Sans Serif"))
    text.setSize(8)
    text.setColor(QColor("#1a1a1a"))
    halo = QgsTextBufferSettings()
    halo.setEnabled(True)
    halo.setSize(0.9)
    halo.setColor(QColor("#ffffff"))
    text.setBuffer(halo)
    settings = QgsPalLayerSettings()
    settings.setFormat(text)
    settings.fieldName = f'CASE WHEN "changed" THEN {CAPTION} END'
    settings.isExpression = True
    settings.autoWrapLength = WRAP_CHARACTERS
    settings.multilineAlign = QgsPalLayerSettings.MultiLineAlign.MultiCenter
    settings.placement = QgsPalLayerSettings.Placement.OverPoint
    settings.centroidInside = True
    settings.priority = 5
    # Relative to the map: a scale would suit one ground resolution only.
    shown = f"bounds_width(transform($geometry, layer_property(@layer_id, 'crs'), @map_crs)) > {SHOWN_FROM} * @map_extent_width"
    settings.dataDefinedProperties().setProperty(QgsPalLayerSettings.Property.Show, QgsProperty.fromExpression(shown))
    return QgsVectorLayerSimpleLabeling(settings)


def escaped(expression: str) -> str:
    """Expression of a text with its HTML signs escaped: what a caption holds is text."""
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        expression = f"replace({expression}, '{sign}', '{entity}')"
    return expression


def map_tip() -> str:
    lines = [f'<div style="width:300px"><b>[% {escaped(CAPTION)} %]</b>']
    for sign, name in (("+", "added"), ("&minus;", "removed"), ("~", "altered")):
        value = escaped(f'"{name}"')
        lines.append(f"[% CASE WHEN \"{name}\" <> '' THEN concat('<br>{sign} ', {value}) ELSE '' END %]")
    lines.append(
        "<br><small>[% CASE WHEN \"change_score\" IS NOT NULL THEN concat('change ', round(100 * \"change_score\"), ' % &middot; caption ', "
        f"round(100 * \"score\"), ' % &middot; ') ELSE '' END %][% {escaped(chr(34) + 'tile_id' + chr(34))} %]</small></div>"
    )
    return "\n".join(lines)


def set_up_form(layer: QgsVectorLayer) -> None:
    """Aliases; the machine's fields read-only, what a review corrects editable."""
    form = layer.editFormConfig()
    form.setLayout(QgsEditFormConfig.EditorLayout.GeneratedLayout)
    lines = QgsEditorWidgetSetup("TextEdit", {"IsMultiline": True, "UseHtml": False})
    choice = QgsEditorWidgetSetup("ValueMap", {"map": [{"Not looked at": NULL_VALUE}, {"Right": "right"}, {"Wrong": "wrong"}]})
    widgets = {"caption": lines, "edited_caption": lines, "review": choice, "changed": QgsEditorWidgetSetup("CheckBox", {})}
    for name, alias in ((field.name, field.alias) for field in fields_of(TILE, REVIEW)):
        index = layer.fields().indexOf(name)
        layer.setFieldAlias(index, alias)
        form.setReadOnly(index, name not in EDITABLE)
        if name in widgets:
            layer.setEditorWidgetSetup(index, widgets[name])
    for change in ("added", "removed", "altered"):
        names = f"class names joined by '; ', of {', '.join(CLASSES)}"
        layer.setConstraintExpression(layer.fields().indexOf(change), CLASS_TEXT.format(field=change), names)
    layer.setEditFormConfig(form)
    layer.setDisplayExpression(CAPTION)


# Heat in percent, colour, opacity: what has not changed shows the map below.
HEAT = ((0, "#fee08b", 0), (20, "#fee08b", 60), (50, "#f46d43", 150), (100, "#a50026", 200))


def save_heat_style() -> None:
    """Write change_heat.qml: a ramp from clear over yellow to dark red."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/heat.tif"
        gdal.GetDriverByName("GTiff").Create(path, 2, 2).FlushCache()
        layer = QgsRasterLayer(path, "heat")
        shades = []
        for percent, colour, alpha in HEAT:
            shade = QColor(colour)
            shade.setAlpha(alpha)
            shades.append(QgsColorRampShader.ColorRampItem(percent, shade, f"{percent} %"))
        ramp = QgsColorRampShader(0, 100)
        ramp.setColorRampType(QgsColorRampShader.Type.Interpolated)
        ramp.setColorRampItemList(shades)
        shader = QgsRasterShader(0, 100)
        shader.setRasterShaderFunction(ramp)
        drawn = QgsSingleBandPseudoColorRenderer(layer.dataProvider(), 1, shader)
        drawn.setClassificationMin(0)
        drawn.setClassificationMax(100)
        layer.setRenderer(drawn)
        message, ok = layer.saveNamedStyle(str(FOLDER / "change_heat.qml"), QgsMapLayer.StyleCategory.Symbology)
        print(message or "change_heat.qml")
        if not ok:
            raise SystemExit(1)


def main() -> None:
    application = QgsApplication([], False)
    application.initQgis()
    save_heat_style()
    fields = "&".join(f"field={field.name}:{MEMORY_TYPES[field.kind]}" for field in fields_of(TILE, REVIEW))
    layer = QgsVectorLayer(f"Polygon?{fields}", "change_captions", "memory")
    layer.setRenderer(renderer())
    layer.setLabeling(labeling())
    layer.setLabelsEnabled(True)
    layer.setMapTipTemplate(map_tip())
    set_up_form(layer)
    category = QgsMapLayer.StyleCategory
    kept = category.Symbology | category.Labeling | category.Fields | category.Forms | category.MapTips | category.AttributeTable | category.Rendering
    message, ok = layer.saveNamedStyle(str(FOLDER / "change_captions.qml"), kept)
    print(f"{message or 'change_captions.qml'} (QGIS {Qgis.QGIS_VERSION})")
    layer.setRenderer(score_renderer())
    message, scored = layer.saveNamedStyle(str(FOLDER / "change_score.qml"), category.Symbology)
    print(message or "change_score.qml")
    del layer
    application.exitQgis()
    sys.exit(not (ok and scored))


if __name__ == "__main__":
    main()
