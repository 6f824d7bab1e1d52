"""ccexpert's weights: LLaVA-OneVision's layouts, the authors' of CCExpert, adapters, and what is said of folders that are not whole."""

import json
import math
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from peft import LoraConfig, inject_adapter_in_model
from safetensors.torch import load_file, save_file
from torch.nn import functional as F
from transformers import LlavaOnevisionConfig, LlavaOnevisionForConditionalGeneration

from engine.contract.errors import InputError, ModelError
from engine.models.ccexpert import weights
from engine.models.ccexpert.config import PRESETS, LoraSizes
from engine.models.ccexpert.net import CCExpertNet, pad_left
from engine.models.ccexpert.weights import INDEX_FILE, Base, build, load_base, load_net, load_trained, trained_state, weight_files, weights_bytes
from engine.registry.weights import pack

TINY = PRESETS["ccexpert-tiny"]
# What transformers writes, and what its classes call the same since 4.52.
SINCE = (
    ("language_model.model.", "model.language_model."),
    ("language_model.lm_head.", "lm_head."),
    ("vision_tower.", "model.vision_tower."),
    ("multi_modal_projector.", "model.multi_modal_projector."),
)


@pytest.fixture(autouse=True)
def float32(monkeypatch):
    """What is compared exactly would differ by roundings on processors that have bfloat16."""
    monkeypatch.setattr(weights, "cpu_has_bf16", lambda: False)


def random_net(config=TINY, seed=0):
    torch.manual_seed(seed)
    return CCExpertNet(config).eval()


def llava(folder, **options):
    """A LLaVA-OneVision of the tiny sizes, one layer of its tower more than CCExpert takes, saved by transformers."""
    torch.manual_seed(1)
    both = {"vision_config": TINY.vision | {"num_hidden_layers": 5}, "text_config": {"model_type": "qwen2", **TINY.text}}
    model = LlavaOnevisionForConditionalGeneration(LlavaOnevisionConfig(**both, image_token_index=500)).eval()
    model.save_pretrained(folder, **options)
    return model


def same_parameters(mine, theirs):
    own = dict(mine.named_parameters())
    return all(torch.equal(own[name], parameter) for name, parameter in theirs.named_parameters() if name in own)


def test_shards_of_transformers_own_layout_fill_everything_but_the_difference_module(tmp_path):
    theirs, net = llava(tmp_path, max_shard_size="60KB"), random_net()
    assert (tmp_path / INDEX_FILE).is_file() and len(weight_files(tmp_path)) > 1
    filled = load_base(net, tmp_path)
    assert {name for name, _ in net.named_parameters()} - filled == {name for name, _ in net.named_parameters() if name.startswith("difference.")}
    assert same_parameters(net.llm.model, theirs.model.language_model)
    assert same_parameters(net.projector, theirs.model.multi_modal_projector)
    pixels = torch.rand(1, 3, 56, 56)
    with torch.no_grad():
        states = theirs.model.vision_tower(pixel_values=pixels, output_hidden_states=True).hidden_states
        assert torch.allclose(net.levels(pixels)[0], torch.cat([states[level] for level in TINY.levels]), atol=1e-5)


def test_the_names_that_transformers_classes_have_fill_the_same(tmp_path):
    llava(tmp_path / "written")
    state = load_file(tmp_path / "written" / "model.safetensors")
    (tmp_path / "named").mkdir()
    renamed = {next((new + name.removeprefix(old) for old, new in SINCE if name.startswith(old)), name): value for name, value in state.items()}
    assert not set(renamed) & set(state) - {"image_newline"}
    save_file(renamed, tmp_path / "named" / "model.safetensors")
    nets = [random_net(), random_net(seed=2)]
    assert load_base(nets[0], tmp_path / "written") == load_base(nets[1], tmp_path / "named")
    for name, parameter in nets[0].named_parameters():
        assert name.startswith("difference.") or torch.equal(parameter, nets[1].get_parameter(name))


