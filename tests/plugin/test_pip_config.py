"""The user's pip configuration: in force in a set-up, and named where it forbids one; with a real pip and made-up configurations."""

import re

import pytest
from changescribe.engine.contract.errors import EngineError
from changescribe.qgis_plugin.setup import environment, install, pip_config, pip_run
from wheel_house import TORCH, use_index


def constraint_file(folder, text):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "constraints.txt"
    path.write_text(text)
    return path


def site_wide(monkeypatch, tmp_path, entry):
    """A configuration for all users as in /etc/xdg/pip, with one entry."""
    config = tmp_path / "site" / "pip" / "pip.conf"
    config.parent.mkdir(parents=True)
    config.write_text(f"[install]\n{entry}\n")
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "site"))


def test_these_tests_do_not_depend_on_the_machines_configuration(home, monkeypatch, tmp_path):
    site_wide(monkeypatch, tmp_path, f"constraint = {constraint_file(tmp_path, 'torch<=2.14.1')}")
    assert install.install(wheels=home) == environment.python_path()


def test_a_site_wide_constraint_that_excludes_pytorch_is_named_with_its_file(home, monkeypatch, tmp_path):
    constraints = constraint_file(tmp_path, "# ours\nnumpy>=1.0\nTorch <= 2.14.1  # tested\n")
    monkeypatch.delenv("PIP_CONFIG_FILE")
    site_wide(monkeypatch, tmp_path, f"constraint = {constraints}")
    with pytest.raises(pip_config.Constrained) as caught:
        install.install(wheels=home)
    assert re.search(
        rf"excludes a package that the engine needs: torch<=2\.14\.1, in {re.escape(str(constraints))}:3\. "
        rf"Needed: torch=={TORCH}\+cpu\. To do: change or remove that line.*`pip config debug`",
        str(caught.value),
    )
    assert "try again" not in str(caught.value)
    assert environment.python_path() is None
    constraints.write_text("numpy>=1.0\n")
    assert install.install(wheels=home) == environment.python_path()


@pytest.mark.parametrize("kind", ["file", "variable"])
def test_a_constraint_of_the_users_is_named_with_its_file(home, monkeypatch, tmp_path, kind):
    constraints = constraint_file(tmp_path, "shapely>=0.5,<1\n")
    if kind == "variable":
        monkeypatch.setenv("PIP_CONSTRAINT", str(constraints))
    else:
        (tmp_path / "pip.conf").write_text(f"[install]\nconstraint = {constraints}\n")
        monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    with pytest.raises(EngineError, match=rf"shapely\S*, in {re.escape(str(constraints))}:1\. Needed: shapely==1\.0\."):
        install.install(wheels=home)


def located(settings, constraint):
    error = pip_config.located(pip_config.Constrained(["numpy==2.0"], [constraint]), lambda on_line: [on_line(line) for line in settings])
    return re.search(r"needs: (.*)\. Needed: numpy==2\.0", str(error))[1]


def test_the_guilty_file_among_several_is_named_and_one_that_is_overridden_is_not(tmp_path):
    a, b, c = (
        constraint_file(tmp_path / name, text)
        for name, text in (("a", "numpy==1\n"), ("b", "fiona\nNumPy < 2, >= 1 ; python_version > '3'\n"), ("c", "numpy<2,>=1\n"))
    )
    listed = [f"global.constraint='{c}'", "global.timeout='9'", f"install.constraint='{a} {b}'", f"freeze.constraint='{c}'"]
    assert located(listed, "numpy<2,>=1") == f"numpy<2,>=1, in {b}:2"
    assert located([*listed, f":env:.constraint='{c}'"], "numpy>=1,<2") == f"numpy>=1,<2, in {c}:1"


def test_constraints_that_cannot_be_read_here_are_named_by_their_configuration(tmp_path):
    """Behind another file, at a URL, or nowhere."""
    outer = constraint_file(tmp_path, "-c inner.txt\n")
    url = "https://packages.example/constraints.txt"
    assert located([f"global.constraint='{outer} {url}'"], "numpy<2") == f"numpy<2, in {outer}, {url}"
    assert located([], "numpy<2") == "numpy<2, in a constraint file of pip's configuration"


def test_a_constraint_against_what_a_build_without_lock_depends_on():
    lines = ["ERROR: Cannot install torch==2.0 because these package versions have conflicting dependencies.", "", "The conflict is caused by:"]
    lines += ["    torch 2.0 depends on numpy>=1.0", "    The user requested (constraint) numpy<1.0", "", "To fix this you could try to:"]
    with pytest.raises(EngineError, match=r"numpy<1\.0, in a constraint file of pip's configuration\. Needed: torch 2\.0 depends on numpy>=1\.0\."):
        raise pip_run.failure(lines, 1)


def test_a_conflict_without_a_constraint_is_not_called_one():
    lines = ["The conflict is caused by:", "    The user requested numpy==1.0", "    torch 2.0 depends on numpy>=2.0"]
    assert "installer failed" in str(pip_run.failure(lines, 1))


def test_a_constraint_file_that_is_not_there_is_named(home, monkeypatch, tmp_path):
    monkeypatch.setenv("PIP_CONSTRAINT", str(tmp_path / "gone.txt"))
    with pytest.raises(EngineError, match=rf"pip cannot read {re.escape(str(tmp_path))}/gone\.txt\..*entry `constraint` of your pip configuration"):
        install.install(wheels=home)


def test_an_index_of_the_users_counts_and_what_moves_an_installation_does_not(home, index, monkeypatch, tmp_path):
    use_index(monkeypatch, f"http://127.0.0.1:{index.server_address[1]}/simple")
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("PIP_USER", "1")
    assert set(pip_config.variables()) == {"PIP_CONFIG_FILE", "PIP_INDEX_URL", "PIP_TRUSTED_HOST"}
    assert install.install() == environment.python_path()
    assert index.asked and not (tmp_path / "elsewhere").exists()


def test_a_users_pip_conf_gives_the_index(home, index, monkeypatch, tmp_path):
    config = tmp_path / "config" / "pip" / "pip.conf"
    config.parent.mkdir(parents=True)
    # Under [install], and with a constraint: overrides what this machine may have under [global].
    harmless = constraint_file(tmp_path, "standin<9\n")
    config.write_text(
        f"[install]\nindex-url = http://127.0.0.1:{index.server_address[1]}/simple\ntrusted-host = 127.0.0.1\nconstraint = {harmless}\n"
    )
    monkeypatch.delenv("PIP_CONFIG_FILE")
    assert install.install() == environment.python_path()
    assert index.asked
