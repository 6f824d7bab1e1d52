"""What goes wrong while the engine is set up: each with a real venv and pip, said in words, and mended by setting up again."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from changescribe.engine.contract.errors import EngineError, OutputError
from changescribe.qgis_plugin.client import worker_client
from changescribe.qgis_plugin.client.worker_client import EngineClient
from changescribe.qgis_plugin.setup import builds, driver, environment, install, pip_run
from qgis.core import QgsNetworkAccessManager
from qgis.PyQt.QtCore import QLockFile
from qgis.PyQt.QtNetwork import QNetworkProxy
from wheel_house import use_index, write_wheel


def address(server, path="/simple"):
    return f"http://127.0.0.1:{server.server_address[1]}{path}"


def test_no_network(home, monkeypatch):
    use_index(monkeypatch, "http://127.0.0.1:9/simple")  # the discard port: nobody listens
    with pytest.raises(EngineError, match="a package server cannot be reached.*offline folder of wheels"):
        install.install()
    assert environment.python_path() is None


def test_a_wheel_that_is_not_the_locked_one_is_refused(home):
    """A library's, and PyTorch's, which comes in a step of its own."""
    for name, version in (("fiona", "1.0"), ("torch", "2.9999.0+cpu")):
        wheel = home / f"{name}-{version}-py3-none-any.whl"
        good = wheel.read_bytes()
        write_wheel(home, name, version, [("evil.py", "")])
        with pytest.raises(
            pip_run.WrongHash, match=rf"does not have the hash on record .{re.escape(f'{name}=={version}')}.\. Needed: exactly the files"
        ):
            install.install(wheels=home)
        assert environment.python_path() is None
        assert not list(environment.environment_folder().rglob("evil.py"))
        wheel.write_bytes(good)
    assert install.install(wheels=home) == environment.python_path()


def test_a_wrong_download_is_fetched_once_more_past_the_cache(home, index, monkeypatch):
    use_index(monkeypatch, address(index))
    good = (home / "fiona-1.0-py3-none-any.whl").read_bytes()
    write_wheel(home, "fiona", "1.0", [("evil.py", "")])
    texts = []

    def on_progress(share, text):
        texts.append(text)
        if "Downloading it again" in text:
            (home / "fiona-1.0-py3-none-any.whl").write_bytes(good)

    assert install.install(on_progress=on_progress) == environment.python_path()
    assert sum("Downloading it again" in text for text in texts) == 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mounts a small disk")
def test_a_full_disk(home, monkeypatch, tmp_path):
    disk = tmp_path / "small"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", str(disk)], capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        monkeypatch.setenv("XDG_DATA_HOME", str(disk))
        ballast = disk / "ballast"
        ballast.write_bytes(b"x" * (shutil.disk_usage(disk).free - 5_000_000))  # less than pip alone takes
        monkeypatch.setattr(builds, "BUILDS", {"linux": (builds.Build("cpu", "+cpu", False, 1, 1),)})  # the look before finds room
        with pytest.raises((EngineError, OutputError), match="disk is full|cannot be written .*No space"):
            install.install(wheels=home)
        assert environment.python_path() is None
        ballast.unlink()
        assert install.install(wheels=home) == environment.python_path()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


KILLED = """
import sys
sys.path.insert(0, {staged!r})
from pathlib import Path
from qgis.core import QgsApplication
application = QgsApplication([], False)
from changescribe.qgis_plugin.setup import builds, install
builds.LOCKS = Path({locks!r})
builds.BUILDS = {{"linux": (builds.Build("cpu", "+cpu", False, 10, 50),)}}
install.install(on_progress=lambda share, text: print(text, flush=True))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for processes in /proc")
def test_killed_midway_leaves_no_pip_behind_and_is_resumed(home, index, monkeypatch):
    use_index(monkeypatch, address(index))
    index.slow = "torch"
    script = KILLED.format(staged=str(Path(__file__).resolve().parents[2] / "build"), locks=str(builds.LOCKS))
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as other:
        while not any("torch" in asked and "files" in asked for asked in index.asked):
            assert other.poll() is None, other.stdout.read()
            time.sleep(0.05)
        folder = environment.environment_folder()
        with pytest.raises(EngineError, match="another QGIS is setting up the engine"):
            install.install(wheels=home)
        with pytest.raises(EngineError, match="another QGIS is setting up the engine"):
            install.remove()
        assert _running_in(folder)
        other.send_signal(signal.SIGKILL)
        other.wait()
    end = time.monotonic() + 20
    while _running_in(folder):
        assert time.monotonic() < end, "pip outlives the QGIS that started it"
        time.sleep(0.05)
    made, already = (folder / "pyvenv.cfg").stat().st_mtime_ns, len(index.asked)
    index.slow = None
    assert install.install() == environment.python_path()
    assert (folder / "pyvenv.cfg").stat().st_mtime_ns == made
    assert not [asked for asked in index.asked[already:] if "/files/fiona" in asked]  # what is installed is not fetched again


