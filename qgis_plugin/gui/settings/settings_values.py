"""What the plugin remembers between sessions, apart from the engine's interpreter, which the client reads itself."""

from __future__ import annotations

from qgis.core import QgsSettings

from ....engine.contract.request import DEFAULT_MODEL, DEVICES
from ...setup import builds

MODEL_KEY = "changescribe/model"
DEVICE_KEY = "changescribe/device"
WHEELS_KEY = "changescribe/wheels"
BUILD_KEY = "changescribe/build"


def default_model() -> str:
    return QgsSettings().value(MODEL_KEY, DEFAULT_MODEL, str)


def default_device() -> str:
    device = QgsSettings().value(DEVICE_KEY, DEVICES[0], str)
    return device if device in DEVICES else DEVICES[0]


def wheels_folder() -> str:
    return QgsSettings().value(WHEELS_KEY, "", str)


def wanted_build() -> str:
    """Id of PyTorch's build for the managed environment, or "auto"."""
    build = QgsSettings().value(BUILD_KEY, builds.AUTO, str)
    return build if build in builds.IDS else builds.AUTO
