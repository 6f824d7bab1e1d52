"""A real QGIS desktop under Xvfb: fresh profile, the staged plugin, a run of the panel and a click; takes the README's and the help's pictures.

Run as ``python tests/plugin/desktop_run.py ENGINE_PYTHON`` after ``make link``; the pictures go to docs/img and resources/help/img. Needs qgis,
Xvfb and ImageMagick's ``import``. What happens inside QGIS is desktop_steps.py.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SIZE = (1440, 900)
LIMIT_S = 300
INI = "[PythonPlugins]\nchangescribe=true\n[qgis]\ncheckVersion=false\nshowTips=false\n[app]\nprojections\\\\unknownCrsBehavior=NoAction\n"


def main(engine_python, folder, help_folder):
    """Draw the sample and run the steps; exit code 0 when the script inside has come to its end."""
    work = Path(tempfile.mkdtemp(prefix="changescribe-desktop-"))
    try:
        subprocess.run(
            [engine_python, "-c", f"from pathlib import Path; from engine.demo import write_sample; write_sample(Path({str(work)!r}))"],
            cwd=ROOT,
            check=True,
        )
        told = {"work": str(work), "folder": str(folder.resolve()), "help_folder": str(help_folder.resolve())}
        found = run_qgis(work, "desktop_steps", {"CHANGESCRIBE_PYTHON": engine_python, "CHANGESCRIBE_DESKTOP": json.dumps(told)})
        print(json.dumps(found, indent=1, ensure_ascii=False))
        return 0 if found["ok"] else 1
    finally:
        shutil.rmtree(work, ignore_errors=True)


def run_qgis(work, steps, environment):
    """Start Xvfb and a QGIS with a profile in ``work`` and the staged plugin, and call ``begin`` of the module ``steps`` there; the report that it
    leaves in ``work``."""
    profile = work / "profiles" / "profiles" / "default"
    if not profile.exists():
        (profile / "QGIS").mkdir(parents=True)
        (profile / "QGIS" / "QGIS3.ini").write_text(INI)
        (profile / "python" / "plugins").mkdir(parents=True)
        (profile / "python" / "plugins" / "changescribe").symlink_to(ROOT / "build" / "changescribe")
    script = work / "begin.py"
    script.write_text(f"import sys\nsys.path.insert(0, {str(Path(__file__).parent)!r})\nimport {steps}\n{steps}.begin()\n")
    display = f":{90 + os.getpid() % 100}"
    server = subprocess.Popen(["Xvfb", display, "-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24"], stderr=subprocess.DEVNULL)
    environment = {**os.environ, "DISPLAY": display, **environment}
    environment.pop("QT_QPA_PLATFORM", None)
    report = work / "report.json"
    report.unlink(missing_ok=True)
    try:
        time.sleep(1)
        qgis = shutil.which("qgis.bin") or "qgis"
        command = [qgis, "--nologo", "--noversioncheck", "--profiles-path", str(work / "profiles"), "--code", str(script)]
        subprocess.run(command, env=environment, timeout=LIMIT_S, check=False)
        return json.loads(report.read_text()) if report.exists() else {"ok": False, "error": "QGIS ended before the script did"}
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], ROOT / "docs" / "img", ROOT / "resources" / "help" / "img"))