def _running_in(folder):
    """Ids of processes whose program lies in a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cmdline").read_bytes().split(b"\0")[0].startswith(str(folder).encode()):
                found.append(entry.name)
        except OSError:
            continue
    return found


def test_the_proxy_of_qgis_fetches_the_packages(home, index, monkeypatch):
    use_index(monkeypatch, "http://packages.example/simple")  # a name that only the proxy knows
    manager = QgsNetworkAccessManager.instance()
    before, excludes = manager.fallbackProxy(), manager.excludeList()
    proxy = QNetworkProxy(QNetworkProxy.ProxyType.HttpProxy, "127.0.0.1", index.server_address[1], "me@here", "a:b")
    manager.setFallbackProxyAndExcludes(proxy, [], [])
    try:
        assert pip_run.proxy_environment()["HTTPS_PROXY"] == f"http://me%40here:a%3Ab@127.0.0.1:{index.server_address[1]}"
        assert install.install() == environment.python_path()
    finally:
        manager.setFallbackProxyAndExcludes(before, excludes, [])
    assert index.asked and all(asked.startswith("http://packages.example/") for asked in index.asked)
    manager.setFallbackProxyAndExcludes(QNetworkProxy(QNetworkProxy.ProxyType.DefaultProxy), [], [])
    assert pip_run.proxy_environment() == {}
    manager.setFallbackProxyAndExcludes(before, excludes, [])


@pytest.mark.parametrize("kind", ["excludes", "direct"])
def test_addresses_that_qgis_keeps_from_its_proxy(home, index, monkeypatch, kind):
    """Both of QGIS's lists, by their hosts; the system's own list stays."""
    monkeypatch.setenv("no_proxy", ".intranet")
    use_index(monkeypatch, address(index))
    manager = QgsNetworkAccessManager.instance()
    before, excludes, direct = manager.fallbackProxy(), manager.excludeList(), manager.noProxyList()
    kept = [f"http://127.0.0.1:{index.server_address[1]}/", "packages.example"]
    proxy = QNetworkProxy(QNetworkProxy.ProxyType.HttpProxy, "127.0.0.1", 9)  # nobody listens
    manager.setFallbackProxyAndExcludes(proxy, kept if kind == "excludes" else [], kept if kind == "direct" else [])
    try:
        found = pip_run.proxy_environment()
        assert found["NO_PROXY"] == found["no_proxy"] == ".intranet,127.0.0.1,packages.example"
        assert install.install() == environment.python_path()
    finally:
        manager.setFallbackProxyAndExcludes(before, excludes, direct)


def test_a_folder_that_cannot_be_written(home, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(environment, "data_folder", lambda: tmp_path / "file" / "below")
    with pytest.raises(OutputError, match="environment cannot be written .*To do: free some space or fix the permissions"):
        install.install(wheels=home)


def test_removing_takes_all_and_leaves_no_lock(home):
    folder = environment.environment_folder()
    (folder / "lib").mkdir(parents=True)
    (folder / environment.MARKER).write_text("{}")
    for _ in range(2):
        install.remove()
        assert not folder.exists()
    lock = QLockFile(f"{folder}.lock")
    assert lock.tryLock(0)
    lock.unlock()


def left(version):
    """An environment that another version of the plugin has left."""
    folder = environment.data_folder() / f"engine-{version}"
    (folder / "lib").mkdir(parents=True)
    (folder / environment.MARKER).write_text("{}")
    return folder


def test_removing_takes_those_of_all_versions(home):
    others = [left("0.0.1"), left("99.0")]
    environment.environment_folder().mkdir()
    install.remove()
    assert environment.folders() == [] and not any(other.exists() for other in others)


def test_a_set_up_removes_what_earlier_versions_left_unless_a_qgis_works_with_it(home):
    gone, in_use, being_set_up, newer = left("0.0.1"), left("0.0.2"), left("0.0.3"), left("99.0")
    locks = [QLockFile(f"{in_use}.used-{os.getpid()}"), QLockFile(f"{being_set_up}.lock")]
    assert all(lock.tryLock(0) for lock in locks)
    texts = []
    python = install.install(on_progress=lambda _share, text: texts.append(text), wheels=home)
    assert environment.folders() == [environment.environment_folder(), in_use, being_set_up, newer] and not gone.exists()
    assert [text.split(":")[0] for text in texts].count("An earlier version's engine was not removed") == 2
    with pytest.raises(EngineError, match=f"another QGIS is using the engine in {in_use}.*To do: close that QGIS"):
        install.remove()
    assert python.exists() is False  # this version's goes first
    for lock in locks:
        lock.unlock()


def test_a_running_engine_keeps_its_environment(home, monkeypatch):
    client, python = EngineClient.instance(), install.install(wheels=home)
    client.shutdown()
    monkeypatch.setattr(worker_client, "WorkerProcess", lambda _command: SimpleNamespace(alive=True, close=lambda: None))
    assert not environment.in_use(environment.environment_folder())
    client._running_worker()
    with pytest.raises(EngineError, match="another QGIS is using the engine"):
        install.remove()
    assert python.exists()
    client.shutdown()
    install.remove()
    assert not python.exists()


GPU = driver.Driver("Test GPU", (13, 0), (8, 9))


def test_a_cuda_build_that_does_not_work_gives_the_processors_and_says_so(home, monkeypatch):
    monkeypatch.setattr(driver, "ask", lambda python: GPU)
    real, asked = install.prove, []

    def prove(python, is_cancelled):
        asked.append(python)
        if len(asked) == 1:
            raise EngineError("libcudart.so.13: cannot open shared object file")
        return real(python, is_cancelled)

    monkeypatch.setattr(install, "prove", prove)
    assert install.plan().choice.build.id == "cu130"
    texts = []
    install.install(on_progress=lambda share, text: texts.append(text), wheels=home)
    assert environment.report()["build"] == "cpu"
    assert "CUDA 13.0 does not work here; the CPU build replaces it: libcudart.so.13" in environment.report()["note"]
    assert environment.report()["note"] in texts


def test_another_build_replaces_the_environment_only_when_it_is_asked_for(home, monkeypatch):
    install.install(wheels=home)
    monkeypatch.setattr(driver, "ask", lambda python: GPU)
    texts = []
    install.install(on_progress=lambda share, text: texts.append(text), wheels=home)
    assert (environment.report()["build"], len(texts)) == ("cpu", 1)
    install.install(wheels=home, wanted="cu130")
    assert environment.report()["build"] == "cu130"
    assert environment.report()["note"] == "PyTorch found no GPU that passes a test computation (no GPU); the CPU is used"


def test_what_an_earlier_set_up_left_broken_is_made_anew(home, monkeypatch):
    (home / "fiona-1.0-py3-none-any.whl").rename(home / "hidden")
    with pytest.raises(EngineError, match="fiona==1.0 was not found"):
        install.install(wheels=home)
    (home / "hidden").rename(home / "fiona-1.0-py3-none-any.whl")
    pip_run.run([*pip_run.pip(environment.interpreter_in(environment.environment_folder())), "install", "--no-index", "--find-links", str(home),
                 "--no-deps", "numpy"], lambda: False, lambda line: None)  # fmt: skip
    next(environment.environment_folder().rglob("numpy.py")).write_text("raise OSError('half written')")
    texts = []
    install.install(on_progress=lambda share, text: texts.append(text), wheels=home)
    assert sum("half written" in text and "is rebuilt" in text for text in texts) == 1
    assert environment.python_path() is not None
