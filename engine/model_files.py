"""The weights on this machine: listing, adding and verifying them. The registry says what they must be."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from safetensors import SafetensorError, safe_open

from . import registry
from .errors import ModelError, OutputError
from .schema import user_models_dir

# First bytes of a zip (torch.save) and of a pickle of protocol 2 to 5.
PICKLE_STARTS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def listing() -> list[dict]:
    """Rows of the registry, each with ``available`` and the ``path`` of its weights or null."""
    found = []
    for row in registry.rows():
        try:
            path: str | None = str(registry.weights_path(row["id"]))
        except ModelError:
            path = None
        found.append({**row, "available": path is not None, "path": path})
    return found


def check(model_id: str) -> dict:
    """State of a model's weights: "ok", "missing" or "damaged", with the message of what is wrong."""
    state = {"id": model_id, "path": None, "state": "missing", "message": ""}
    try:
        state["path"] = str(registry.weights_path(model_id))
        state["state"] = "damaged"
        registry.verify(model_id)
    except ModelError as error:
        return state | {"message": str(error)}
    return state | {"state": "ok"}


def add(path: str) -> dict:
    """Copy published weights into the user's folder; the file is known by its sha256.

    Returns
    -------
    dict
        ``id`` of the model and ``path`` of the copy.

    Raises
    ------
    ModelError
        Not a safetensors file, or not the weights of a known model. OutputError: the folder cannot be written.
    """
    source = Path(path)
    _check_format(source)
    digest = registry.sha256_of(source)
    row = next((row for row in registry.rows() if row["sha256"] == digest), None)
    if row is None:
        raise ModelError(
            f"{path} is not the published file of any known model (sha256 {digest[:12]}…)",
            "the weights of " + ", ".join(f"{row['id']} ({row['sha256'][:12]}…)" for row in registry.rows()),
            "download the file again, or use the version of ChangeScribe that it belongs to",
        )
    folder = user_models_dir()
    target = folder / row["file"]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=f".{row['file']}.", delete=False) as part, source.open("rb") as stream:
            shutil.copyfileobj(stream, part)
        os.replace(part.name, target)  # a copy cut short never bears the name of the weights
    except OSError as error:
        raise OutputError(
            f"{target} cannot be written ({error})", "a writable folder", "free space, or name another folder in CHANGESCRIBE_MODELS"
        ) from error
    return {"id": row["id"], "path": str(target)}


def _check_format(path: Path) -> None:
    """Refuse what is not safetensors with a configuration.

    Raises
    ------
    ModelError
        What the file is instead.
    """
    need, remedy = "a safetensors file whose metadata holds the model's configuration", "ask the publisher for the safetensors version"
    if not path.is_file():
        raise ModelError(f"{path} is not a file", need, "check the path")
    with path.open("rb") as stream:
        start = stream.read(4)
    if start.startswith(PICKLE_STARTS):
        raise ModelError(f"{path} is a pickled checkpoint, which can run any code when it is loaded", need, remedy)
    try:
        with safe_open(path, "np") as weights:
            metadata = weights.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is not a safetensors file ({error})", need, remedy) from error
    missing = [name for name in ("config", "card") if name not in metadata]
    if missing:
        raise ModelError(f"{path} has no {' and no '.join(missing)} in its metadata", need, remedy)
