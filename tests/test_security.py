"""Rules of docs/security.md that can be read off the sources."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = [path for package in ("engine", "qgis_plugin") for path in sorted((ROOT / package).rglob("*.py"))]
# What reads code or objects out of data, and what listens on the network.
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "joblib", "marshal", "shelve", "socketserver", "http.server", "xmlrpc", "tarfile", "telnetlib"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_METHODS = {("torch", "load"), ("torch", "hub"), ("os", "system"), ("os", "popen"), ("tempfile", "mktemp"), ("yaml", "load")}
# A look at this machine's name is no listener.
FORBIDDEN_METHODS |= {("socket", "socket"), ("socket", "create_server")}


def nodes(path, kind):
    return [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, kind)]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_pickle_no_listener_no_code_from_data(path):
    imported = {alias.name for node in nodes(path, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in nodes(path, ast.ImportFrom) if not node.level}
    assert {name for name in imported if name in FORBIDDEN_MODULES or name.split(".")[0] in FORBIDDEN_MODULES} == set()
    calls = nodes(path, ast.Call)
    assert {call.func.id for call in calls if isinstance(call.func, ast.Name)} & FORBIDDEN_CALLS == set()
    attributes = [call.func for call in calls if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name)]
    assert {(attribute.value.id, attribute.attr) for attribute in attributes} & FORBIDDEN_METHODS == set()
    assert not [
        keyword for call in calls for keyword in call.keywords if keyword.arg == "shell" and getattr(keyword.value, "value", None) is not False
    ]


def test_child_processes_start_in_one_place():
    starting = [path for path in SHIPPED if "subprocess" in {alias.name for node in nodes(path, ast.Import) for alias in node.names}]
    assert [str(path.relative_to(ROOT)) for path in starting] == ["qgis_plugin/client/process.py"]
