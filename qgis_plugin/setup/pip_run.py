"""Running pip with progress, cancel and errors in plain words."""

from __future__ import annotations

import collections
import os
import queue
import re
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, cast
from urllib.parse import quote

from qgis.core import QgsNetworkAccessManager
from qgis.PyQt.QtCore import QUrl
from qgis.PyQt.QtNetwork import QNetworkProxy

from ...engine.contract.errors import Cancelled, EngineError
from ..client import process
from ..i18n import mark, tr
from . import pip_config

POLL_S = 0.2
OPTIONS = ("--disable-pip-version-check", "--no-input", "--retries", "2", "--timeout", "20")
NETWORK_SIGNS = ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "ReadTimeoutError", "Connection refused", "Max retries exceeded")
OFFLINE_REMEDY = mark(
    "check the connection and the proxy in Settings > Options > Network, or install from an offline folder of wheels; downloaded parts are kept"
)
SCHEMES = {
    QNetworkProxy.ProxyType.HttpProxy: "http",
    QNetworkProxy.ProxyType.HttpCachingProxy: "http",
    QNetworkProxy.ProxyType.Socks5Proxy: "socks5h",
}

# What pip says → what was got, what is needed, what to do. The first that matches counts.
FAILURES = (
    (
        re.compile(r"No space left on device|\[Errno 28\]|not enough space on the disk", re.I),
        (mark("the disk is full"), mark("more free space"), mark("free some and try again; what is done is kept")),
    ),
    (
        re.compile(r"CERTIFICATE_VERIFY_FAILED|SSLError", re.I),
        (
            mark("the package server's certificate was not accepted"),
            mark("a trusted connection"),
            mark("give pip your organisation's certificate: pip config set global.cert FILE"),
        ),
    ),
    (
        re.compile(r"ProxyError|407 Proxy", re.I),
        (mark("the proxy refused the connection"), mark("a working proxy"), mark("correct it in Settings > Options > Network")),
    ),
    (
        re.compile(r"Permission denied|Access is denied", re.I),
        (mark("a file could not be written"), mark("a writable folder"), mark("close other QGIS windows that use the engine and try again")),
    ),
)
WRONG_HASH = re.compile(r"DO NOT MATCH THE HASHES|Hashes are required|hash mismatch", re.I)
MISSING = re.compile(r"No matching distribution found for (\S+)")


# Stands before pip: its stdin is a pipe that nobody writes to, whose end means that QGIS has died; pip must not work on beside the next set-up's.
PIP_CODE = """
import os, runpy, sys, threading
def end_with_parent():
    while os.read(0, 1):
        pass
    os._exit(75)
threading.Thread(target=end_with_parent, daemon=True).start()
if sys.path[0] == "":
    del sys.path[0]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""


UNREADABLE = re.compile(r"Could not open (?:requirements|constraint) file: .*?(?:No such file or directory|Permission denied): '(.+)'")


class WrongHash(EngineError):
    """A file that is not the one of the lock."""


def pip(python: Path) -> list[str]:
    """The command that runs an interpreter's pip for as long as this process lives."""
    return [str(python), "-c", PIP_CODE]


def proxy_environment() -> dict[str, str]:
    """QGIS's proxy as the variables that pip reads; empty if QGIS has none, which leaves the system's own in force.

    The addresses that QGIS keeps from the proxy count by their hosts, besides the hosts that the system keeps from it.
    """
    manager = QgsNetworkAccessManager.instance()
    proxy = manager.fallbackProxy()
    scheme = SCHEMES.get(proxy.type())
    if scheme is None or not proxy.hostName():
        return {}
    login = f"{quote(proxy.user(), safe='')}:{quote(proxy.password(), safe='')}@" if proxy.user() else ""
    url = f"{scheme}://{login}{proxy.hostName()}:{proxy.port()}"
    direct = [QUrl.fromUserInput(text).host() for text in (*manager.excludeList(), *manager.noProxyList())]
    system = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    hosts = ",".join(host for host in (system, *direct) if host)
    return {"HTTP_PROXY": url, "HTTPS_PROXY": url, "http_proxy": url, "https_proxy": url, "NO_PROXY": hosts, "no_proxy": hosts}


