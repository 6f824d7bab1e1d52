"""The report as one HTML file: pictures inside it, no script, nothing fetched; every text from outside is escaped."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import PurePath
from typing import Any

from PIL import Image

from .. import __version__
from ..accuracy.section import section
from .figure import KINDS, SIGNS, Cell
from .ground import Ground
from .layer import Layer
from .pictures import DATES, Pictures
from .story import NOUNS, Story, area_text, percent

JPEG_QUALITY = 85
STYLE = """
:root { color-scheme: light } * { box-sizing: border-box }
body { font: 16px/1.5 system-ui, "Segoe UI", Roboto, Arial, sans-serif; color: #222; background: #fff }
body { max-width: 1040px; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 0 }
h2 { font-size: 1.25rem; margin: 2rem 0 .5rem; border-bottom: 2px solid #222; padding-bottom: .15rem }
.of { color: #555; margin: .2rem 0 1.2rem } .summary { font-size: 1.1rem }
.note { background: #fff4d6; padding: .5rem .8rem; border-left: 4px solid #e69f00 }
table { border-collapse: collapse } th, td { text-align: left; vertical-align: top; padding: .25rem 1.2rem .25rem 0; border-bottom: 1px solid #ddd }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums } img { display: block; max-width: 100%; height: auto }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin: .5rem 0; padding: 0; list-style: none; font-size: .9rem }
.legend i { display: inline-block; width: .9em; height: .9em; margin-right: .4em; vertical-align: -.08em }
article { display: flex; gap: .8rem; flex-wrap: wrap; padding: .9rem 0; border-bottom: 1px solid #ddd; break-inside: avoid }
article > div { flex: 1 1 260px } .caption { font-size: 1.1rem; margin: 0 0 .3rem }
figure { margin: 0 } figcaption, .small, footer { color: #555; font-size: .85rem } .map img { width: 100% } footer { margin-top: 2rem }
@media print {
  @page { margin: 15mm } body { font-size: 10.5pt; margin: 0; max-width: none; padding: 0 }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact }
  h2, h2 + p { break-after: avoid } table, .map, tr { break-inside: avoid }
  figure img { width: 52mm } .map img { width: 100%; max-height: 220mm; object-fit: contain }
}
"""
# Even if an escape were forgotten, a browser would run and fetch nothing.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def render(
    layer: Layer,
    ground: Ground,
    story: Story,
    shown: Sequence[Cell],
    pictures: Pictures,
    picture: Image.Image,
    title: str,
    accuracy: dict[str, Any] | None = None,
) -> str:
    """The page's text.

    Parameters
    ----------
    shown : the top changes, in their order
    picture : the map
    accuracy : of the layer's judged sample, as ``accuracy.result.assess`` gives it
    """
    totals = _totals(story) + (f"<h2>By class</h2>\n{_class_table(story)}" if story.classes else "")
    if accuracy is not None:
        totals += section(accuracy)
    return "".join(_parts(layer, summary(story, accuracy), totals, _changes(story, shown, ground, pictures), pictures, picture, title))


def summary(story: Story, accuracy: dict[str, Any] | None) -> str:
    """The report's paragraph; with a judged sample it ends with the error-adjusted areas."""
    return story.paragraph() + (f" From {accuracy['judged']} judged tiles of a random sample: {accuracy['summary']}" if accuracy is not None else "")


def _parts(layer: Layer, words: str, totals: str, changes: str, pictures: Pictures, picture: Image.Image, title: str) -> Iterator[str]:
    yield f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    yield f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title><style>{STYLE}</style></head><body>\n'
    names = [PurePath(pictures.paths[date].replace("\\", "/")).name if date in pictures.paths else "an unknown raster" for date in DATES]
    yield f'<h1>{escape(title)}</h1>\n<p class="of">{escape(names[0])} compared with {escape(names[1])}</p>\n'
    yield f'<p class="summary">{escape(words)}</p>\n'
    yield from (f'<p class="note">{escape(note)}</p>\n' for note in pictures.notes)
    yield "<h2>Totals</h2>\n" + totals
    yield f'<h2>Map</h2>\n<figure class="map">{_img(picture, "Map of the changed tiles")}</figure>\n{_legend(layer.cells)}'
    yield changes
    yield "<h2>How this was made</h2>\n" + _provenance(layer)
    now = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    yield "<footer>Areas are those of whole tiles on the WGS 84 ellipsoid, not of the objects in them. "
    yield "Captions and classes come from a model that errs; "
    yield f"look at the pictures before you rely on them. Report by ChangeScribe {escape(__version__)}, {now}.</footer>\n</body></html>\n"


def _changes(story: Story, shown: Sequence[Cell], ground: Ground, pictures: Pictures) -> str:
    if not shown:
        return ""
    head = f"<h2>{'The change' if len(shown) == story.changed == 1 else 'Changes to look at first'}</h2>\n"
    head += '<p class="small">High change scores first; captions and neighbourhoods that were shown already stand back. '
    head += "Numbers are those on the map.</p>\n"
    return head + "".join(_change(number, cell, ground, pictures) for number, cell in enumerate(shown, 1))


def _totals(story: Story) -> str:
    share = f" ({percent(story.changed_share)} of the compared ground)" if story.compared else ""
    rows = [
        ("Tiles", story.tiles, ""),
        ("Compared", story.compared, area_text(story.compared_m2)),
        ("Changed", story.changed, area_text(story.changed_m2) + share),
        ("Skipped (too little data)", story.skipped, ""),
        ("Failed", story.failed, ""),
    ]
    if story.disputed:
        rows.append(("Marked as wrong, not corrected", story.disputed, ""))
    body = "".join(f'<tr><th scope="row">{name}</th><td class="n">{number:,}</td><td class="n">{text}</td></tr>' for name, number, text in rows)
    return f'<table><thead><tr><th></th><th class="n">Tiles</th><th class="n">Area</th></tr></thead><tbody>{body}</tbody></table>\n'


def _class_table(story: Story) -> str:
    body = "".join(
        f"<tr><td>{escape(NOUNS[row.name][0])}</td><td>{row.change}</td>"
        f'<td class="n">{row.tiles:,}</td><td class="n">{area_text(row.area_m2)}</td></tr>'
        for row in story.classes
    )
    head = '<tr><th>Class</th><th>Change</th><th class="n">Tiles</th><th class="n">Area of the tiles</th></tr>'
    note = '<p class="small">A tile counts in every class that changed in it, so the rows may add up to more than the total.</p>\n'
    return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>\n{note}"


def _legend(cells: Sequence[Cell]) -> str:
    used = {cell.colour for cell in cells if cell.changed}
    items = "".join(f'<li><i style="background:rgb{colour}"></i>{escape(name)}</li>' for name, _, colour in KINDS if colour in used)
    return f'<ul class="legend">{items}</ul>\n' if items else ""


def _change(number: int, cell: Cell, ground: Ground, pictures: Pictures) -> str:
    values = cell.properties
    xs, ys = zip(*cell.ring[:-1])
    lon, lat = ground.lon_lat(sum(xs) / len(xs), sum(ys) / len(ys))
    place = f"{abs(lat):.5f}° {'N' if lat >= 0 else 'S'}, {abs(lon):.5f}° {'E' if lon >= 0 else 'W'}"
    score = f"change score {values['change_score']:.2f}" if values["change_score"] is not None else "no change score"
    facts = [f"tile {values['tile_id']}", score, place, area_text(ground.area_m2([cell]))]
    if values.get("edited_caption"):
        facts.append("caption by a person")
    if values.get("review") == "right":
        facts.append("checked by a person")
    figures = []
    for date in DATES:
        picture = pictures.tile(cell, date)
        if picture is not None:
            figures.append(f"<figure>{_img(picture, f'{date}, change {number}')}<figcaption>{date}</figcaption></figure>")
    classes = "; ".join(f"{change}: {', '.join(_nouns(values[change]))}" for _, change in SIGNS if values[change])
    text = f'<p class="caption">{number}. {escape(values["caption"])}</p><p class="small">{escape(" · ".join(facts))}<br>{escape(classes)}</p>'
    return f"<article>{''.join(figures)}<div>{text}</div></article>\n"


def _nouns(names: str) -> list[str]:
    return [NOUNS[name][0] if name in NOUNS else name for name in names.split("; ")]


def _provenance(layer: Layer) -> str:
    found = layer.provenance
    model, versions = _dict(found.get("model")), _dict(found.get("versions"))
    rows: list[tuple[str, Any]] = [("Layer", f"{layer.path}, {layer.name}"), ("Run started", found.get("started"))]
    rows += [("Run ended", found.get("ended") or found.get("finished"))]
    # A layer that QGIS wrote has no entry of its own for the model; the request and every row name it.
    rows += [("Model", model.get("id") or ", ".join(sorted({str(cell.properties["model"]) for cell in layer.cells if cell.properties["model"]})))]
    rows += [("sha256 of its weights", model.get("sha256")), ("Change score from which a tile counts", found.get("threshold"))]
    rows += [(f"Request: {name}", value) for name, value in _dict(found.get("request")).items() if value is not None]
    rows += [("Versions", ", ".join(f"{name} {value}" for name, value in versions.items()))]
    body = "".join(f'<tr><th scope="row">{escape(name)}</th><td>{escape(_plain(value))}</td></tr>' for name, value in rows if value not in (None, ""))
    return f'<table class="small"><tbody>{body}</tbody></table>\n'


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _dict(value: Any) -> dict:
    return value if isinstance(value, dict) else {}


def _img(picture: Image.Image, title: str) -> str:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=JPEG_QUALITY)
    data = base64.b64encode(stream.getvalue()).decode("ascii")
    return f'<img alt="{escape(title)}" width="{picture.width}" height="{picture.height}" src="data:image/jpeg;base64,{data}">'
