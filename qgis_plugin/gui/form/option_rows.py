"""Run options as rows of a form: widgets made from the rows of ``schema.OPTIONS``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qgis.gui import QgsFileWidget
from qgis.PyQt.QtCore import QObject, pyqtSignal
from qgis.PyQt.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QFormLayout, QHBoxLayout, QLineEdit, QSpinBox, QWidget

from ....engine.contract.options import PANEL, Option
from ....engine.contract.request import OPTIONS
from ....engine.contract.validity import FILLS
from ...i18n import tr
from ...layers.models import has_capability, samplers_of
from ...option_texts import CHOICES, MODELS_OWN, PLACEHOLDERS, TITLES, TOOLTIPS, UNSET
from ..settings.settings_values import default_device, default_model
from .model_box import ModelBox

MAX_NUMBER = 2**31 - 1
BOX_CHARACTERS = 7  # that a box shows at least; where its label leaves less, it goes below the label
MAX_STEPS = 2000  # of the longest chain
RESOLUTIONS = ("native", "model", "metres")


class WholeNumber(QSpinBox):
    """A whole number; one below the least stands for no value."""

    def __init__(self, row: Option):
        super().__init__()
        self._row = row
        low, high = int(row.low or 0), int(MAX_STEPS if row.name == "steps" else row.high or MAX_NUMBER)
        self._unset = low - 1 if row.optional else None
        self.setRange(low if self._unset is None else self._unset, high)
        if self._unset is not None:
            self.setSpecialValueText(tr(UNSET.get(row.name, MODELS_OWN)))
        if row.name.endswith("_px"):
            self.setSuffix(tr(" pixels"))
        self.changed = self.valueChanged

    def value(self) -> int | None:
        number = super().value()
        return None if number == self._unset else number

    def set_value(self, value: int | None) -> None:
        self.setValue(self._unset if value is None else value)


class Share(QDoubleSpinBox):
    """A share or score of 0 to 1, shown in percent where the row has it so; just below 0 stands for no value."""

    def __init__(self, row: Option):
        super().__init__()
        self._optional, self._scale = row.optional, 100 if row.percent else 1
        self.setDecimals(0 if row.percent else 2)
        self.setSingleStep(5 if row.percent else 0.05)
        self.setSuffix(" %" if row.percent else "")
        high = float(row.high if row.high is not None else MAX_NUMBER) * self._scale
        self.setRange(-0.01 if row.optional else float(row.low or 0) * self._scale, high)
        if row.optional:
            self.setSpecialValueText(tr(UNSET.get(row.name, MODELS_OWN)))
        self.changed = self.valueChanged

    def value(self) -> float | None:
        number = super().value()
        return None if self._optional and number < 0 else number / self._scale

    def set_value(self, value: float | None) -> None:
        self.setValue(-0.01 if value is None else value * self._scale)


class Choice(QComboBox):
    """One of a list; the sampler's list is the chosen model's."""

    def __init__(self, row: Option):
        super().__init__()
        self._row = row
        self.setMinimumContentsLength(BOX_CHARACTERS)
        self.fill(row.choices)
        self.changed = self.currentIndexChanged

    def fill(self, values: tuple[str, ...] | list[str]) -> None:
        """Offer values, after the one that stands for the model's own."""
        self.clear()
        if self._row.optional:
            self.addItem(tr(UNSET.get(self._row.name, MODELS_OWN)), None)
        titles = CHOICES.get(self._row.name, {})
        for value in values:
            self.addItem(tr(titles[value]) if value in titles else value, value)

    def value(self) -> str | None:
        return self.currentData()

    def set_value(self, value: str | None) -> None:
        self.setCurrentIndex(max(0, self.findData(value)))


class Resolution(QWidget):
    """The before layer's pixels, the model's, or metres."""

    changed = pyqtSignal()

    def __init__(self, row: Option):
        super().__init__()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.kind, self.metres = QComboBox(), QDoubleSpinBox()
        self.kind.setMinimumContentsLength(BOX_CHARACTERS)
        self.kind.addItems([tr("Of the before layer"), tr("What the model was trained at"), tr("Metres per pixel…")])
        self.metres.setRange(0.01, 1000)
        self.metres.setDecimals(2)
        self.metres.setValue(0.5)
        self.metres.setSuffix(tr(" m"))
        self.metres.hide()
        layout.addWidget(self.kind, 1)
        layout.addWidget(self.metres)
        self.kind.currentIndexChanged.connect(self._kind_changed)
        self.metres.valueChanged.connect(lambda _value: self.changed.emit())

    def _kind_changed(self, index: int) -> None:
        self.metres.setVisible(RESOLUTIONS[index] == "metres")
        self.changed.emit()

    def value(self) -> str | float:
        kind = RESOLUTIONS[self.kind.currentIndex()]
        return self.metres.value() if kind == "metres" else kind

    def set_value(self, value: str | float) -> None:
        if not isinstance(value, str):
            self.metres.setValue(value)
        self.kind.setCurrentIndex(RESOLUTIONS.index(value if isinstance(value, str) else "metres"))


