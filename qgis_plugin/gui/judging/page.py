"""The panel's page to judge a sample: both dates of one tile after another, a key each, what the model said hidden."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from qgis.core import QgsExpression, QgsFeatureRequest, QgsVectorLayer
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QEvent, Qt
from qgis.PyQt.QtGui import QKeyEvent
from qgis.PyQt.QtWidgets import QGridLayout, QHBoxLayout, QProgressBar, QPushButton, QToolButton, QVBoxLayout, QWidget

from ....engine.contract.errors import ChangeScribeError, InputError
from ...i18n import mark, tr
from ..plain import plain_label
from ..results.compare import ComparePanel, tile_geometry
from ..results.tiles import caption_text
from ..results.two_dates import TwoDates
from ..run.request import explain
from .blind_map import BlindMap
from .keys import KeyReader, labels
from .sample_file import SampleFile, now
from .source import SourceRows

DRAW, ESTIMATE = "changescribe:drawsample", "changescribe:accuracy"
BUTTONS_A_ROW = 4
HINT = mark("Left, Right: previous, next · Del: take back · Backspace: undo · M: the model's answer · F: flicker · S: swipe")


class JudgingPage(QWidget):
    """Choose or draw a sample, judge it, go on to the estimates.

    Parameters
    ----------
    layers : callable
        The before and the after layer of the panel's form, for samples that name no rasters.
    captions : callable
        The layer of captions that is listed, or None; offered to be drawn from.
    restore : callable
        Gives the canvas the project's layers back.

    Attributes
    ----------
    sample : SampleFile or None
    place : int
        Of the tile that is shown, in the sample's order.
    """

    def __init__(self, canvas: QgsMapCanvas, layers: Callable, captions: Callable, restore: Callable[[], None], parent: QWidget | None = None):
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._form_layers, self._captions = layers, captions
        self.sample: SampleFile | None = None
        self.place = 0
        self._keys = KeyReader([])
        self._undo: list[tuple[int, dict[str, Any]]] = []  # place and values before, of this session's judgements
        self.source, self.compare = SourceRows(), ComparePanel()
        self.blind = BlindMap(canvas, self.source.layers, restore, self)
        self.two_dates = TwoDates(canvas, self.compare, self.source.layers, self.blind.show, self)
        self._build()
        self._connect()
        self._refresh()

    def begin(self) -> None:
        """Put the keyboard where it is needed next: in the sample's field, or on the tile."""
        if self.sample is None:
            self.source.file.lineEdit().setFocus()
        else:
            self.setFocus()

    def open(self, path: str) -> None:
        """Open a sample at the first tile that is not judged."""
        try:
            sample = SampleFile(path)
        except ChangeScribeError as error:
            self.message.setText(explain(error))
            return
        self.sample, self._undo = sample, []
        self._keys = KeyReader(sample.classes)
        self._lay_out_keys()
        self.source.show_path(path)
        self.source.choose_layers(sample.rasters, self._form_layers())
        self.blind.set_active(self.isVisible())
        self._go_on(0)
        self.setFocus()

    def judge(self, reference: str | None) -> None:
        """Write what the shown tile is (a class, UNSURE, or None to take it back) and go on to the next one that is not judged."""
        if self.sample is None:
            return
        if not self.source.judge():
            self._say(tr("Type your name first: each judgement keeps who made it."))
            return
        values = self.sample.judgement(self.place, self.source.suffix(), reference, self.source.judge())
        if self._write(self.place, values) and reference is not None:
            self._go_on(self.place + 1)
        else:
            self._refresh()

    def undo(self) -> None:
        """Take back the latest judgement of this session, and show its tile."""
        if self.sample is None or not self._undo:
            return
        place, values = self._undo.pop()
        if self._write(place, values, remember=False):
            self._show(place)

    def step(self, by: int) -> None:
        if self.sample is not None:
            self._show((self.place + by) % len(self.sample.rows))

    def reveal(self) -> None:
        """Show what the model said of a tile that is judged; the sample keeps when, because a later judgement is not blind."""
        suffix = self.source.suffix()
        if self.sample is None or self.sample.rows[self.place][f"verdict{suffix}"] is None:
            self._say(tr("Judge the tile first: what the model said is hidden until then."))
            return
        row = self.sample.rows[self.place]
        if row[f"shown{suffix}"] is None and not self._write(self.place, {f"shown{suffix}": now()}, remember=False):
            return
        self._say(tr("The map says: {}. The model: {}", row["mapped"], self._model_text(row["tile_id"])))

    def dispose(self) -> None:
        self.two_dates.dispose()
        self.blind.dispose()
        self.compare.dispose()
        self.sample = None  # a layer that Python keeps until its end is deleted after QGIS itself, which crashes

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._press(event):
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """QGIS's own single keys and arrows wait while a tile is judged."""
        if event.type() == QEvent.Type.ShortcutOverride and self._is_ours(event):
            event.accept()
            return True
        return super().event(event)

    def mousePressEvent(self, event) -> None:
        self.setFocus()
        super().mousePressEvent(event)

    def showEvent(self, event) -> None:
        super().showEvent(event)
        if self.sample is not None:
            self.blind.set_active(True)
            self._show(self.place)

    def hideEvent(self, event) -> None:
        super().hideEvent(event)
        self.two_dates.stop()
        self.blind.set_active(False)

    @property
    def _opened(self) -> SampleFile:
        """The sample, where there is one."""
        if self.sample is None:
            raise RuntimeError("no sample is open")
        return self.sample

    def _actions(self) -> dict[int, Callable[[], None]]:
        key = Qt.Key
        return {
            key.Key_Left: lambda: self.step(-1),
            key.Key_Right: lambda: self.step(1),
            key.Key_Delete: lambda: self.judge(None),
            key.Key_Backspace: self.undo,
            key.Key_M: self.reveal,
            key.Key_F: self.compare.flicker.toggle,
            key.Key_S: self.compare.swipe.toggle,
        }

    def _is_ours(self, event: QKeyEvent) -> bool:
        """Whether a key does something here; with Ctrl, Alt or Meta it is QGIS's."""
        modifiers = Qt.KeyboardModifier
        held = event.modifiers() & (modifiers.ControlModifier | modifiers.AltModifier | modifiers.MetaModifier)
        return self.sample is not None and not held and (event.key() in self._actions() or self._names(event))

    def _names(self, event: QKeyEvent) -> bool:
        """Whether a key is one of a class."""
        return event.text().lower() in self._buttons

    def _press(self, event: QKeyEvent) -> bool:
        if not self._is_ours(event):
            return False
        if self._names(event):
            self._type(event.text())
        else:
            self._keys.clear()
            self._actions()[event.key()]()
        return True

    def _type(self, key: str) -> None:
        reference = self._keys.press(key)
        if reference is None:
            self._mark_pending()
        else:
            self.judge(reference)

    def _write(self, place: int, values: dict[str, Any], remember: bool = True) -> bool:
        try:
            before = self._opened.write(place, values)
        except ChangeScribeError as error:
            self._say(explain(error))
            return False
        if remember:
            self._undo.append((place, before))
        return True

    def _go_on(self, start: int) -> None:
        """Show the next tile that is not judged; where all are, stay and say so."""
        place = self._opened.next_open(self.source.suffix(), start)
        self._show(min(start, len(self._opened.rows)) - 1 if place is None and start else place or 0)
        if place is None:
            self._say(tr("All tiles are judged. 'Accuracy and areas…' makes the estimates."))

    def _show(self, place: int) -> None:
        self.place = place
        self._keys.clear()
        footprint = self._opened.rows[place]["footprint"]
        self._say("")
        if len(footprint) > 3:
            # No properties: what the model said of the tile stays away from the page.
            self.compare.show_tile({"properties": {}, "footprint": footprint}, *self.source.layers(), self._opened.crs)
            if not self.blind.zoom(tile_geometry({"footprint": footprint}), self._opened.crs):
                self._say(tr("This tile cannot be shown in the map's CRS."))
        else:
            self._say(tr("This tile has lost its outline. Judge it as unsure."))
        self._refresh()

    def _refresh(self) -> None:
        """Progress, own judgement of the tile, what can be pressed."""
        self._mark_pending()
        for button in (*self._buttons.values(), self.previous, self.next, self.model):
            button.setEnabled(self.sample is not None)
        self.back.setEnabled(bool(self._undo))
        self.progress.setVisible(self.sample is not None)
        if self.sample is None:
            self.state.setText(tr("Choose a sample, or draw one from a layer of captions."))
            return
        suffix, rows = self.source.suffix(), self.sample.rows
        self.progress.setRange(0, len(rows))
        self.progress.setValue(self.sample.judged(suffix))
        self.progress.setFormat(tr("{} of {} tiles judged", self.sample.judged(suffix), len(rows)))
        verdict, reference = (rows[self.place][f"{name}{suffix}"] for name in ("verdict", "reference"))
        said = tr("not judged yet") if verdict is None else tr("you judged: {}", tr("Unsure") if verdict == "unsure" else reference or verdict)
        self.state.setText(tr("Tile {} of {}: {}", self.place + 1, len(rows), said))

    def _mark_pending(self) -> None:
        for key, button in self._buttons.items():
            button.setDown(key == self._keys.pending)

    def _model_text(self, tile_id: str) -> str:
        """Caption and score of a tile, from the layer that the sample was drawn from."""
        layer = QgsVectorLayer(self._opened.layer, "captions", "ogr") if os.path.exists(self._opened.layer.partition("|")[0]) else None
        if layer is None or not layer.isValid():
            return tr("its layer {} is no longer there", self._opened.layer)
        request = QgsFeatureRequest().setFilterExpression(QgsExpression.createFieldEqualityExpression("tile_id", tile_id))
        feature = next(layer.getFeatures(request), None)
        if feature is None:
            return tr("the tile is no longer in its layer")
        values = {name: value for name, value in zip(layer.fields().names(), feature.attributes()) if value}
        score = tr(" (score {:.2f})", values["change_score"]) if "change_score" in values else ""
        return caption_text(values) + score

    def _pass_on(self) -> None:
        """Another interpreter goes on where that one has stopped."""
        if self.sample is None:
            return
        self._go_on(0)
        if self.source.suffix() and self.source.judge() in {row["judge"] for row in self.sample.rows}:
            self._say(tr("{} is also the first interpreter: a second one must be somebody else.", self.source.judge()))
        self.setFocus()

    def _redraw(self) -> None:
        """The same tile in other rasters."""
        if self.sample is not None and self.blind.active:
            self.blind.show()
            self._show(self.place)

    def _run(self, algorithm: str, parameters: dict[str, Any]) -> dict[str, Any]:
        from qgis import processing  # QGIS's own plugin fills it in after start-up

        return processing.execAlgorithmDialog(algorithm, parameters) or {}

    def _draw(self) -> None:
        layer = self._captions()
        found = self._run(DRAW, {"INPUT": layer} if layer is not None else {})
        if found.get("OUTPUT"):
            self.open(found["OUTPUT"])

    def _estimate(self) -> None:
        if self.sample is None:
            self._say(explain(InputError(tr("no sample is open"), tr("a judged sample"), tr("choose one above"))))
        else:
            self._run(ESTIMATE, {"SAMPLE": self.sample.path})

    def _say(self, text: str) -> None:
        self.message.setText(text)

    def _build(self) -> None:
        self._buttons: dict[str, QPushButton] = {}
        self._grid = QGridLayout()
        self.previous, self.next = QToolButton(), QToolButton()
        for button, arrow, tip in (
            (self.previous, Qt.ArrowType.LeftArrow, tr("Previous tile")),
            (self.next, Qt.ArrowType.RightArrow, tr("Next tile")),
        ):
            button.setArrowType(arrow)
            button.setToolTip(tip)
        self.back, self.model = QPushButton(tr("Undo")), QPushButton(tr("Model's answer"))
        self.estimate = QPushButton(tr("Accuracy and areas…"))
        self.state, self.message, hint = plain_label(), plain_label(), plain_label()
        hint.setText(tr(HINT))
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.progress = QProgressBar()
        self.progress.setAlignment(Qt.AlignmentFlag.AlignCenter)
        moves, layout = QHBoxLayout(), QVBoxLayout(self)
        for widget, stretch in ((self.previous, 0), (self.next, 0), (self.back, 1), (self.model, 1)):
            moves.addWidget(widget, stretch)
        layout.addWidget(self.source)
        layout.addWidget(self.compare, 1)
        layout.addWidget(self.state)
        layout.addLayout(self._grid)
        layout.addLayout(moves)
        for widget in (hint, self.message, self.progress, self.estimate):
            layout.addWidget(widget)
        # The keyboard stays with the page: a focused button would take the arrows and the space bar.
        for button in (self.previous, self.next, self.back, self.model, self.compare.flicker, self.compare.swipe):
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def _lay_out_keys(self) -> None:
        for button in self._buttons.values():
            self._grid.removeWidget(button)
            button.deleteLater()
        self._buttons = {}
        for number, (key, label) in enumerate(labels(self._opened.classes).items()):
            button = QPushButton(f"{key.upper()}  {label}")
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.clicked.connect(lambda _on, key=key: self._type(key))
            self._grid.addWidget(button, *divmod(number, BUTTONS_A_ROW))
            self._buttons[key] = button

    def _connect(self) -> None:
        self.source.chosen.connect(self.open)
        self.source.drawn.connect(self._draw)
        self.source.passed_on.connect(self._pass_on)
        self.source.redrawn.connect(self._redraw)
        self.previous.clicked.connect(lambda: self.step(-1))
        self.next.clicked.connect(lambda: self.step(1))
        self.back.clicked.connect(self.undo)
        self.model.clicked.connect(self.reveal)
        self.estimate.clicked.connect(self._estimate)
