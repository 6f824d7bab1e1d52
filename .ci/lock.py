"""Write resources/locks: every file that the plugin's environment may hold, by version and sha256.

``make lock`` runs it. uv resolves resources/engine-requirements.txt for all systems and Pythons at once; PyTorch's own wheels are read off the
pages of PyPI and of PyTorch's indexes. An index that cannot be reached leaves the entries that are there as they are, and it is said.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "resources" / "engine-requirements.txt"
LOCKS = ROOT / "resources" / "locks"
PYPI = "https://pypi.org/simple"
PYTORCH = "https://download.pytorch.org/whl"
# Without cu126: its wheels need NVIDIA's libraries for CUDA 12, which no lock holds, and a build is locked as a whole or not at all.
INDEXES = (f"{PYPI}/torch/", f"{PYTORCH}/cpu/torch/", f"{PYTORCH}/cu130/torch/")
OLDEST, NEWEST = (3, 10), (3, 13)  # those of qgis_plugin/setup/base_python.py
# What only PyTorch's CUDA build on Linux needs; on Windows its wheel holds these libraries.
CUDA = re.compile(r"(nvidia-|cuda-|triton)")
LINK = re.compile(r'<a [^>]*href="[^"#]*#sha256=([0-9a-f]{64})"[^>]*>\s*([^<]+\.whl)\s*</a>')
TIMEOUT_S = 60


def resolve() -> str:
    """All packages for all supported systems and Pythons, with the hashes of their files, as uv writes them."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--only-binary", ":all:", "--no-config"]
    command += ["--no-header", "--no-annotate", "--default-index", PYPI, "--python-version", ".".join(map(str, OLDEST)), str(REQUIREMENTS)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit("uv could not resolve the requirements (above). Needed: PyPI. To do: check the connection and run make lock again.")
    return done.stdout


def entries(lock: str) -> dict[str, str]:
    """A lock's entries (requirement and its hashes) by their first line."""
    parts = re.split(r"^(?=[a-z])", lock, flags=re.MULTILINE)
    return {part.splitlines()[0]: part for part in parts if part.strip()}


def torch_version() -> str:
    found = re.search(r"^torch==(\S+)$", REQUIREMENTS.read_text("utf-8"), re.MULTILINE)
    if not found:
        sys.exit(f"{REQUIREMENTS} has no line torch==VERSION")
    return found[1]


def wheels_of(page: str, version: str) -> dict[str, str]:
    """PyTorch's wheels of one version on an index page that the plugin can use: file name to "sha256:HEX", as pip's ``--hash`` has it.

    Not the digits alone: the plugin site takes quoted hex for a secret.
    """
    tags = "|".join(f"cp3{minor}-cp3{minor}" for minor in range(OLDEST[1], NEWEST[1] + 1))
    systems = r"manylinux_2_28_(?:x86_64|aarch64)|win_amd64|macosx_\d+_\d+_arm64"
    wanted = re.compile(rf"torch-{re.escape(version)}(?:\+\w+)?-(?:{tags})-(?:{systems})\.whl")
    return {name: f"sha256:{digest}" for digest, name in LINK.findall(page) if wanted.fullmatch(name)}


def read(url: str) -> str | None:
    """A page, or None (and a word on it) if it cannot be had."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
            return answer.read().decode("utf-8")
    except (urllib.error.URLError, TimeoutError) as error:
        print(f"{url} cannot be read ({error}): what resources/locks/torch.json says of its wheels stays as it is")
        return None


def write_torch(version: str) -> None:
    """Bring torch.json up to date; entries of another version go."""
    path = LOCKS / "torch.json"
    before = json.loads(path.read_text("utf-8")) if path.exists() else {"wheels": {}}
    found = dict(before["wheels"]) if before.get("version") == version else {}
    for url in INDEXES:
        page = read(url)
        if page is not None:
            found.update(wheels_of(page, version))
    path.write_text(json.dumps({"version": version, "wheels": dict(sorted(found.items()))}, indent=1) + "\n", "utf-8")
    print(f"{path.relative_to(ROOT)}: {len(found)} wheels of PyTorch {version}")


def main() -> None:
    LOCKS.mkdir(parents=True, exist_ok=True)
    head = "# Made by `make lock` from resources/engine-requirements.txt; pip install --require-hashes --no-deps -r takes exactly these files.\n"
    parts = {line: part for line, part in entries(resolve()).items() if not line.startswith("torch==")}
    for name, of_cuda in (("engine.txt", False), ("cuda13-linux.txt", True)):
        chosen = [part for line, part in parts.items() if bool(CUDA.match(line)) == of_cuda]
        (LOCKS / name).write_text(head + "".join(chosen), "utf-8")
        print(f"resources/locks/{name}: {len(chosen)} entries")
    write_torch(torch_version())


if __name__ == "__main__":
    main()
