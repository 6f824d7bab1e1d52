"""Setting the engine up from the panel and the settings page; the set-up itself is played."""

import threading
import time
from pathlib import Path

import pytest
from changescribe.engine.contract.errors import Cancelled, EngineError
from changescribe.qgis_plugin.setup import builds, driver, environment, install
from changescribe.qgis_plugin.setup.base_python import BasePython
from gui_window import wait_until
from qgis.core import QgsSettings

LINUX = tuple(builds.BUILDS["linux"])


def played_plan(gpu, wanted="auto"):
    """What ``install.plan`` finds on a computer with or without a GPU."""
    found = driver.Driver("Test GPU", (13, 0), (8, 9)) if gpu else driver.Driver(problem="no NVIDIA driver was found")
    offers = {build.id: build for build in LINUX}
    build, reason = builds.suggest(found, offers) if wanted == "auto" else (offers[wanted], "chosen in the settings")
    choice = builds.Choice(build, reason, "torch", True)
    return install.Plan(Path("/data/engine"), BasePython(Path("/usr/bin/python3"), (3, 11, 2), "x86_64"), choice, LINUX if gpu else (build,))


@pytest.fixture
def bare(plugin, monkeypatch, tmp_path):
    """The plugin on a computer without an engine or a GPU; returns the panel."""
    monkeypatch.delenv("CHANGESCRIBE_PYTHON")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(install, "plan", lambda wanted: played_plan(False, wanted))
    plugin.dock.setup.refresh()
    main = plugin.iface.mainWindow()
    shown = main.isVisible()
    main.show()
    yield plugin.dock
    main.setVisible(shown)
    QgsSettings().remove("changescribe")


def test_nothing_is_looked_at_before_the_panel_is_seen(bare):
    assert not bare.setup.isHidden()
    assert bare.setup.label.text() == "The captioning engine is not set up."
    assert bare.setup._looking is None


def test_the_size_is_said_before_anything_is_fetched(bare):
    bare.show()
    wait_until(lambda: LINUX[0].sizes in bare.setup.label.text())
    assert "CPU only (no NVIDIA driver was found)" in bare.setup.label.text()
    assert bare.setup.button.text() == f"Set up the engine ({builds.amount(LINUX[0].download_mb)} to download)"
    assert bare.setup.builds.isHidden()


def test_with_a_gpu_the_driver_chooses_and_the_user_may_choose_otherwise(bare, monkeypatch):
    monkeypatch.setattr(install, "plan", lambda wanted: played_plan(True, wanted))
    bare.show()
    wait_until(lambda: "2.9 GB to download" in bare.setup.button.text())
    assert "NVIDIA GPU, CUDA 13.0 (Test GPU with a driver for CUDA 13.0)" in bare.setup.label.text()
    assert not bare.setup.builds.isHidden()
    bare.setup.builds.setCurrentIndex(0)
    bare.setup.builds.activated.emit(0)
    wait_until(lambda: "300 MB to download" in bare.setup.button.text())
    asked = []
    monkeypatch.setattr(install, "install", lambda *arguments: asked.append(arguments[-1]))
    bare.setup.start()
    wait_until(lambda: bare.setup.task is None)
    assert asked == ["cpu"]


def test_a_computer_that_cannot_hold_the_engine_is_told_at_once(bare, monkeypatch):
    def refuse(wanted):
        raise EngineError("no Python on this computer can hold the engine", "Python 3.10 to 3.13 with venv", "install it")

    monkeypatch.setattr(install, "plan", refuse)
    bare.show()
    wait_until(lambda: "no Python on this computer can hold the engine. Needed: Python 3.10" in bare.setup.label.text())


def test_one_press_sets_up_and_captions(bare, pair, monkeypatch, tmp_path):
    from conftest import FAKE_WORKER

    bare.form.before.setLayer(pair[0])
    bare.form.after.setLayer(pair[1])
    bare.form.output.setFilePath(str(tmp_path / "out.gpkg"))
    bare.update_estimate()
    assert bare.run_button.text() == "Set up the engine, then caption"
    monkeypatch.setattr(install, "install", lambda *_arguments: monkeypatch.setenv("CHANGESCRIBE_PYTHON", str(FAKE_WORKER)))
    bare.run_button.click()
    assert not bare.run_button.isEnabled()
    wait_until(lambda: bare.run is not None)
    wait_until(lambda: bare.run is None)
    assert "Done:" in bare.message.text()
    assert (bare.run_button.isEnabled(), bare.run_button.text(), bare.setup.isHidden()) == (True, "Caption changes", True)


