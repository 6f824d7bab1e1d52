"""Where Python looks for packages: those of this environment come before those of another installation, which ``PYTHONPATH`` often names.

The plugin starts its engine without that variable; here a program that was started with it moves such folders to the end.
Light module: standard library only.
"""

from __future__ import annotations

import os
import sys

INSTALLED = ("site-packages", "dist-packages")


def own_packages_first() -> None:
    """Move the folders of installed packages that ``PYTHONPATH`` names behind all others; folders of any other name keep their place.

    Libraries of two installations do not fit each other: our rasterio fails with the attrs of another.
    """
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    foreign = {os.path.abspath(folder) for folder in given if os.path.basename(os.path.normpath(folder)) in INSTALLED}
    moved = [folder for folder in sys.path if os.path.abspath(folder) in foreign]
    sys.path[:] = [folder for folder in sys.path if folder not in moved] + moved
