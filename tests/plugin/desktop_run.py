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
    """Start Xvfb and QGIS; exit code 0 when the script inside has come to its end."""
    work = Path(tempfile.mkdtemp(prefix="changescribe-desktop-"))
    subprocess.run(
        [engine_python, "-c", f"from pathlib import Path; from engine.demo import write_sample; write_sample(Path({str(work)!r}))"],
        cwd=ROOT,
        check=True,
    )
    profile = work / "profiles" / "profiles" / "default"
    (profile / "QGIS").mkdir(parents=True)
    (profile / "QGIS" / "QGIS3.ini").write_text(INI)
    (profile / "python" / "plugins").mkdir(parents=True)
    (profile / "python" / "plugins" / "changescribe").symlink_to(ROOT / "build" / "changescribe")
    display = f":{90 + os.getpid() % 100}"
    script = work / "begin.py"
    script.write_text(f"import sys\nsys.path.insert(0, {str(Path(__file__).parent)!r})\nimport desktop_steps\ndesktop_steps.begin()\n")
    server = subprocess.Popen(["Xvfb", display, "-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24"], stderr=subprocess.DEVNULL)
    told = {"work": str(work), "folder": str(folder.resolve()), "help_folder": str(help_folder.resolve())}
    environment = {**os.environ, "DISPLAY": display, "CHANGESCRIBE_PYTHON": engine_python, "CHANGESCRIBE_DESKTOP": json.dumps(told)}
    environment.pop("QT_QPA_PLATFORM", None)
    try:
        time.sleep(1)
        qgis = shutil.which("qgis.bin") or "qgis"
        command = [qgis, "--nologo", "--noversioncheck", "--profiles-path", str(work / "profiles"), "--code", str(script)]
        subprocess.run(command, env=environment, timeout=LIMIT_S, check=False)
        report = work / "report.json"
        print(report.read_text() if report.exists() else "QGIS ended before the script did")
        return 0 if report.exists() and json.loads(report.read_text())["ok"] else 1
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], ROOT / "docs" / "img", ROOT / "resources" / "help" / "img"))
