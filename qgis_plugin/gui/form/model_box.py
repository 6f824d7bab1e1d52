"""The list of models, in the panel and among the settings."""

from __future__ import annotations

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QComboBox, QWidget

from ...i18n import tr
from ...layers.models import missing_note, model_ids


class ModelBox(QComboBox):
    """All models; one whose weights are not on this machine says so, and in its tool tip what to do."""

    def __init__(self, chosen: str, parent: QWidget | None = None):
        super().__init__(parent)
        for model in model_ids():
            note = missing_note(model)
            self.addItem(tr("{} (not installed)", model) if note else model, model)
            self.setItemData(self.count() - 1, note, Qt.ItemDataRole.ToolTipRole)
        self.setCurrentIndex(max(0, self.findData(chosen)))

    def chosen(self) -> str:
        """Id of the chosen model."""
        return self.currentData()
