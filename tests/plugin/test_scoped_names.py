"""Every name of qgis.core and qgis.gui that the plugin uses is there, and its enums are written with their scope, as QGIS 4 wants it."""

import importlib
from functools import reduce

from source_names import chains


def is_enum_value(value):
    return isinstance(value, int) and type(value) not in (int, bool)


def test_names_are_there_and_enums_are_scoped():
    missing, unscoped = [], []
    for package in ("qgis.core", "qgis.gui", "qgis.PyQt"):
        for place, module, dotted in chains(package):
            *parents, last = dotted.split(".")
            try:
                scope = reduce(getattr, parents, importlib.import_module(module))
                value = getattr(scope, last)
            except AttributeError:
                missing.append(f"{place}: {dotted}")
                continue
            # QVariant's types are used before QGIS 3.38 only, where they have no scope (grid_layer.TYPES).
            if is_enum_value(value) and scope is not type(value) and parents != ["QVariant"]:
                unscoped.append(f"{place}: {dotted}")
    assert (missing, unscoped) == ([], [])
