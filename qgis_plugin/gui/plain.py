"""Text that comes from files, layers or the model, shown as text: Qt and QGIS take whatever looks like HTML for HTML, pictures included."""

from __future__ import annotations

from html import escape

from qgis.core import QgsMessageLog
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QLabel

LOG_TAG = "ChangeScribe"


def plain_label() -> QLabel:
    """A label that shows markup as it is written; wraps its lines."""
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    return label


def tool_tip(text: str) -> str:
    """A tool tip that shows ``text``; tool tips know no plain text, and break lines in rich text only where told."""
    return "<p>" + escape(text).replace("\n", "<br>") + "</p>"


def log(text: str) -> None:
    """A line in QGIS's message log, whose panel appends what it gets as HTML."""
    QgsMessageLog.logMessage(escape(text, quote=False), LOG_TAG, notifyUser=False)
