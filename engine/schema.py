"""The public door to requests and tiles for scripts. The engine itself does not use it."""

from .contract.request import CaptionRequest
from .contract.tiles import Caption, TileCaption, TileRef

__all__ = ["Caption", "CaptionRequest", "TileCaption", "TileRef"]
