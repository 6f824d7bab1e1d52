"""Where the weights of models lie on this machine: bundled ones, and those that a user has added, trained or tuned.

Light module: standard library only, Python 3.9 (QGIS imports it).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

# What a weights file may name as its architecture, and what reads it. A file never names code: it chooses from this table.
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "scribe": {"class": "scribe:ScribeCaptioner"},
    "scribe-quick": {"class": "quick:QuickScribeCaptioner"},
    "diffusion-rscc": {"class": "diffusion.captioner:DiffusionCaptioner", "samplers": ["ddpm", "ddim"]},
    "kd-rscc": {
        "class": "diffusion.captioner:DiffusionCaptioner",
        "samplers": ["euler", "euler-ancestral", "heun", "dpmpp-2m", "dpmpp-2m-sde", "dpmpp-2m-heun"],
    },
    "dfm": {"class": "dfm:DfmCaptioner"},
    "ccexpert": {"class": "ccexpert.captioner:CCExpertCaptioner", "questions": True},
}
# An architecture of somebody else is named PACKAGE/NAME: a package that the user has installed beside the engine offers its class under this group of
# entry points. The file still names no code, only what is installed.
EXTERNAL, EXTERNAL_GROUP = re.compile(r"[a-z0-9][a-z0-9-]*/[a-z0-9][a-z0-9-]*"), "changescribe.architectures"
# The list of the user's own models, in the folder of their weights: tuned from a published one, or trained, of an architecture of the table.
OWN_MODELS, OWN_MEMBERS = "models.json", {"id", "name", "tuned_from", "trained_on", "sha256", "bytes"}
TRAINED_MEMBERS = OWN_MEMBERS - {"tuned_from"} | {"architecture", "gsd_m", "metrics"}
OWN_LICENCE = "that of the data and weights it was trained on"
OWN_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


def user_models_dir() -> Path:
    """Folder of weights that a user added (CHANGESCRIBE_MODELS, else ~/.local/share/changescribe/models or its like)."""
    if os.environ.get("CHANGESCRIBE_MODELS"):
        return Path(os.environ["CHANGESCRIBE_MODELS"])
    base = os.environ.get("LOCALAPPDATA") or os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "changescribe" / "models"


def weights_in(resources: Path, file: str) -> Path | None:
    """The weights ``file`` of a model, bundled with ``resources`` or added by the user; None where they are not installed."""
    paths = (folder / file for folder in (resources / "weights", user_models_dir()))
    return next((path for path in paths if path.is_file()), None)


def own_rows(published: Sequence[dict]) -> list[dict]:
    """Rows of the models that the user has added.

    A tuned model has class and licence of the published row, a trained one the class of its architecture, so that the user's list cannot name code.
    """
    known = {row["id"]: row for row in published}
    try:
        listed = json.loads((user_models_dir() / OWN_MODELS).read_text("utf-8"))["models"]
        rows = [row for row in listed if is_own_row(row, known) and is_own_id(row["id"], known)]
    except (OSError, ValueError, KeyError, TypeError):  # no list, or none of ours
        return []
    return [_described(row, known) | {"file": f"{row['id']}.safetensors"} for row in rows]


def is_own_row(row: Any, published: Collection[str]) -> bool:
    """Whether an entry of the user's list has the members of a tuned or of a trained model, and names what exists."""
    if not isinstance(row, dict):
        return False
    tuned = set(row) == OWN_MEMBERS and row["tuned_from"] in published
    return tuned or (set(row) == TRAINED_MEMBERS and described(row["architecture"]) is not None and isinstance(row["metrics"], dict))


def described(architecture: Any) -> dict[str, Any] | None:
    """What the row of a model of an architecture says of it: its class and capabilities; None of an architecture that there is not."""
    if isinstance(architecture, str) and EXTERNAL.fullmatch(architecture):
        return {"class": f"{EXTERNAL_GROUP}:{architecture}"}
    return ARCHITECTURES.get(architecture) if isinstance(architecture, str) else None


def _described(row: dict, published: Mapping[str, dict]) -> dict:
    if "tuned_from" in row:
        return published[row["tuned_from"]] | row | {"metrics": {}}
    return row | (described(row["architecture"]) or {}) | {"licence": OWN_LICENCE}


def is_own_id(model_id: Any, published: Collection[str]) -> bool:
    """Whether a model of the user's may be called so: up to 40 lower-case letters, digits and hyphens, and no published model's id."""
    return isinstance(model_id, str) and OWN_ID.fullmatch(model_id) is not None and model_id not in published


def how_to_install(model: str, file: str) -> str:
    """What to do about missing weights."""
    return (
        f"get {file} of the same version (folder resources/weights of the source code, or where {model} was published), then put it into "
        f"{user_models_dir()}, by hand or with `changescribe models add {file}`"
    )
