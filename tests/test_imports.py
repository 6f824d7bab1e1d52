"""Which piece may import which, read from the sources: the boundaries that keep torch out of QGIS and QGIS out of the engine."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LIGHT = (
    "engine.contract.batch_table",
    "engine.contract",
    "engine.contract.fields",
    "engine.contract.options",
    "engine.contract.validity",
    "engine.contract.errors",
    "engine.registry.installed",
    "engine.contract.request",
    "engine.contract.tiles",
    "engine.contract.heatmap",
    "engine.contract.protocol",
)
PLUGIN_MAY = {"qgis", "engine", "qgis_plugin", "__future__"} | set(sys.stdlib_module_names)


def modules(*packages):
    return [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]


def imported(path):
    """Absolute names of everything a file imports, at whatever depth of the code; relative imports resolved in the repository."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            source = ".".join(part for part in (base, node.module) if part)
            names |= {f"{source}.{alias.name}" if node.level and not node.module else source for alias in node.names}
            names |= {f"{source}.{alias.name}" for alias in node.names if source == "engine"}
    return names


def tops(path):
    return {name.split(".")[0] for name in imported(path)}


@pytest.mark.parametrize("path", modules("engine"), ids=lambda path: str(path.relative_to(ROOT)))
def test_engine_reaches_neither_qgis_nor_training(path):
    assert tops(path) & {"qgis", "PyQt5", "PyQt6", "training", "qgis_plugin"} == set()


@pytest.mark.parametrize("path", modules("engine", "qgis_plugin"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_engine_is_imported_relatively(path):
    """In QGIS it is ``changescribe.engine``; a package called engine may be anybody's."""
    absolute = [
        node
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module.split(".")[0] in ("engine", "changescribe")
    ]
    assert absolute == []


@pytest.mark.parametrize("path", modules("training"), ids=lambda path: str(path.relative_to(ROOT)))
def test_training_never_reaches_the_plugin(path):
    assert tops(path) & {"qgis", "qgis_plugin"} == set()


@pytest.mark.parametrize("path", modules("qgis_plugin"), ids=lambda path: str(path.relative_to(ROOT)))
def test_plugin_imports_qgis_the_standard_library_and_light_modules(path):
    assert tops(path) - PLUGIN_MAY == set()
    heavy = {name for name in imported(path) if name.startswith("engine.")} - set(LIGHT) - {"engine.__version__"}
    assert {name for name in heavy if (ROOT / (name.replace(".", "/") + ".py")).exists() or (ROOT / name.replace(".", "/")).is_dir()} == set()


@pytest.mark.parametrize("name", LIGHT)
def test_light_modules_need_only_the_standard_library_of_python_3_9(name):
    stem = ROOT / name.replace(".", "/")
    path = stem / "__init__.py" if stem.is_dir() else stem.with_suffix(".py")
    assert tops(path) - {"engine"} - set(sys.stdlib_module_names) == set()
    assert {other for other in imported(path) if other.startswith("engine.") and other.count(".") == 1} <= set(LIGHT)
    ast.parse(path.read_text("utf-8"), feature_version=(3, 9))


def test_light_modules_load_without_heavy_ones():
    heavy = {"torch", "numpy", "rasterio", "shapely", "fiona"}
    code = f"import sys, {', '.join(LIGHT)}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
