"""Imports every module of the staged plugin with PyQt6 in the place of Qt 5 (run by test_qt6.py in a process of its own).

There is no wheel of QGIS for Qt 6. ``qgis.PyQt`` is made here as QGIS makes it, from PyQt6; ``qgis.core``, ``qgis.gui`` and ``qgis.utils`` have a
stand-in class for every name, so that what runs at import, class bodies and signals among it, runs with the real PyQt6.
"""

import importlib
import pkgutil
import sys
import types

from PyQt6 import QtCore, QtGui, QtNetwork, QtWidgets

# Bases that a Qt class of the plugin inherits from, which need Qt's metaclass.
QT_BASES = {
    "QgsDockWidget": QtWidgets.QDockWidget, "QgsOptionsPageWidget": QtWidgets.QWidget, "QgsOptionsWidgetFactory": QtCore.QObject,
    "QgsMapTool": QtCore.QObject, "QgsMapToolEmitPoint": QtCore.QObject, "QgsTask": QtCore.QObject, "QgsMapCanvas": QtWidgets.QGraphicsView,
}  # fmt: skip


class AnyName(type):
    """Whatever is looked up on a stand-in is another one; enums of qgis are checked in a real QGIS (plugin/test_scoped_names.py)."""

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return AnyName(name, (), {})


class Module(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        made = type(name, (QT_BASES[name],), {}) if name in QT_BASES else AnyName(name, (), {})
        setattr(self, name, made)
        return made


def install():
    """Put the stand-ins for the package ``qgis`` into sys.modules."""
    qgis, pyqt = types.ModuleType("qgis"), types.ModuleType("qgis.PyQt")
    core = Module("qgis.core")
    core.Qgis = AnyName("Qgis", (), {"QGIS_VERSION_INT": 40000, "QGIS_VERSION": "4.0.0"})
    sys.modules.update({"qgis": qgis, "qgis.PyQt": pyqt, "qgis.core": core, "qgis.gui": Module("qgis.gui"), "qgis.utils": Module("qgis.utils")})
    for module in (QtCore, QtGui, QtNetwork, QtWidgets):
        name = module.__name__.rpartition(".")[2]
        sys.modules[f"qgis.PyQt.{name}"] = made = types.ModuleType(f"qgis.PyQt.{name}")
        vars(made).update({key: value for key, value in vars(module).items() if not key.startswith("__")})
    # QGIS's own additions for Qt 6.
    sys.modules["qgis.PyQt.QtCore"].NULL = QtCore.QVariant()
    sys.modules["qgis.PyQt.QtWidgets"].QAction = QtGui.QAction
    sys.modules["qgis.PyQt.QtWidgets"].QShortcut = QtGui.QShortcut


def main():
    sys.path.insert(0, sys.argv[1])
    install()
    package = importlib.import_module("changescribe.qgis_plugin")
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
        print(module.name)


if __name__ == "__main__":
    main()
