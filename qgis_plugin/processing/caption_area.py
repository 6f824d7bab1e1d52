from .base import ChangeScribeAlgorithm


class CaptionArea(ChangeScribeAlgorithm):
    NAME = "captionarea"

    def initAlgorithm(self, configuration=None) -> None:
        pass
