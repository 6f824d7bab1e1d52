"""What the plugin knows of the models without the engine: resources/models.json."""

from __future__ import annotations

import json
from pathlib import Path

from ...engine.schema import DEFAULT_MODEL

MODELS_FILE = Path(__file__).absolute().parents[2] / "resources" / "models.json"


def model_ids() -> list[str]:
    """Ids of the published models, the default first."""
    ids = [row["id"] for row in json.loads(MODELS_FILE.read_text("utf-8"))["models"]]
    return [DEFAULT_MODEL] + [model_id for model_id in ids if model_id != DEFAULT_MODEL]
