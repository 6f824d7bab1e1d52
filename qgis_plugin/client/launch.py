"""Run by the engine's Python, never imported by QGIS: ``python launch.py PLUGIN_FOLDER`` starts the worker of that plugin, ``… doctor`` its check.

Loads exactly this plugin's folder as the package ``changescribe``. Its parent folder stays off the import path, because the other plugins
there could shadow modules of the engine, and so does this file's own folder.
"""

import sys

if not getattr(sys.flags, "safe_path", False):  # Python 3.10 has no PYTHONSAFEPATH
    del sys.path[0]

import importlib  # noqa: E402
import importlib.util  # noqa: E402
import os  # noqa: E402


def load_package(folder: str) -> None:
    """Put the plugin's folder into ``sys.modules`` as ``changescribe``."""
    spec = importlib.util.spec_from_file_location("changescribe", os.path.join(folder, "__init__.py"), submodule_search_locations=[folder])
    if spec is None or spec.loader is None:
        sys.exit(f"no plugin in {folder}")
    package = importlib.util.module_from_spec(spec)
    sys.modules["changescribe"] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    load_package(sys.argv[1])
    if sys.argv[2:] == ["doctor"]:
        sys.exit(importlib.import_module("changescribe.engine.cli").main(["doctor", "--json"]))
    sys.exit(importlib.import_module("changescribe.engine.worker").main())
