"""The provider; made in the plugin's ``initProcessing``."""

from __future__ import annotations

from qgis.core import QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from ...engine import __version__
from ..i18n import tr
from .accuracy import Accuracy, DrawSample
from .base import HELP_URL, ICON
from .caption_area import CaptionArea
from .caption_batch import CaptionBatch
from .caption_changes import CaptionChanges
from .engine_status import EngineStatus
from .reviewed import ChangeReport, ExportReviewed


class ChangeScribeProvider(QgsProcessingProvider):
    """Id ``changescribe``; never translated, never changed."""

    def id(self) -> str:
        return "changescribe"

    def name(self) -> str:
        return "ChangeScribe"

    def longName(self) -> str:
        return tr("ChangeScribe: captions of change")

    def versionInfo(self) -> str:
        return __version__

    def icon(self) -> QIcon:
        return QIcon(str(ICON))

    def helpId(self) -> str:
        return HELP_URL

    def loadAlgorithms(self) -> None:
        for algorithm in (CaptionChanges, CaptionBatch, CaptionArea, ChangeReport, ExportReviewed, DrawSample, Accuracy, EngineStatus):
            self.addAlgorithm(algorithm())
