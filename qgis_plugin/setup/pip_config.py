"""The user's pip configuration: its variables for the set-up's pip, and the constraint file behind a refusal."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from ...engine.contract.errors import EngineError
from ..i18n import tr

# Where packages come from, and how to connect. Variables that move or reshape an installation (PIP_USER, PIP_TARGET, …) stay out.
VARIABLES = (
    "PIP_CONFIG_FILE", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_PROXY", "PIP_CERT",
    "PIP_CLIENT_CERT", "PIP_KEYRING_PROVIDER", "PIP_CACHE_DIR", "PIP_CONSTRAINT",
)  # fmt: skip
SETTING = re.compile(r"(global|install|:env:)\.constraint='(.*)'$")  # a line of `pip config list`
PRECEDENCE = (":env:", "install", "global")  # the first that is set replaces the others
CONFLICT = re.compile(r"The conflict is caused by:\n((?:[ \t]+\S.*\n?)+)")
CONSTRAINT = "The user requested (constraint) "
REQUEST = "The user requested "


class Constrained(EngineError):
    """A constraint of the user's that excludes a package of the engine.

    Attributes
    ----------
    needed, constraints : tuple of str
        What the set-up asks for and what excludes it, in pip's words: "torch==2.13.0+cpu", "torch<=2.12".
    """

    def __init__(self, needed: Sequence[str], constraints: Sequence[str], places: Sequence[str] = ()):
        self.needed, self.constraints = tuple(needed), tuple(constraints)
        super().__init__(
            tr(
                "your pip configuration excludes a package that the engine needs: {constraints}, in {places}",
                constraints=", ".join(constraints),
                places=", ".join(places) or tr("a constraint file of pip's configuration"),
            ),
            ", ".join(needed),
            tr(
                "change or remove that line, or remove the entry `constraint` from your pip configuration (`pip config debug` shows where it is), "
                "then start the set-up again; or choose a Python that has PyTorch in the settings"
            ),
        )


def variables() -> dict[str, str]:
    """The user's variables for pip that count in the set-up."""
    return {name: os.environ[name] for name in VARIABLES if os.environ.get(name)}


def conflict(text: str) -> Constrained | None:
    """The refusal that pip's output reports because of a constraint, else None.

    Parameters
    ----------
    text : str
        Pip's output, lines separated by newlines.
    """
    found = CONFLICT.search(text)
    lines = [line.strip() for line in found[1].splitlines()] if found else []
    constraints = [line[len(CONSTRAINT) :] for line in lines if line.startswith(CONSTRAINT)]
    if not constraints:
        return None
    needed = [line[len(REQUEST) :] if line.startswith(REQUEST) else line for line in lines if not line.startswith(CONSTRAINT)]
    return Constrained(needed, constraints)


def located(error: Constrained, run: Callable[[Callable[[str], None]], None]) -> Constrained:
    """The same refusal with the files and lines of its constraints.

    Parameters
    ----------
    error : Constrained
        As ``conflict`` returns it.
    run : callable
        Runs `pip config list` with the configuration of the set-up and passes each line of its output on.
    """
    lines: list[str] = []
    run(lines.append)
    settings = [found.groups() for line in lines if (found := SETTING.match(line))]
    values = next((found for section in PRECEDENCE if (found := [value for name, value in settings if name == section])), [])
    # Each value may name several files, as paths (relative to the home folder, where pip is started) or URLs, separated by spaces.
    files = dict.fromkeys(file for value in values for file in value.split())
    wanted = {_bare(constraint) for constraint in error.constraints}
    places = [f"{file}:{number}" for file in files for number in _lines_of(Path.home() / file, wanted)]
    return Constrained(error.needed, error.constraints, places or list(files))


def _lines_of(path: Path, wanted: set[str]) -> list[int]:
    """Numbers of the lines of a constraint file that hold one of the constraints; none if it cannot be read here."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    return [number for number, line in enumerate(lines, 1) if _bare(line) in wanted]


def _bare(constraint: str) -> str:
    """A constraint without spaces, comment, marker and hashes, its name as PEP 503 spells it, its conditions in a fixed order."""
    text = re.sub(r"\s+#.*|;.*|\s--hash.*|\s", "", constraint)
    name, conditions = re.match(r"([\w.-]*)(.*)", text, re.DOTALL).groups()
    return re.sub(r"[-_.]+", "-", name).lower() + ",".join(sorted(conditions.split(",")))