def authors_state(config, seed=0):
    """Random weights under the names of the released code, with what it has and never uses."""
    torch.manual_seed(seed)
    width, mlp, hidden, vision = config.width, config.mlp, config.text["hidden_size"], random_net(config).vision
    state = {f"model.vision_tower.vision_tower.{name}": value.clone() for name, value in vision.state_dict().items()}
    state |= {name: value.clone() for name, value in random_net(config).llm.state_dict().items()}  # model.…, lm_head.weight

    def linear(name, outs, ins):
        state[f"{name}.weight"], state[f"{name}.bias"] = torch.randn(outs, ins) / math.sqrt(ins), torch.randn(outs) / 10

    linear("model.mm_projector.0", hidden, width)
    linear("model.mm_projector.2", hidden, hidden)
    linear("model.mm_cc_projector.0", hidden, width)
    module = "model.vision_resampler"
    linear(f"{module}.expert_change_feature_extractor_model.linear_mapping", width, 2 * width)
    linear(f"{module}.expert_change_feature_extractor_model.proj", width, 3 * width)
    for layer in (f"{module}.layers.{i}" for i in range(2)):
        for attention in ("change_self_attn", "cross_attn_change_to_imageABC", "cross_attn_imageAB_to_change"):
            for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
                linear(f"{layer}.{attention}.{part}", width, width)
        linear(f"{layer}.mlp.lin1", mlp, width)
        linear(f"{layer}.mlp.lin2", width, mlp)
        for norm in ("norm1", "norm2", "norm3", "norm4"):
            state[f"{layer}.{norm}.weight"], state[f"{layer}.{norm}.bias"] = torch.rand(width) + 0.5, torch.randn(width) / 10
        for flag in ("image_a", "image_b", "change"):
            state[f"{layer}.{flag}_flag_embed.weight"] = torch.randn(1, width)
    linear(f"{module}.ChangeAwareTokenReduce.feature_map_level_gate.0", width, 3 * width)
    linear(f"{module}.ChangeAwareTokenReduce.feature_map_level_gate.2", 1, width)
    linear(f"{module}.ChangeAwareTokenReduce.change_for_key_proj", width, width)
    state["model.image_newline"] = torch.randn(hidden)
    return state


def released_difference(state, levels_a, levels_b, heads):
    """The released module's sums written out on its own names, one level after the other."""

    def linear(name, x):
        return F.linear(x, state[f"{module}.{name}.weight"], state[f"{module}.{name}.bias"])

    def norm(name, x):
        return F.layer_norm(x, x.shape[-1:], state[f"{module}.{name}.weight"], state[f"{module}.{name}.bias"])

    def attention(name, q, k, v):
        q, k, v = (linear(f"{name}.{part}_proj", x).unflatten(-1, (heads, -1)).transpose(0, 1) for part, x in (("q", q), ("k", k), ("v", v)))
        weights = (q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])).softmax(-1)
        return linear(f"{name}.out_proj", (weights @ v).transpose(0, 1).flatten(1))

    def init(a, b):
        first, second = (torch.sigmoid(linear("expert_change_feature_extractor_model.linear_mapping", torch.cat(x, -1))) for x in ((a, b), (b, a)))
        parts = torch.cat((a * first, b * second, a * first - b * second), -1)
        return linear("expert_change_feature_extractor_model.proj", parts)

    module, side, half = "model.vision_resampler", math.isqrt(levels_a.shape[1]), levels_a.shape[2] // 2
    positions = torch.zeros(side, side, 2 * half)
    for row in range(side):
        for col in range(side):
            for i in range(half):
                for offset, place in ((0, row), (half, col)):
                    angle = (place + 1 - 0.5) / (side + 1e-6) * 2 * math.pi / 10000 ** (2 * (i // 2) / half)
                    positions[row, col, offset + i] = math.sin(angle) if i % 2 == 0 else math.cos(angle)
    pe, total, sums = positions.flatten(0, 1), 0, [0, 0]
    for a, b in zip(levels_a, levels_b):
        change = 0
        for i in range(2):
            change = change + init(a, b)
            flag_a, flag_b, flag = (state[f"{module}.layers.{i}.{name}_flag_embed.weight"] for name in ("image_a", "image_b", "change"))
            change = norm(f"layers.{i}.norm1", change + attention(f"layers.{i}.change_self_attn", change + pe, change + pe, change))
            keys, values = torch.cat((a + pe + flag_a, b + pe + flag_b, change + pe + flag)), torch.cat((a, b, change))
            seen = attention(f"layers.{i}.cross_attn_change_to_imageABC", change + pe + flag, keys, values)
            change = norm(f"layers.{i}.norm2", change + seen)
            change = norm(f"layers.{i}.norm3", change + linear(f"layers.{i}.mlp.lin2", F.gelu(linear(f"layers.{i}.mlp.lin1", change))))
            images = []
            for image, own in ((a, flag_a), (b, flag_b)):
                query = image + pe + own
                keys, values = torch.cat((query, change + pe + flag)), torch.cat((image, change))
                images.append(query + attention(f"layers.{i}.cross_attn_imageAB_to_change", query, keys, values))
            a, b = images
        pooled = torch.cat((a, b, change), -1).mean(0)
        gate_name = "ChangeAwareTokenReduce.feature_map_level_gate"
        gate = torch.sigmoid(linear(f"{gate_name}.2", F.gelu(linear(f"{gate_name}.0", pooled))))
        total, sums = total + gate, [sums[0] + gate * a, sums[1] + gate * b]
    return [fused / (total + 1e-6) + levels[-1] for fused, levels in zip(sums, (levels_a, levels_b))]


def test_the_authors_weights_compute_what_their_code_computes(tmp_path):
    config = replace(TINY, image_update="released")
    state = authors_state(config)
    save_file(state, tmp_path / "model.safetensors")
    net = build(config)
    assert load_base(net, tmp_path) == {name for name, _ in net.named_parameters()}
    a, b = torch.randn(2, 4, 16, 32)
    with torch.no_grad():
        found = net.difference(a[None], b[None])
        expected = released_difference(state, a, b, config.heads)
        assert all(torch.allclose(mine[0], theirs, atol=1e-4) for mine, theirs in zip(found, expected))
        hidden = F.linear(expected[0], state["model.mm_projector.0.weight"], state["model.mm_projector.0.bias"])
        projected = F.linear(F.gelu(hidden), state["model.mm_projector.2.weight"], state["model.mm_projector.2.bias"])
        assert torch.allclose(net.visual(a[None], b[None])[0, 0], projected, atol=1e-4)
    assert torch.equal(net.llm.model.layers[1].mlp.up_proj.weight, state["model.layers.1.mlp.up_proj.weight"])


def test_adapters_of_peft_are_merged_where_there_is_no_peft_and_go_on_where_there_is(tmp_path):
    config = replace(TINY, lora=LoraSizes(4, 8.0, ("q_proj", "down_proj")))
    net = random_net(config)
    net.vision.save_pretrained(tmp_path / "vision")
    net.llm.save_pretrained(tmp_path / "text")
    inject_adapter_in_model(LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "down_proj"]), net.llm)
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if ".lora_B." in name:
                parameter.normal_(std=0.3)
    state = trained_state(net)
    assert any(name.endswith("q_proj.lora_A.weight") for name in state)
    merged = load_net(config, tmp_path, {name: value.clone() for name, value in state.items()})
    assert not any("lora" in name for name, _ in merged.named_parameters())
    again = random_net(config, seed=5)
    inject_adapter_in_model(LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "down_proj"]), again.llm)
    load_base(again, tmp_path)
    load_trained(again, state)
    ids, mask = pad_left([[3, 4, 5]])
    with torch.no_grad():
        logits = [each.llm(input_ids=ids, attention_mask=mask).logits for each in (net, merged, again)]
    assert torch.allclose(logits[0], logits[1], atol=1e-4) and torch.allclose(logits[0], logits[2], atol=1e-5)


