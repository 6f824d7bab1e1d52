"""The QGIS side: panel, click tool, Processing provider, and the client of the engine's process."""


def classFactory(iface):
    """Make the plugin; called by QGIS through the plugin folder's ``__init__.py``."""
    from .plugin import ChangeScribePlugin

    return ChangeScribePlugin(iface)
