"""What the plugin knows of the models without the engine: resources/models.json, and which weights are on this machine."""

from __future__ import annotations

import json
from pathlib import Path

from ...engine.contract.request import DEFAULT_MODEL
from ...engine.registry.installed import how_to_install, own_rows, weights_in

RESOURCES = Path(__file__).absolute().parents[2] / "resources"  # not resolved: a staged folder is made of links


def model_rows() -> list[dict]:
    """Rows of resources/models.json, the one registry of models, the default first; then the user's own models."""
    published = json.loads((RESOURCES / "models.json").read_text("utf-8"))["models"]
    return sorted(published + own_rows(published), key=lambda row: row["id"] != DEFAULT_MODEL)


def model_ids() -> list[str]:
    """Ids of the published models, the default first."""
    return [row["id"] for row in model_rows()]


def model_row(model_id: str) -> dict:
    """The row of a model; empty for an unknown id, such as a setting of another version."""
    return next((row for row in model_rows() if row["id"] == model_id), {})


def samplers_of(model_id: str) -> list[str]:
    """Names of a model's samplers; none where it draws no samples."""
    return model_row(model_id).get("samplers", [])


def sampler_names() -> list[str]:
    """Names of all models' samplers, each once."""
    return list(dict.fromkeys(name for row in model_rows() for name in row.get("samplers", [])))


def has_capability(model_id: str, capability: str) -> bool:
    """Whether a model has what an option needs (``Option.capability``): "samplers" or "questions"."""
    return bool(model_row(model_id).get(capability))


def missing_note(model_id: str) -> str:
    """What to do about a model whose weights are not on this machine; "" where they are."""
    row = model_row(model_id)
    if not row or weights_in(RESOURCES, row["file"]) is not None:
        return ""
    return how_to_install(model_id, row["file"])
