"""Correcting captions: the review bar below the list, and the edits behind it, which live in the layer."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsExpression, QgsFeature, QgsFeatureRequest, QgsVectorDataProvider, QgsVectorLayer
from qgis.PyQt.QtCore import NULL, QObject, Qt, QTimer, pyqtSignal
from qgis.PyQt.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QPushButton, QToolButton, QVBoxLayout, QWidget

from ....engine.contract.fields import REVIEW, fields_of, names_of
from ....engine.contract.tiles import CLASSES, UNCHANGED_TEXT
from ...i18n import tr
from ...layers.grid_layer import field
from ..plain import plain_label
from .tiles import CHANGES, answer_text

PIECE = 100  # tiles told of at a time: about ten milliseconds' work


class LayerReview(QObject):
    """A layer's edits, tile by tile: in its edit buffer, one undo step each, until they are saved.

    Edits made elsewhere (the attribute form, the field calculator) come back through ``changed`` like one's own, but a moment later and in pieces:
    they may be thousands.

    Signals
    -------
    changed : (tile_id, values by field) after edits of a tile
    state : the layer's edits were made, undone, saved or discarded
    """

    changed = pyqtSignal(str, dict)
    state = pyqtSignal()

    def __init__(self, layer: QgsVectorLayer, parent: QObject | None = None):
        super().__init__(parent)
        self.layer = layer
        buffer = layer.editBuffer()
        self._edited: set[int] = set(buffer.changedAttributeValues()) if buffer is not None else set()  # ids of features with edits to discard
        self._untold: dict[int, None] = {}  # ids of features with edits that ``changed`` has not told of, in order
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._tell)
        layer.attributeValueChanged.connect(self._value_changed)
        for signal in (layer.layerModified, layer.editingStarted, layer.editingStopped, layer.afterCommitChanges):
            signal.connect(self._later)
        layer.afterRollBack.connect(self._rolled_back)
        layer.undoStack().indexChanged.connect(self._later)

    def dispose(self) -> None:
        """Forget the layer; its edits stay as they are."""
        self.rest()
        self.layer.attributeValueChanged.disconnect(self._value_changed)
        for signal in (self.layer.layerModified, self.layer.editingStarted, self.layer.editingStopped, self.layer.afterCommitChanges):
            signal.disconnect(self._later)
        self.layer.afterRollBack.disconnect(self._rolled_back)
        self.layer.undoStack().indexChanged.disconnect(self._later)

    def rest(self) -> None:
        """Tell of nothing any more."""
        self._timer.stop()

    def problem(self) -> str:
        """Why the layer cannot be edited, or an empty text."""
        able = QgsVectorDataProvider.Capability
        can = self.layer.dataProvider().capabilities()
        missing = [name for name in names_of(REVIEW) if self.layer.fields().indexOf(name) < 0]
        if not can & able.ChangeAttributeValues:
            return tr("This layer's format cannot be edited; export it to a GeoPackage.")
        if missing and not can & able.AddAttributes:
            return tr("This layer has no review columns, and none can be added; export it to a GeoPackage.")
        return ""

    def set(self, tile_id: str, **values: Any) -> bool:
        """Edit a tile as one undo step; whether it could be."""
        fid = self._id(tile_id)
        if fid is None or self.problem() or not self._add_columns() or not (self.layer.isEditable() or self.layer.startEditing()):
            return False
        self.layer.beginEditCommand(tr("Review of {}", tile_id))
        ok = True
        for name, value in values.items():
            ok = ok and self.layer.changeAttributeValue(fid, self.layer.fields().indexOf(name), NULL if value is None else value)
        if not ok:
            self.layer.destroyEditCommand()
            return False
        self.layer.endEditCommand()
        self._tell()
        return True

    def _add_columns(self) -> bool:
        """Give layers of older versions the columns of a review.

        At once and not as an edit: QGIS 3.22 loses values of a column that is added in the same edit buffer.
        """
        missing = [field(row.name, row.kind, row.alias) for row in fields_of(REVIEW) if self.layer.fields().indexOf(row.name) < 0]
        if missing and not self.layer.dataProvider().addAttributes(missing):
            return False
        if missing:
            self.layer.updateFields()
        return True

    def undo(self) -> None:
        self.layer.undoStack().undo()
        self._tell()

    def save(self) -> str:
        """Write the edits to the layer; what went wrong, or an empty text. A failed save keeps the edits."""
        return "" if self.layer.commitChanges() else "\n".join(self.layer.commitErrors())

    def _value_changed(self, fid: int, index: int, _value: Any) -> None:
        if self.layer.fields()[index].name() in names_of():
            self._edited.add(fid)
            self._untold[fid] = None
        self._later()

    def _rolled_back(self) -> None:
        """Discarding the edits tells of no single value."""
        self._untold.update(dict.fromkeys(self._edited))
        self._edited = set()
        self._later()

    def _later(self, _index: int = 0) -> None:
        self._timer.start(0)

    def _tell(self) -> None:
        """Tell of a piece of the edits, and soon of the next."""
        self._timer.stop()
        piece = [fid for fid, _ in zip(self._untold, range(PIECE))]
        for fid in piece:
            del self._untold[fid]
        if piece:
            for feature in self.layer.getFeatures(QgsFeatureRequest().setFilterFids(piece).setFlags(QgsFeatureRequest.Flag.NoGeometry)):
                values = self._values(feature)
                self.changed.emit(values["tile_id"], values)
        self.state.emit()
        if self._untold:
            self._later()

    def _values(self, feature: QgsFeature) -> dict[str, Any]:
        """What a tile holds now, by field; of columns that the layer lacks, None."""
        fields = self.layer.fields()
        found = {name: feature[name] if fields.indexOf(name) >= 0 else None for name in names_of()}
        return {name: None if value == NULL else value for name, value in found.items()}

    def _id(self, tile_id: str) -> int | None:
        """Id of a tile's feature, looked up when it is needed: to read all of a large layer would stop the interface."""
        request = QgsFeatureRequest().setFilterExpression(QgsExpression.createFieldEqualityExpression("tile_id", tile_id))
        request.setNoAttributes()
        request.setFlags(QgsFeatureRequest.Flag.NoGeometry)
        return next((feature.id() for feature in self.layer.getFeatures(request)), None)


