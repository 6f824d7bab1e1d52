"""Names of CCExpert's weights in the layouts that they are published in, and ours.

Ours are the modules' own: ``vision``, ``difference``, ``projector``, ``llm``. LLaVA-OneVision has a layout in transformers from 4.52 on and
another before; the authors of CCExpert have that of LLaVA-NeXT with their difference module in the resampler's place. No name means different
things in two of them, so that one table reads all.
"""

from __future__ import annotations

# The first prefix that fits is replaced.
PREFIXES = (
    ("model.vision_tower.vision_tower.", "vision."),
    ("model.vision_tower.", "vision."),
    ("vision_tower.", "vision."),
    ("model.multi_modal_projector.", "projector."),
    ("multi_modal_projector.", "projector."),
    ("model.mm_projector.0.", "projector.linear_1."),
    ("model.mm_projector.2.", "projector.linear_2."),
    ("model.language_model.", "llm.model."),
    ("language_model.", "llm."),
    ("model.layers.", "llm.model.layers."),
    ("model.embed_tokens.", "llm.model.embed_tokens."),
    ("model.norm.", "llm.model.norm."),
    ("lm_head.", "llm.lm_head."),
    ("model.vision_resampler.expert_change_feature_extractor_model.linear_mapping.", "difference.init.gate."),
    ("model.vision_resampler.expert_change_feature_extractor_model.proj.", "difference.init.project."),
    ("model.vision_resampler.ChangeAwareTokenReduce.feature_map_level_gate.", "difference.adjustment.gate."),
    ("model.vision_resampler.layers.", "difference.layers."),
)
# Inside "difference.layers."; the authors' norm4, change_for_key_proj and cross_attn are never used and have no counterpart.
PARTS = (
    (".change_self_attn.", ".self_attention."),
    (".cross_attn_change_to_imageABC.", ".change_attention."),
    (".cross_attn_imageAB_to_change.", ".image_attention."),
    (".mlp.lin1.", ".mlp.0."),
    (".mlp.lin2.", ".mlp.2."),
    (".norm1.", ".norms.0."),
    (".norm2.", ".norms.1."),
    (".norm3.", ".norms.2."),
    (".image_a_flag_embed.weight", ".flags.0"),
    (".image_b_flag_embed.weight", ".flags.1"),
    (".change_flag_embed.weight", ".flags.2"),
)


def own_name(name: str) -> str:
    """Our name of a published tensor; a name that is in no table stays as it is."""
    for prefix, own in PREFIXES:
        if name.startswith(prefix):
            name = own + name.removeprefix(prefix)
            break
    if name.startswith("difference.layers."):
        for part, own in PARTS:
            name = name.replace(part, own)
    return name


def tower_name(name: str) -> str:
    """Our name of a tensor in a folder of the tower alone."""
    return f"vision.{name}"
