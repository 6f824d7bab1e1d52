"""QGIS 4 and QGIS 3 builds with Qt 6: the plugin's modules import under PyQt6, and every Qt name they use is there."""

import importlib
import importlib.util
import os
import subprocess
import sys
from functools import reduce
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
for name in ("QtCore", "QtGui", "QtNetwork", "QtWidgets"):
    pytest.importorskip(f"PyQt6.{name}", reason="PyQt6 or a library it needs is not installed", exc_type=ImportError)

# Methods that Qt 6 or PyQt6 no longer have; what replaces them.
REMOVED = {
    "exec_": "exec", "print_": "print", "globalPos": "globalPosition", "globalX": "globalPosition", "globalY": "globalPosition",
    "setMargin": "setContentsMargins", "setTabStopWidth": "setTabStopDistance", "toTime_t": "toSecsSinceEpoch",
}  # fmt: skip


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem.strip("."), path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


source_names = load(ROOT / "tests" / "plugin" / "source_names.py")


def qt6_class(module, name):
    """A name of qgis.PyQt as QGIS with Qt 6 has it."""
    qt = importlib.import_module(module.replace("qgis.PyQt", "PyQt6"))
    return importlib.import_module("PyQt6.QtGui").QAction if name == "QAction" else getattr(qt, name)


def run_apart(script, tmp_path):
    """Words that a script of this folder prints about the staged plugin, in a process where PyQt6 takes Qt 5's place."""
    load(ROOT / ".ci" / "plugin.py").link(tmp_path)
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, str(ROOT / "tests" / script), str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_every_module_imports_under_pyqt6(tmp_path):
    sources = [path for path in (ROOT / "qgis_plugin").rglob("*.py") if path.name != "__init__.py"]
    assert len(run_apart("qt6_imports.py", tmp_path)) >= len(sources)


def test_widgets_work_under_pyqt6(tmp_path):
    assert run_apart("qt6_widgets.py", tmp_path) == ["results", "sampling", "german"]


def test_every_qt_name_is_there_in_qt6():
    """Unscoped enums (Qt.AlignLeft for Qt.AlignmentFlag.AlignLeft) are the usual reason why a plugin fails in QGIS 4."""
    missing = []
    for place, module, dotted in source_names.chains("qgis.PyQt"):
        first, *rest = dotted.split(".")
        if first in ("NULL", "QVariant"):  # QGIS's own; QVariant's types are used before QGIS 3.38 only (grid_layer.TYPES)
            continue
        try:
            reduce(getattr, rest, qt6_class(module, first))
        except AttributeError:
            missing.append(f"{place}: {dotted}")
    assert missing == []


def test_no_method_that_qt6_dropped_is_called():
    assert [f"{place}: {name}, now {REMOVED[name]}" for place, name in source_names.called_methods() if name in REMOVED] == []
