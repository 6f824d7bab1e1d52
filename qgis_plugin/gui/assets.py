"""The plugin's own files: icons, style and help."""

from __future__ import annotations

from pathlib import Path

from qgis.PyQt.QtGui import QIcon

RESOURCES = Path(__file__).absolute().parents[2] / "resources"  # not resolved: a staged folder is made of links
STYLE = RESOURCES / "styles" / "change_captions.qml"
SCORE_STYLE = RESOURCES / "styles" / "change_score.qml"
HELP = RESOURCES / "help" / "index.html"


def icon(name: str) -> QIcon:
    """Icon ``resources/icons/NAME.svg``."""
    return QIcon(str(RESOURCES / "icons" / f"{name}.svg"))
