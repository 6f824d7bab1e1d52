"""Names of qgis and Qt that the plugin's sources use, read off the sources."""

import ast
from collections.abc import Iterator
from pathlib import Path

PLUGIN = Path(__file__).resolve().parents[2] / "qgis_plugin"


def chains(package: str) -> list[tuple[str, str, str]]:
    """All (file:line, module, dotted name) such as ("gui/run.py:8", "qgis.PyQt.QtCore", "Qt.Key.Key_Escape") from modules below ``package``."""
    return sorted(set(chain for path in PLUGIN.rglob("*.py") for chain in _chains_of(path, package)))


def _chains_of(path: Path, package: str) -> Iterator[tuple[str, str, str]]:
    tree = ast.parse(path.read_text("utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(package)]
    modules = {alias.asname or alias.name: (node.module, alias.name) for node in imports for alias in node.names}
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if id(node) in inner or not isinstance(node, (ast.Attribute, ast.Name)):
            continue  # part of a longer chain
        names, root = [], node
        while isinstance(root, ast.Attribute):
            names.append(root.attr)
            root = root.value
        if isinstance(root, ast.Name) and root.id in modules:
            module, name = modules[root.id]
            yield f"{path.relative_to(PLUGIN)}:{node.lineno}", module, ".".join([name, *reversed(names)])


def called_methods() -> list[tuple[str, str]]:
    """All (file:line, name) of methods that are called on anything."""
    found = []
    for path in PLUGIN.rglob("*.py"):
        calls = (node.func for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call))
        found += [(f"{path.relative_to(PLUGIN)}:{func.lineno}", func.attr) for func in calls if isinstance(func, ast.Attribute)]
    return found
