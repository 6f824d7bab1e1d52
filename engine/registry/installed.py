"""Where the weights of models lie on this machine: bundled ones, and those that a user has added or tuned.

Light module: standard library only, Python 3.9 (QGIS imports it).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

# The list of the user's own models, in the folder of their weights.
OWN_MODELS, OWN_MEMBERS = "models.json", {"id", "name", "tuned_from", "trained_on", "sha256", "bytes"}
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
    """Rows of the models that the user has tuned. Class and licence are those of the published row, so that the user's list cannot name code."""
    known = {row["id"]: row for row in published}
    try:
        listed = json.loads((user_models_dir() / OWN_MODELS).read_text("utf-8"))["models"]
        rows = [row for row in listed if set(row) == OWN_MEMBERS and row["tuned_from"] in known and is_own_id(row["id"], known)]
    except (OSError, ValueError, KeyError, TypeError):  # no list, or none of ours
        return []
    return [known[row["tuned_from"]] | row | {"file": f"{row['id']}.safetensors", "metrics": {}} for row in rows]


def is_own_id(model_id: Any, published: Collection[str]) -> bool:
    """Whether a model of the user's may be called so: up to 40 lower-case letters, digits and hyphens, and no published model's id."""
    return isinstance(model_id, str) and OWN_ID.fullmatch(model_id) is not None and model_id not in published


def how_to_install(model: str, file: str) -> str:
    """What to do about missing weights."""
    return (
        f"get {file} of the same version (folder resources/weights of the source code, or where {model} was published), then put it into "
        f"{user_models_dir()}, by hand or with `changescribe models add {file}`"
    )
