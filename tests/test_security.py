"""Rules of docs/security.md that can be read off the sources."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = [path for package in ("engine", "qgis_plugin") for path in sorted((ROOT / package).rglob("*.py"))]
# What reads code or objects out of data, and what listens on the network.
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "joblib", "marshal", "shelve", "socketserver", "http.server", "xmlrpc", "tarfile", "telnetlib"}
FORBIDDEN_MODULES |= {"multiprocessing", "pty", "asyncore", "asyncio", "_posixsubprocess"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_METHODS = {("torch", "load"), ("torch", "hub"), ("os", "system"), ("os", "popen"), ("tempfile", "mktemp"), ("yaml", "load")}
# A look at this machine's name is no listener.
FORBIDDEN_METHODS |= {("socket", "socket"), ("socket", "create_server"), ("os", "fork")}
# Children beside the one place where they start, and Qt's listeners; found however they were imported or are called.
FORBIDDEN_NAMES = {"QTcpServer", "QLocalServer", "QUdpSocket", "QWebSocketServer", "start_server", "start_unix_server", "startDetached"}
FORBIDDEN_NAMES |= {"ProcessPoolExecutor", "forkpty", "posix_spawn", "posix_spawnp", "startfile"}
FORBIDDEN_NAMES |= {f"{family}{kind}" for family in ("exec", "spawn") for kind in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")}


def nodes(path, kind):
    return [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, kind)]


def imports(path):
    """Names of modules, whichever way they are imported."""
    plain = {alias.name for node in nodes(path, ast.Import) for alias in node.names}
    return plain | {node.module or "" for node in nodes(path, ast.ImportFrom) if not node.level}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_pickle_no_listener_no_code_from_data(path):
    imported = imports(path)
    assert {name for name in imported if name in FORBIDDEN_MODULES or name.split(".")[0] in FORBIDDEN_MODULES} == set()
    calls = nodes(path, ast.Call)
    assert {call.func.id for call in calls if isinstance(call.func, ast.Name)} & FORBIDDEN_CALLS == set()
    attributes = [call.func for call in calls if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name)]
    methods = {(attribute.value.id, attribute.attr) for attribute in attributes}
    methods |= {(node.module, alias.name) for node in nodes(path, ast.ImportFrom) for alias in node.names}
    assert methods & FORBIDDEN_METHODS == set()
    named = {alias.name for node in nodes(path, ast.ImportFrom) for alias in node.names}
    named |= {node.attr for node in nodes(path, ast.Attribute)} | {node.id for node in nodes(path, ast.Name)}
    assert named & FORBIDDEN_NAMES == next((names for file, names in RESTARTS.items() if path == ROOT / file), set())
    assert not [
        keyword for call in calls for keyword in call.keywords if keyword.arg == "shell" and getattr(keyword.value, "value", None) is not False
    ]


# The command line starts itself again, with its own arguments, where a locale would make file names ASCII.
RESTARTS = {"engine/cli/streams.py": {"execve"}}
EVASIONS = [
    "from subprocess import run",
    "import multiprocessing.pool",
    "import os; os.execv('a', [])",
    "from os import execvp as run",
    "import os; os.fork()",
    "from os import system",
    "from qgis.PyQt.QtNetwork import QTcpServer",
    "from qgis.PyQt import QtNetwork; QtNetwork.QTcpServer()",
    "import asyncio; asyncio.start_server(None)",
]


@pytest.mark.parametrize("code", EVASIONS)
def test_the_rules_notice(tmp_path, monkeypatch, code):
    path = tmp_path / "new.py"
    path.write_text(code)
    if "subprocess" in code:
        monkeypatch.setitem(globals(), "SHIPPED", [path])
        monkeypatch.setitem(globals(), "ROOT", tmp_path)
        with pytest.raises(AssertionError):
            test_child_processes_start_in_one_place()
    else:
        with pytest.raises(AssertionError):
            test_no_pickle_no_listener_no_code_from_data(path)


def test_child_processes_start_in_one_place():
    starting = [path for path in SHIPPED if "subprocess" in imports(path)]
    assert [str(path.relative_to(ROOT)) for path in starting] == ["qgis_plugin/client/process.py"]
