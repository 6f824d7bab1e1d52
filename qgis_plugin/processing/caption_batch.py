from .base import ChangeScribeAlgorithm


class CaptionBatch(ChangeScribeAlgorithm):
    NAME = "captionbatch"

    def initAlgorithm(self, configuration=None) -> None:
        pass