def test_a_failed_set_up_is_said_and_captions_nothing(bare, pair, monkeypatch):
    def fail(*_arguments):
        raise EngineError("no network", "a connection", "connect")

    bare.form.before.setLayer(pair[0])
    bare.form.after.setLayer(pair[1])
    monkeypatch.setattr(install, "install", fail)
    bare.run_button.click()
    wait_until(lambda: bare.setup.task is None)
    assert bare.setup.label.text() == "no network. Needed: a connection. To do: connect."
    assert not bare.setup.button.isHidden()
    assert bare.run_button.isEnabled()
    assert bare.run is None


def test_what_did_not_go_as_planned_stays_on_show(bare, monkeypatch):
    def install_with_note(*_arguments):
        folder = environment.environment_folder()
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").write_text("")
        (folder / environment.MARKER).write_text('{"build": "cpu", "note": "The build for NVIDIA GPU does not work here"}')

    monkeypatch.setattr(install, "install", install_with_note)
    bare.setup.start()
    wait_until(lambda: bare.setup.task is None)
    assert bare.setup.label.text() == "The build for NVIDIA GPU does not work here"
    assert (bare.setup.isHidden(), bare.setup.button.isHidden()) == (False, True)


def test_panel_and_settings_show_the_same_set_up_and_unloading_cancels_it(plugin, window, monkeypatch):
    from changescribe.qgis_plugin.gui.settings.setup_bar import SetupTask

    def wait_for_cancel(is_cancelled, on_progress, _wheels, _wanted):
        on_progress(0.4, "Downloading torch")
        while not is_cancelled():
            time.sleep(0.02)
        raise Cancelled("the set-up was cancelled")

    monkeypatch.setattr(install, "install", wait_for_cancel)
    page = window.factories[0].createWidget(None)
    page.setup.start()
    plugin.dock.setup.refresh()
    wait_until(lambda: plugin.dock.setup.progress.value() == 400)
    wait_until(lambda: page.setup.label.text() == plugin.dock.setup.label.text() == "Downloading torch")
    page.deleteLater()  # the settings are closed; the set-up goes on
    wait_until(lambda: True)
    assert SetupTask.current is not None
    plugin.unload()
    wait_until(lambda: SetupTask.current is None)


def test_the_settings_page_repairs_removes_and_keeps_the_build(bare, window, monkeypatch):
    page = window.factories[0].createWidget(None)
    page.build.setCurrentIndex(page.build.findData("cu126"))
    asked = []
    monkeypatch.setattr(install, "install", lambda *arguments: asked.append(arguments[-1]))
    page.repair.click()
    wait_until(lambda: page.setup.task is None)
    assert asked == ["cu126"]
    environment.environment_folder().mkdir(parents=True)
    page._refresh()
    page.remove.click()
    wait_until(lambda: page._removal is None)
    assert not environment.environment_folder().exists()
    assert page.state.text().startswith("Removed.\nNot set up. Will be installed in")


def test_removing_leaves_the_desktop_free_and_says_what_came_of_it(bare, window, monkeypatch):
    environment.environment_folder().mkdir(parents=True)
    page, asked, go_on = window.factories[0].createWidget(None), [], threading.Event()

    def remove():
        asked.append(threading.current_thread())
        assert go_on.wait(20)
        raise EngineError("another QGIS is using the engine")

    monkeypatch.setattr(install, "remove", remove)
    page.remove.click()
    assert (page.remove.isEnabled(), page.repair.isEnabled(), page.state.text()) == (False, False, "Removing…")
    wait_until(lambda: asked)
    assert asked[0] is not threading.main_thread()
    go_on.set()
    wait_until(lambda: page._removal is None)
    assert page.state.text() == "Not removed: another QGIS is using the engine."
    assert (page.remove.isEnabled(), page.repair.isEnabled()) == (True, True)


def test_what_other_versions_left_can_be_removed(bare, window):
    (environment.data_folder() / "engine-0.0.1").mkdir(parents=True)
    page = window.factories[0].createWidget(None)
    assert "Of other versions: engine-0.0.1" in page.state.text()
    page.remove.click()
    wait_until(lambda: page._removal is None)
    assert environment.folders() == []


def test_the_panel_shows_itself_once_after_an_installation(window, engine, qgis_new_project):
    from changescribe import classFactory

    engine()
    main = window.mainWindow()
    before = main.isVisible()
    try:
        for visible, greeted in ((False, False), (True, True), (True, False)):  # QGIS starts; the plugin is installed; it is loaded again
            main.setVisible(visible)
            plugin = classFactory(window)
            plugin.initGui()
            assert plugin.dock.isHidden() != greeted
            plugin.unload()
    finally:
        main.setVisible(before)
        QgsSettings().remove("changescribe")
