"""A new user's way, for real: from the plugin's zip to captions on the map, in a QGIS desktop with a fresh profile, by mouse clicks that are counted.

``make first-use`` runs it, in an environment that has the engine. Xvfb's mouse is moved and pressed by xdotool; the set-up is the plugin's own,
with a real pip and the real PyTorch, in an empty user folder and with an empty cache. With ``--quick`` wheels that borrow the engine's libraries from
this environment stand in for the downloads; all else stays. What happens inside QGIS is first_use_steps.py.
"""

import argparse
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SIZE = (1440, 900)
NEEDED = ("qgis", "Xvfb", "xdotool", "import")
# The plugin site is not asked for its list: that may take a while, and is no part of the way.
INI = r"""[qgis]
checkVersion=false
showTips=false
[app]
projections\unknownCrsBehavior=NoAction
plugin_repositories\QGIS%20Official%20Plugin%20Repository\enabled=false
"""
SAMPLE = "import sys; from pathlib import Path; from engine.demo import write_sample; write_sample(Path(sys.argv[1]))"
SITE = "import sysconfig; print(sysconfig.get_path('purelib'))"


def package(folder):
    """The zip as ``make package`` makes it."""
    spec = importlib.util.spec_from_file_location("ci_plugin", ROOT / ".ci" / "plugin.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script.package(folder)


def stand_in(work, archive, engine_python, environment):
    """Replace the zip's locks by those of two tiny wheels, which borrow the libraries of ``engine_python``; returns ``environment`` with a pip that
    finds these wheels and nothing else."""
    import wheel_house

    wheels = work / "wheels"
    wheels.mkdir()
    site = subprocess.run([engine_python, "-c", SITE], check=True, capture_output=True, text=True).stdout
    wheel_house.write_wheel(wheels, "torch", "2.9999.0+cpu", [("borrowed.pth", site)], module=False)
    wheel_house.write_wheel(wheels, "standin", "1.0")
    tags = [f"cp3{minor}" for minor in range(10, 14)]
    systems = ("manylinux_2_28_x86_64", "manylinux_2_28_aarch64")
    wheel_house.write_locks(work / "locks", wheels, [f"torch-2.9999.0+cpu-{tag}-{tag}-{system}.whl" for tag in tags for system in systems])
    whole = archive.with_suffix(".whole")
    archive.rename(whole)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(archive, "w") as target:
        for name in source.namelist():
            lock = work / "locks" / Path(name).name
            target.writestr(name, lock.read_bytes() if "/resources/locks/" in name else source.read(name))
    return {**wheel_house.without_pip_configuration(environment), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}


def main(engine_python, quick, folder, limit_s):
    """Prepare a new user's computer and start QGIS there; returns the report, whose ``ok`` says that captions came."""
    work = Path(tempfile.mkdtemp(prefix="changescribe-first-use-"))
    archive = package(work / "dist")
    environment = {name: value for name, value in os.environ.items() if name not in ("QT_QPA_PLATFORM", "CHANGESCRIBE_PYTHON", "QGIS_PLUGINPATH")}
    environment.update({f"XDG_{kind}_HOME": str(work / kind.lower()) for kind in ("DATA", "CACHE")})
    if quick:
        environment = stand_in(work, archive, engine_python, environment)
    subprocess.run([engine_python, "-c", SAMPLE, str(work)], cwd=ROOT, check=True)
    profile = work / "profiles" / "profiles" / "default" / "QGIS"
    profile.mkdir(parents=True)
    (profile / "QGIS3.ini").write_text(INI)
    script = work / "begin.py"
    script.write_text(f"import sys\nsys.path.insert(0, {str(Path(__file__).parent)!r})\nimport first_use_steps\nfirst_use_steps.begin()\n")
    display = f":{190 + os.getpid() % 100}"
    told = {"work": str(work), "archive": str(archive), "folder": str(folder), "limit_s": limit_s}
    environment.update(DISPLAY=display, CHANGESCRIBE_FIRST_USE=json.dumps(told))
    server = subprocess.Popen(["Xvfb", display, "-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24"], stderr=subprocess.DEVNULL)
    try:
        time.sleep(2)
        qgis = shutil.which("qgis.bin") or "qgis"
        command = [qgis, "--nologo", "--noversioncheck", "--profiles-path", str(work / "profiles"), "--code", str(script)]
        subprocess.run(command, env=environment, timeout=limit_s + 300, check=False)
        report = work / "report.json"
        found = json.loads(report.read_text()) if report.exists() else {"ok": False, "error": "QGIS ended before the script did"}
        return {**found, "disk_mb": round(sum(path.lstat().st_size for path in (work / "data").rglob("*")) / 1e6)}
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="borrow this environment's libraries in place of the downloads")
    parser.add_argument("--folder", type=Path, default=ROOT / "docs" / "img", help="where the picture goes")
    parser.add_argument("--limit-s", type=float, default=3600.0, help="give up after so long")
    args = parser.parse_args()
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        sys.exit(f"not installed: {', '.join(missing)}. Install them (Debian: apt-get install qgis xvfb xdotool imagemagick).")
    found = main(sys.executable, args.quick, args.folder.resolve(), args.limit_s)
    print(json.dumps(found, indent=1, ensure_ascii=False))
    sys.exit(0 if found["ok"] else 1)
