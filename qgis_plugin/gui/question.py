"""A question that a run asks about every tile, of models that answer some."""

from __future__ import annotations

from qgis.PyQt.QtWidgets import QFormLayout, QLineEdit, QWidget

from ...engine.schema import MAX_QUESTION
from ..i18n import tr
from ..processing.models import answers_questions


class QuestionWidget(QWidget):
    """Shown for a model that answers questions alone; an empty text asks nothing."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        self.text = QLineEdit()
        self.text.setMaxLength(MAX_QUESTION)
        self.text.setPlaceholderText(tr("such as: what happened to the trees?"))  # English in any language: the models know no other
        self.text.setToolTip(tr("Asked about every tile, in English; the answers go into a field of their own, beside the captions"))
        form.addRow(tr("Question"), self.text)

    def set_model(self, model: str) -> None:
        self.setVisible(answers_questions(model))

    def options(self, model: str) -> dict:
        """Members of a CaptionRequest for a model; what was typed for another one is kept and not asked."""
        return {"question": (self.text.text().strip() or None) if answers_questions(model) else None}
