"""The options of models that draw samples: steps, sampler, samples a tile."""

from __future__ import annotations

from qgis.PyQt.QtWidgets import QComboBox, QFormLayout, QSpinBox, QWidget

from ...engine.schema import MAX_SAMPLES
from ..i18n import tr
from ..processing.models import samplers_of

MAX_STEPS = 2000  # of the longest chain


class SamplingWidget(QWidget):
    """Shown for a model that draws samples alone; the first value of each box is the model's own."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.steps, self.sampler, self.samples = QSpinBox(), QComboBox(), QSpinBox()
        for box, most in ((self.steps, MAX_STEPS), (self.samples, MAX_SAMPLES)):
            box.setRange(0, most)
            box.setSpecialValueText(tr("the model's own"))
        self.steps.setToolTip(tr("Steps of the sampler; fewer are faster"))
        self.samples.setToolTip(tr("Captions drawn for each tile; the one most like the others is kept. Two take twice as long as one"))
        form.addRow(tr("Sampler"), self.sampler)
        form.addRow(tr("Sampling steps"), self.steps)
        form.addRow(tr("Samples a tile"), self.samples)

    def set_model(self, model: str) -> None:
        """Show what the model takes, with its own values; nothing of one that draws no samples."""
        samplers = samplers_of(model)
        self.setVisible(bool(samplers))
        self.sampler.clear()
        self.sampler.addItem(tr("the model's own"), None)
        for name in samplers:
            self.sampler.addItem(name, name)
        self.steps.setValue(0)
        self.samples.setValue(0)

    def options(self) -> dict:
        """Members of a CaptionRequest."""
        return {"steps": self.steps.value() or None, "sampler": self.sampler.currentData(), "samples": self.samples.value() or None}
