"""Text in and out of CCExpert's language model: Qwen2's chat format around the prompt of the paper or of its code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ...contract.errors import ModelError
from .config import IMAGE_MARKS, PROMPTS, QUESTION, CCExpertConfig
from .net import IMAGE_ID

SYSTEM = "You are a helpful assistant."
START, END, END_OF_TEXT = "<|im_start|>", "<|im_end|>", "<|endoftext|>"
TOKENIZER_FILE = "tokenizer.json"


class ChatTokenizer:
    """Token ids of prompts and answers.

    tokenizer : a ``tokenizers.Tokenizer`` that knows Qwen2's special tokens. end_ids : of the tokens that end an answer; the first is what
    answers are trained to end with.
    """

    def __init__(self, tokenizer: Any, config: CCExpertConfig):
        self.tokenizer, self.config = tokenizer, config
        self.end_ids = [i for i in (tokenizer.token_to_id(END), tokenizer.token_to_id(END_OF_TEXT)) if i is not None]

    @classmethod
    def from_folder(cls, folder: Path, config: CCExpertConfig) -> ChatTokenizer:
        """The tokenizer.json in a folder of weights.

        Raises
        ------
        ModelError
            None, an unreadable one, or one without Qwen2's special tokens.
        """
        from tokenizers import Tokenizer

        path = folder / TOKENIZER_FILE
        need, do = f"{TOKENIZER_FILE} of Qwen2 or Qwen2.5", f"copy it into {folder} from the language model's own download"
        if not path.is_file():
            raise ModelError(f"{path} is missing", need, do)
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # tokenizers raises Exception itself
            raise ModelError(f"{path} cannot be read ({error})", need, do) from error
        missing = [token for token in (START, END) if tokenizer.token_to_id(token) is None]
        if missing:
            raise ModelError(f"{path} does not know {' and '.join(missing)}", need, do)
        return cls(tokenizer, config)

    def prompt(self, question: str = QUESTION) -> list[int]:
        """Ids of everything before the answer, with ``IMAGE_ID`` at each token of the two images.

        What a question says cannot become a special token or an image.
        """
        plain = re.sub(r"<\|[^|>]*\|>|" + "|".join(IMAGE_MARKS), " ", question).strip()
        asked = PROMPTS[self.config.prompt].replace("{question}", plain)
        text = f"{START}system\n{SYSTEM}{END}\n{START}user\n{asked}{END}\n{START}assistant\n"
        ids: list[int] = []
        for part in re.split("(" + "|".join(IMAGE_MARKS) + ")", text):
            ids += [IMAGE_ID] * self.config.tokens_per_image if part in IMAGE_MARKS else self._encode(part)
        return ids

    def answer(self, text: str) -> list[int]:
        """Ids of an answer and of its end."""
        return [*self._encode(text), self.end_ids[0]]

    def decode(self, ids: list[int]) -> str:
        """Text on one line."""
        return " ".join(self.tokenizer.decode(ids, skip_special_tokens=True).split())

    def _encode(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False).ids if text else []