def test_the_trained_file_of_the_small_one_fits_its_limit():
    with torch.device("meta"):
        net = CCExpertNet(PRESETS["ccexpert-small"])
    packed = pack({name: torch.zeros(parameter.shape) for name, parameter in trained_state(net).items()})
    assert sum(tensor.numel() * tensor.itemsize for tensor in packed.values()) < 16e6 / 1.5  # the rest is for adapters


class Quantised(torch.nn.Linear):
    """Stands for bitsandbytes' layers, whose values are their own matter."""

    def __init__(self, *sizes, device, **options):
        super().__init__(*sizes)
        self.options = options


@pytest.mark.parametrize(
    ("bits", "options"), [(4, {"compute_dtype": torch.float32, "quant_type": "nf4"}), (8, {"has_fp16_weights": False, "threshold": 6.0})]
)
def test_quantised_are_the_language_models_matrices_but_not_its_vocabulary(tmp_path, monkeypatch, bits, options):
    def parameter(weight, requires_grad, **options):
        return torch.nn.Parameter(weight, requires_grad)

    layers = SimpleNamespace(Linear4bit=Quantised, Linear8bitLt=Quantised, Params4bit=parameter, Int8Params=parameter)
    monkeypatch.setitem(sys.modules, "bitsandbytes", SimpleNamespace(nn=layers))
    net = random_net()
    net.vision.save_pretrained(tmp_path / "vision")
    net.llm.save_pretrained(tmp_path / "text")
    found = load_net(replace(TINY, bits=bits), tmp_path, trained_state(net))
    linear = {name for name, layer in net.llm.model.named_modules() if isinstance(layer, torch.nn.Linear)}
    made = {name: layer for name, layer in found.named_modules() if isinstance(layer, Quantised)}
    assert set(made) == {f"llm.model.{name}" for name in linear} and len(linear) == 14
    assert all(layer.options == options for layer in made.values())
    ids, mask = pad_left([[3, 4, 5]])
    with torch.no_grad():
        assert torch.allclose(found.llm(input_ids=ids, attention_mask=mask).logits, net.llm(input_ids=ids, attention_mask=mask).logits, atol=1e-5)
    assert weights_bytes(found.config, "cpu") < weights_bytes(TINY, "cpu")


