"""What the plugin remembers between sessions, apart from the engine's interpreter, which the client reads itself."""

from __future__ import annotations

from qgis.core import QgsSettings

from ...engine.schema import DEFAULT_MODEL, DEVICES

MODEL_KEY = "changescribe/model"
DEVICE_KEY = "changescribe/device"
WHEELS_KEY = "changescribe/wheels"


def default_model() -> str:
    return QgsSettings().value(MODEL_KEY, DEFAULT_MODEL, str)


def default_device() -> str:
    device = QgsSettings().value(DEVICE_KEY, DEVICES[0], str)
    return device if device in DEVICES else DEVICES[0]


def wheels_folder() -> str:
    return QgsSettings().value(WHEELS_KEY, "", str)