class Fill(QComboBox):
    """Found, none, or a value that is typed."""

    def __init__(self, row: Option):
        super().__init__()
        self._row = row
        self.setEditable(True)
        self.setMinimumContentsLength(BOX_CHARACTERS)
        self.addItems(FILLS)
        self.changed = self.currentTextChanged

    def value(self) -> str | float:
        try:
            return self._row.read(self.currentText())
        except ValueError:  # ``CaptionRequest.verify`` says what is wrong with it
            return self.currentText()

    def set_value(self, value: str | float) -> None:
        self.setCurrentText(value if isinstance(value, str) else f"{value:g}")


class Text(QLineEdit):
    """A line of text; an empty one stands for no value."""

    def __init__(self, row: Option):
        super().__init__()
        if row.high is not None:
            self.setMaxLength(int(row.high))
        self.setPlaceholderText(tr(PLACEHOLDERS[row.name]) if row.name in PLACEHOLDERS else "")
        self.changed = self.textChanged

    def value(self) -> str | None:
        return self.text().strip() or None

    def set_value(self, value: str | None) -> None:
        self.setText(value or "")


class Path(QgsFileWidget):
    """A file; an empty name stands for no value."""

    def __init__(self, row: Option):
        super().__init__()
        self.changed = self.fileChanged

    def value(self) -> str | None:
        return self.filePath().strip() or None

    def set_value(self, value: str | None) -> None:
        self.setFilePath(value or "")


class Flag(QCheckBox):
    """Yes or no."""

    def __init__(self, row: Option):
        super().__init__()
        self.changed = self.toggled

    def value(self) -> bool:
        return self.isChecked()

    def set_value(self, value: bool) -> None:
        self.setChecked(value)


# Each holds an option's value: ``value()``, ``set_value(value)`` and the signal ``changed``.
WIDGETS: dict[str, Callable[[Option], Any]] = {
    "int": WholeNumber,
    "real": Share,
    "choice": Choice,
    "resolution": Resolution,
    "fill": Fill,
    "text": Text,
    "path": Path,
    "flag": Flag,
}


class OptionRows(QObject):
    """The options' widgets, by name; ``changed`` after any edit.

    Options that the chosen model does not take are hidden and have their default.
    """

    changed = pyqtSignal()

    def __init__(self, parent: QWidget):
        super().__init__(parent)
        self.widgets: dict[str, Any] = {}
        self._forms: dict[str, QFormLayout] = {}

    def add(self, form: QFormLayout, name: str) -> None:
        """Add an option's row to a form, with its default."""
        row = OPTIONS[name]
        widget: Any = ModelBox(default_model()) if name == "model" else WIDGETS[row.kind](row)
        if name != "model":
            widget.set_value(default_device() if name == "device" else row.default)
        widget.setToolTip(tr(TOOLTIPS[name]))
        form.addRow(tr(TITLES[name]), widget)
        self.widgets[name], self._forms[name] = widget, form
        signal = widget.currentIndexChanged if name == "model" else widget.changed
        signal.connect(self._edited)

    def add_rest(self, form: QFormLayout) -> None:
        """Add the options of the panel that have no row yet; those of some models come last, because a hidden row leaves a gap."""
        rest = [name for name, row in OPTIONS.items() if row.on(PANEL) and name not in self.widgets]
        for name in sorted(rest, key=lambda name: bool(OPTIONS[name].capability)):
            self.add(form, name)
        self.set_model()

    def set_model(self) -> None:
        """Show what the chosen model takes, with its own values."""
        self.widgets["sampler"].fill(samplers_of(self.widgets["model"].chosen()))
        for name, widget in self.widgets.items():
            row = OPTIONS[name]
            if row.capability and row.kind != "text":  # what was typed for another model is kept, and not asked
                widget.set_value(row.default)
        self.show_rows()

    def show_rows(self) -> None:
        """Hide the rows that the chosen model does not take; again after a group box was expanded, which shows all that it holds."""
        model = self.widgets["model"].chosen()
        for name, widget in self.widgets.items():
            if OPTIONS[name].capability:
                shown = has_capability(model, OPTIONS[name].capability)
                widget.setVisible(shown)
                self._forms[name].labelForField(widget).setVisible(shown)

    def values(self) -> dict[str, Any]:
        """Members of a CaptionRequest."""
        model = self.widgets["model"].chosen()
        found: dict[str, Any] = {"model": model}
        for name, widget in self.widgets.items():
            row = OPTIONS[name]
            if name != "model":
                found[name] = widget.value() if not row.capability or has_capability(model, row.capability) else row.default
        return found

    def _edited(self, *_: object) -> None:
        if self.sender() is self.widgets.get("model"):
            self.set_model()
        self.changed.emit()