@pytest.mark.parametrize(("bits", "like"), [(4, 0.97), (8, 0.999)])
def test_real_quantised_layers_answer_nearly_as_the_whole_ones(tmp_path, bits, like):
    """On the CPU; correlation of the logits of random weights. The stand-in above cannot tell that bitsandbytes takes what it is given."""
    pytest.importorskip("bitsandbytes")
    net = random_net(replace(TINY, text=TINY.text | {"hidden_size": 128, "intermediate_size": 256}))
    net.vision.save_pretrained(tmp_path / "vision")
    net.llm.save_pretrained(tmp_path / "text")
    found = load_net(replace(net.config, bits=bits), tmp_path, trained_state(net))
    ids, mask = pad_left([[3, 4, 5, 9, 20]])
    with torch.no_grad():
        logits = [each.llm(input_ids=ids, attention_mask=mask).logits.float().flatten() for each in (net, found)]
    assert found.llm.model.layers[0].mlp.up_proj.weight.dtype in (torch.uint8, torch.int8)
    assert like < float(torch.corrcoef(torch.stack(logits))[0, 1]) < 1


def test_without_bitsandbytes_quantised_weights_say_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    net = random_net()
    net.vision.save_pretrained(tmp_path / "vision")
    net.llm.save_pretrained(tmp_path / "text")
    with pytest.raises(InputError, match="weights of 4 bits without bitsandbytes.*-m pip install bitsandbytes"):
        load_net(replace(TINY, bits=4), tmp_path, trained_state(net))
    with pytest.raises(InputError, match="weights of 3 bits.*4 or 8"):
        replace(TINY, bits=3)


def test_a_missing_shard_is_named(tmp_path):
    llava(tmp_path, max_shard_size="60KB")
    lost = weight_files(tmp_path)[1]
    lost.unlink()
    with pytest.raises(ModelError, match=f"has no {lost.name}.*shards that {INDEX_FILE} lists.*copy the missing files into {tmp_path}"):
        load_base(random_net(), tmp_path)


def test_an_unreadable_index_is_named(tmp_path):
    (tmp_path / INDEX_FILE).write_text(json.dumps({"metadata": {}}))
    with pytest.raises(ModelError, match=f"{INDEX_FILE} cannot be read"):
        load_base(random_net(), tmp_path)


def test_pickled_weights_are_refused(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"PK\x03\x04")
    with pytest.raises(ModelError, match="no safetensors file and only pickled weights, which can run any code"):
        load_base(random_net(), tmp_path)


def test_a_file_cut_short_is_named(tmp_path):
    llava(tmp_path)
    whole = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="model.safetensors cannot be read"):
        load_base(random_net(), tmp_path)


def test_weights_of_another_size_name_the_tensor_and_both_sizes(tmp_path):
    llava(tmp_path)
    with pytest.raises(ModelError, match=r"embed_tokens.weight of .* of shape \(.*\).*Needed: \("):
        load_base(random_net(replace(TINY, text=TINY.text | {"hidden_size": 64})), tmp_path)


def test_rows_behind_the_language_models_vocabulary_are_left_out(tmp_path):
    """LLaVA-OneVision's conversion appends its image token and fills up to a multiple of 64."""
    theirs, net = llava(tmp_path), random_net(replace(TINY, text=TINY.text | {"vocab_size": 500}))
    assert "llm.model.embed_tokens.weight" in load_base(net, tmp_path)
    assert torch.equal(net.llm.model.embed_tokens.weight, theirs.model.language_model.embed_tokens.weight[:500])


def test_a_base_without_a_difference_module_is_no_ccexpert(tmp_path):
    llava(tmp_path)
    with pytest.raises(ModelError, match=r"lacks \d+ weights, among them difference\."):
        load_net(TINY, tmp_path, {})


def test_a_base_knows_its_files(tmp_path):
    llava(tmp_path / "base", max_shard_size="60KB")
    (tmp_path / "base" / "tokenizer.json").write_text("{}")
    base = Base.of(tmp_path / "base", "get it")
    assert set(base.files) == {path.name for path in weight_files(tmp_path / "base")} | {"tokenizer.json"}
    assert base.find(tmp_path) == tmp_path / "base"