class ReviewBar(QWidget):
    """Caption, classes and verdict of the chosen tile.

    Signals
    -------
    edited : (tile_id, {field: value}), whoever has edited it
    redrawn : values of the shown tile after an edit
    said : a message for the user
    """

    edited = pyqtSignal(str, dict)
    redrawn = pyqtSignal(dict)
    said = pyqtSignal(str)

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.review: LayerReview | None = None
        self._tile: dict = {}
        self.answer = plain_label()
        self.answer.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.answer.hide()
        self.caption = QLineEdit()
        self.caption.setPlaceholderText(tr("Correct the caption, then Enter"))
        self.right, self.wrong = QPushButton(tr("✓ Right")), QPushButton(tr("✗ Wrong"))
        for button in (self.right, self.wrong):
            button.setCheckable(True)
        self.same = QPushButton(tr("No change"))
        self.same.setToolTip(tr("Nothing changed here: a false alarm"))
        self.undo, self.save = QPushButton(tr("Undo")), QPushButton(tr("Save edits"))
        self.menus = {change: self._menu(change) for change in CHANGES}
        self._lay_out()
        self.caption.returnPressed.connect(self._correct)
        self.right.clicked.connect(lambda on: self._edit(review="right" if on else None))
        self.wrong.clicked.connect(lambda on: self._edit(review="wrong" if on else None))
        self.same.clicked.connect(self._set_unchanged)
        self.undo.clicked.connect(lambda: self.review and self.review.undo())
        self.save.clicked.connect(self._save)
        self.refresh()

    @property
    def layer(self) -> QgsVectorLayer | None:
        return None if self.review is None else self.review.layer

    def set_layer(self, layer: QgsVectorLayer | None) -> None:
        """Review this layer; None: nothing can be edited now."""
        if self.review is not None:
            self.review.layer.willBeDeleted.disconnect(self._forget)
            self.review.dispose()
            self.review.deleteLater()
        self.review = None if layer is None else LayerReview(layer, self)
        self._tile = {}
        self._fill()
        if self.review is not None:
            self.review.changed.connect(self._changed)
            self.review.changed.connect(self.edited)
            self.review.state.connect(self.refresh)
            layer.willBeDeleted.connect(self._forget)
        self.refresh()

    def _forget(self) -> None:
        """The layer is being deleted, and its signals with it."""
        review, self.review, self._tile = self.review, None, {}
        if review is not None:
            review.rest()
            review.deleteLater()
        self._fill()
        self.refresh()

    def show_tile(self, properties: dict) -> None:
        """Show a tile's values, to be edited."""
        self._tile = dict(properties)
        self._fill()
        self.refresh()

    def refresh(self) -> None:
        """What can be pressed now, and why not."""
        problem = self.review.problem() if self.review is not None else tr("To correct captions, list a layer that is stored in a file.")
        chosen = bool(self._tile) and not problem
        for widget in (self.caption, self.right, self.wrong, self.same, *self.menus.values()):
            widget.setEnabled(chosen)
        self.setToolTip(problem)
        stack = self.review.layer.undoStack() if self.review is not None else None
        self.undo.setEnabled(stack is not None and stack.canUndo())
        self.save.setEnabled(self.review is not None and self.review.layer.isModified())

    def _menu(self, change: str) -> QToolButton:
        """A button whose menu ticks the classes of one kind of change."""
        button = QToolButton()
        button.setText({"added": tr("+ Added"), "removed": tr("− Removed"), "altered": tr("~ Altered")}[change])
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        for name in CLASSES:
            action = menu.addAction(name)
            action.setCheckable(True)
            action.triggered.connect(lambda _on: self._mark(change))
        button.setMenu(menu)
        return button

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.answer)
        layout.addWidget(self.caption)
        for row in ((*self.menus.values(), self.undo), (self.right, self.wrong, self.same, self.save)):
            line = QHBoxLayout()
            for button in row:
                line.addWidget(button)
            layout.addLayout(line)

    def _fill(self) -> None:
        values = self._tile
        self.answer.setText(answer_text(values))
        self.answer.setVisible(bool(self.answer.text()))
        self.caption.setText(values.get("edited_caption") or values.get("caption") or "")
        self.right.setChecked(values.get("review") == "right")
        self.wrong.setChecked(values.get("review") == "wrong")
        for change, button in self.menus.items():
            marked = (values.get(change) or "").split("; ")
            for action in button.menu().actions():
                action.setChecked(action.text() in marked)

    def _changed(self, tile_id: str, values: dict) -> None:
        if tile_id == self._tile.get("tile_id"):
            self._tile.update(values)
            self._fill()
            self.redrawn.emit(self._tile)

    def _correct(self) -> None:
        """A caption that differs from the model's is a correction; the model's own again is none."""
        text = " ".join(self.caption.text().split())
        if not text or text == self._tile.get("caption"):
            if self._tile.get("edited_caption"):
                self._edit(edited_caption=None, review=None, changed=self._tile.get("status") == "captioned")
            return
        self._edit(edited_caption=text, review="wrong", changed=text != UNCHANGED_TEXT)

    def _mark(self, change: str) -> None:
        names = [action.text() for action in self.menus[change].menu().actions() if action.isChecked()]
        # Who sorts out the classes has judged the tile.
        self._edit(**{change: "; ".join(names) or None, "review": self._tile.get("review") or "right"})

    def _set_unchanged(self) -> None:
        self._edit(changed=False, edited_caption=UNCHANGED_TEXT, review="wrong", **dict.fromkeys(CHANGES))

    def _edit(self, **values: Any) -> None:
        if self.review is not None and not self.review.set(self._tile["tile_id"], **values):
            self.said.emit(self.review.problem() or tr("This tile could not be edited; is the layer locked by another program?"))
            self._fill()

    def _save(self) -> None:
        if self.review is not None:
            self.said.emit(self.review.save() or tr("Edits saved."))
            self.refresh()