def install(python: Path, arguments: Sequence[str], is_cancelled: Callable[[], bool], on_line: Callable[[str], None]) -> None:
    """Run an interpreter's `pip install` under the user's pip configuration and QGIS's proxy; cancel and errors as ``run``'s.

    Raises
    ------
    pip_config.Constrained
        A constraint of the user's excludes a package; names its file.
    """
    environment = {**pip_config.variables(), **proxy_environment()}
    try:
        run([*pip(python), "install", *OPTIONS, *arguments], is_cancelled, on_line, environment)
    except pip_config.Constrained as error:
        settings = [*pip(python), "config", "list"]
        raise pip_config.located(error, lambda on_setting: run(settings, is_cancelled, on_setting, environment)) from error


def run(
    args: Sequence[str],
    is_cancelled: Callable[[], bool],
    on_line: Callable[[str], None],
    environment: dict[str, str] | None = None,
) -> None:
    """Run a program to its end; its output goes line by line to ``on_line``, in this thread.

    Raises
    ------
    Cancelled
        ``is_cancelled`` became true; the program was killed.
    EngineError
        It failed; the message is made from what pip says.
    """
    env = {**process.child_environment(), **(environment or {})}
    try:
        child = process.start(args, env=env, stderr=process.TO_STDOUT)
    except OSError as error:
        raise EngineError(
            tr("{program} cannot be started ({reason})", program=args[0], reason=error.strerror or error),
            tr("a working Python"),
            tr("remove the environment and set it up again"),
        ) from error
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_pump, args=(cast(IO[bytes], child.stdout), lines), name="changescribe-pip", daemon=True).start()
    tail: collections.deque[str] = collections.deque(maxlen=60)
    with cast(IO[bytes], child.stdin):
        while True:
            if is_cancelled():
                child.kill()
                child.wait()
                raise Cancelled(tr("the set-up was cancelled"), "", tr("start it again: what is downloaded is kept"))
            try:
                line = lines.get(timeout=POLL_S)
            except queue.Empty:
                continue
            if line is None:
                break
            tail.append(line)
            on_line(line)
    if child.wait() != 0:
        raise failure(list(tail), child.returncode)


def failure(lines: list[str], code: int) -> EngineError:
    """The error that pip's last lines speak of."""
    text = "\n".join(lines)
    if WRONG_HASH.search(text):
        return WrongHash(
            tr("a file does not have the hash on record{file}", file=_file_of(lines)),
            tr("exactly the files that this version of ChangeScribe was tested with"),
            tr("try again; if the error persists, a proxy, mirror or folder serves other files: contact whoever runs it"),
        )
    constrained = pip_config.conflict(text)
    if constrained:
        return constrained
    unreadable = UNREADABLE.search(text)
    if unreadable:
        return EngineError(
            tr("pip cannot read {path}", path=unreadable[1]),
            tr("a readable file"),
            tr("correct the entry `constraint` of your pip configuration (see `pip config debug`); if it names another file, reinstall the plugin"),
        )
    for pattern, (got, need, do) in FAILURES:
        if pattern.search(text):
            return EngineError(tr(got), tr(need), tr(do))
    missing = MISSING.search(text)
    if any(sign in text for sign in NETWORK_SIGNS):
        what = tr("; {name} was not found elsewhere", name=missing[1]) if missing else ""
        return EngineError(
            tr("a package server cannot be reached{what}", what=what), tr("a connection to pypi.org and download.pytorch.org"), tr(OFFLINE_REMEDY)
        )
    if missing:
        do = tr("add its wheel for this Python and system to the folder; or choose a Python that has it in the settings")
        return EngineError(tr("{name} was not found", name=missing[1]), tr("a wheel for this computer"), do)
    words = [line.strip() for line in lines if line.strip()][-4:]
    return EngineError(
        tr("the installer failed (exit {code}): {words}", code=code, words=" | ".join(words)),
        tr("a complete environment"),
        tr("try again; or choose a Python that has PyTorch"),
    )


def _file_of(lines: list[str]) -> str:
    """The package that pip's complaint about a hash names, as " (torch==2.13.0+cpu)"; "" if it names none."""
    for line in lines:
        named = re.match(r"\s*(\S+==\S+) from ", line)
        if named:
            return f" ({named[1]})"
    return ""


def _pump(stream: IO[bytes], lines: queue.Queue[str | None]) -> None:
    with stream:
        for line in iter(stream.readline, b""):
            lines.put(line.decode("utf-8", "replace").rstrip())
    lines.put(None)
