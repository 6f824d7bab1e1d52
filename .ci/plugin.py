"""The plugin's folder: staged as links for development, zipped for QGIS's plugin manager.

QGIS wants one folder with metadata.txt and __init__.py; the repository keeps the pieces apart. Standard library only.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAME = "changescribe"
PACKAGES = ("qgis_plugin", "engine", "resources")
FILES = ("metadata.txt", "LICENSE", "CHANGELOG.md")
MAX_BYTES = 25_000_000  # plugins.qgis.org refuses more
FORBIDDEN_SUFFIXES = {".pyc", ".pyo", ".so", ".dll", ".dylib", ".exe", ".sh", ".bat", ".pkl", ".pickle", ".pt", ".pth"}
FORBIDDEN_PARTS = {"__pycache__", ".git", "__MACOSX", ".DS_Store"}
# A fixed time makes the same sources give the same bytes.
ZIP_TIME = (1980, 1, 1, 0, 0, 0)

INIT = '''"""ChangeScribe: captions of what changed between two rasters."""


def classFactory(iface):
    """Give QGIS the plugin; imported here, so that the engine's own Python can import this package without QGIS."""
    from .qgis_plugin import classFactory as factory

    return factory(iface)
'''


def version() -> str:
    """Version of metadata.txt, which tests/test_package.py holds against the engine's."""
    found = re.search(r"^version=(.+)$", (ROOT / "metadata.txt").read_text("utf-8"), re.MULTILINE)
    if not found:
        raise SystemExit("metadata.txt has no line version=…")
    return found.group(1).strip()


def left_out() -> set[Path]:
    """Weights that resources/models.json marks as not bundled: users add them, see ``engine.registry.installed.how_to_install``."""
    rows = json.loads((ROOT / "resources" / "models.json").read_text("utf-8"))["models"]
    return {ROOT / "resources" / "weights" / row["file"] for row in rows if not row.get("bundled", True)}


def members() -> list[tuple[str, bytes]]:
    """Names inside the zip and their contents, sorted by name."""
    skipped = left_out()
    entries = [(f"{NAME}/__init__.py", INIT.encode())]
    entries += [(f"{NAME}/{name}", (ROOT / name).read_bytes()) for name in FILES]
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and path not in skipped and not FORBIDDEN_PARTS & set(path.parts):
                entries.append((f"{NAME}/{path.relative_to(ROOT).as_posix()}", path.read_bytes()))
    return sorted(entries)


def package(folder: Path) -> Path:
    """Write the zip into ``folder``.

    Raises
    ------
    SystemExit
        A file that the plugin site refuses, or a zip that is too large.
    """
    entries = members()
    refused = [name for name, _ in entries if Path(name).suffix.lower() in FORBIDDEN_SUFFIXES]
    if refused:
        raise SystemExit(f"plugins.qgis.org refuses these files: {', '.join(refused)}. Move them out of {', '.join(PACKAGES)}.")
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{NAME}-{version()}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in entries:
            info = zipfile.ZipInfo(name, ZIP_TIME)
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    size = target.stat().st_size
    if size > MAX_BYTES:
        largest = sorted(entries, key=lambda entry: -len(entry[1]))[:5]
        listing = ", ".join(f"{name} ({len(content) / 1e6:.1f} MB)" for name, content in largest)
        target.unlink()
        raise SystemExit(f"the zip has {size:,} bytes; plugins.qgis.org takes {MAX_BYTES:,}. The largest files: {listing}.")
    print(f"{target.relative_to(ROOT) if target.is_relative_to(ROOT) else target}: {size / 1e6:.1f} MB, {len(entries)} files")
    return target


def link(folder: Path) -> Path:
    """Stage ``folder``/changescribe: links into the repository, so that an edit needs only a reload."""
    staged = folder / NAME
    staged.mkdir(parents=True, exist_ok=True)
    (staged / "__init__.py").write_text(INIT, "utf-8")
    for name in PACKAGES + FILES:
        place_link(staged / name, ROOT / name)
    return staged


def place_link(place: Path, target: Path) -> None:
    """Point ``place`` at ``target``; what is there and no link is left alone, with an error."""
    if place.is_symlink():
        place.unlink()
    elif place.exists():
        raise SystemExit(f"{place} is there and is no link. Remove it and run make link again.")
    place.symlink_to(target)


def profile_plugins(profile: str) -> Path:
    """Plugin folder of a QGIS 3 profile, a name or a path."""
    if os.sep in profile:
        return Path(profile) / "python" / "plugins"
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support" / "QGIS" / "QGIS3"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "QGIS" / "QGIS3"
    return base / "profiles" / profile / "python" / "plugins"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    linking = commands.add_parser("link", help="stage build/changescribe")
    linking.add_argument("--profile", help="QGIS profile to link it into, a name or a folder")
    commands.add_parser("package", help="write the zip into dist/")
    args = parser.parse_args()
    if args.command == "package":
        package(ROOT / "dist")
        return
    staged = link(ROOT / "build")
    if args.profile:
        plugins = profile_plugins(args.profile)
        plugins.mkdir(parents=True, exist_ok=True)
        place_link(plugins / NAME, staged)
        print(f"linked into {plugins}; tick ChangeScribe under Plugins > Manage and Install Plugins")
    else:
        print(f"staged {staged.relative_to(ROOT)}. To try it: QGIS_PLUGINPATH={staged.parent} qgis, or make link PROFILE=default")


if __name__ == "__main__":
    main()
