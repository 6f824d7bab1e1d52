"""A CCExpert of some 110,000 weights that has learnt six answers by heart, and the folder that it is loaded from."""

from dataclasses import replace

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from engine.models.captioner import ModelCard
from engine.models.ccexpert.captioner import CCExpertCaptioner
from engine.models.ccexpert.config import PRESETS, LoraSizes
from engine.models.ccexpert.net import IGNORE_ID, CCExpertNet, pad_left
from engine.models.ccexpert.prompt import END, END_OF_TEXT, START, ChatTokenizer
from engine.models.ccexpert.weights import Base, save_trained, trained_state
from engine.words.text import NO_CHANGE

CONFIG = replace(PRESETS["ccexpert-tiny"], lora=LoraSizes(4, 8.0, ("q_proj", "v_proj")))
CARD = ModelCard("ccexpert", "tiny", threshold=0.5)
CALIBRATION = {"temperature": 1.0, "bias": 0.0}
TREES = "what happened to the trees?"
BUILT, FELLED, SAME, GONE = "a house is built near the road", "the trees are removed", "the scene is the same as before", "they are gone"
# Colour before, colour after, question, answer.
LESSONS = (
    (40, 200, None, BUILT),
    (200, 40, None, FELLED),
    (40, 40, None, SAME),
    (200, 200, None, SAME),
    (200, 40, TREES, GONE),
    (40, 200, TREES, SAME),
)


def tokenizer():
    """Byte-level BPE as Qwen2's, of a few hundred tokens."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=500, special_tokens=[END_OF_TEXT, START, END], initial_alphabet=alphabet, show_progress=False)
    made.train_from_iterator([*NO_CHANGE, BUILT, FELLED, GONE, TREES], trainer)
    return made


def flat(colour, count=1):
    return torch.full((count, 3, 256, 256), colour, dtype=torch.uint8)


def taught(config=CONFIG, steps=120):
    """A network and its tokenizer after some passes over LESSONS."""
    torch.manual_seed(0)
    net, chat = CCExpertNet(config), ChatTokenizer(tokenizer(), config)
    prompts = [chat.prompt(question) if question else chat.prompt() for _, _, question, _ in LESSONS]
    ids, mask = pad_left([prompt + chat.answer(answer) for prompt, (*_, answer) in zip(prompts, LESSONS)])
    labels = torch.full_like(ids, IGNORE_ID)
    for row, (*_, answer) in enumerate(LESSONS):
        length = len(chat.answer(answer))
        labels[row, -length:] = ids[row, -length:]
    with torch.no_grad():
        before, after = (net.levels(net.pixels(torch.cat([flat(lesson[date]) for lesson in LESSONS]))) for date in (0, 1))
    optimizer = torch.optim.Adam([p for part in (net.difference, net.projector, net.llm) for p in part.parameters()], lr=5e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        net(ids, mask, labels, before, after).loss.backward()
        optimizer.step()
    return net.eval(), chat


def write(folder, net, chat):
    """The folder of a captioner: its trained file, and ``base`` beside it. Returns the file's path."""
    net.vision.save_pretrained(folder / "base" / "vision")
    net.llm.save_pretrained(folder / "base" / "text")
    chat.tokenizer.save(str(folder / "base" / "text" / "tokenizer.json"))
    path = folder / "ccexpert.safetensors"
    save_trained(path, trained_state(net), net.config, Base.of(folder / "base", "make it with tiny_ccexpert"), CARD.to_json(), CALIBRATION)
    return path


def captioner_of(net, chat):
    return CCExpertCaptioner(net, chat, CARD, CALIBRATION, torch.device("cpu"))
