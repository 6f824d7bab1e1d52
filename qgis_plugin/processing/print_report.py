"""The report as PDF, printed by Qt: no browser and no further library is needed."""

from __future__ import annotations

import os
import re
from functools import partial

from qgis.PyQt.QtGui import QPageLayout, QPageSize, QPdfWriter, QTextDocument

from ...engine.contract.errors import OutputError
from ..i18n import tr

IMAGE_PX, TILE_PX = 600, 170  # at 96 dpi what lies between the margins of A4, and a tile's picture; Qt's rich text knows no largest width
SIZE = re.compile(r'width="(\d+)" height="(\d+)"')
STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
# Qt's rich text knows neither flexible boxes nor figures: its own short style, and a table in place of a change's box; the text is unchanged.
ARTICLE = re.compile(r"<article>(.*?)</article>", re.DOTALL)
AS_TABLE = (("<figure>", "<td>"), ("</figure>", "</td>"), ("<figcaption>", "<br>"), ("</figcaption>", ""), ("<div>", "<td>"), ("</div>", "</td>"))
PRINTED = (
    "<style>body { font-family: sans-serif; font-size: 9pt } h1 { font-size: 16pt } h2 { font-size: 12pt } h3 { font-size: 10pt } "
    "td, th { padding: 2px 8px 2px 0; text-align: left } .small, .of, footer { color: #555555; font-size: 8pt } .note { background: #fff4d6 }</style>"
)


def print_page(page: str, target: str) -> None:
    """Write a report's HTML as a PDF of A4 pages; in any thread.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    before = _stamp(target)
    document = QTextDocument()
    document.setHtml(printable(page))
    writer = QPdfWriter(target)
    writer.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
    writer.setPageOrientation(QPageLayout.Orientation.Portrait)
    writer.setResolution(300)
    writer.setTitle(document.metaInformation(QTextDocument.MetaInformation.DocumentTitle))
    writer.setCreator("ChangeScribe")
    document.print(writer)
    del writer  # writes the end of the file
    if before == _stamp(target) or not os.path.isfile(target) or not os.path.getsize(target):
        raise OutputError(tr("{} cannot be written", target), tr("a file that you may change"), tr("choose another name"))


def printable(page: str) -> str:
    """The page in what Qt's rich text knows."""
    text = ARTICLE.sub(_change, STYLE.sub(PRINTED, page)).replace('<figure class="map">', "<p>").replace("</figure>", "</p>")
    return SIZE.sub(partial(_fitting, IMAGE_PX), text)


def _change(article: re.Match) -> str:
    """One change, its pictures beside its text."""
    text = SIZE.sub(partial(_fitting, TILE_PX), article[1])
    for tag, other in AS_TABLE:
        text = text.replace(tag, other)
    return f"<table><tr>{text}</tr></table>"


def _stamp(path: str) -> int | None:
    """When a file was written, in nanoseconds; None where there is none."""
    return os.stat(path).st_mtime_ns if os.path.exists(path) else None


def _fitting(widest: int, size: re.Match) -> str:
    """A picture's size, scaled down where it is wider."""
    width, height = int(size[1]), int(size[2])
    scale = min(1.0, widest / width)
    return f'width="{round(width * scale)}" height="{round(height * scale)}"'
