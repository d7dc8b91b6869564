"""Pipelines of the real architectures with small random weights, as folders that diffusers saved.

`python tiny_pipelines.py FOLDER NAME …` writes those of the names.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    LCMScheduler,
    StableDiffusion3Pipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from diffusers import SD3Transformer2DModel as SD3Transformer
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from transformers import (
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    CLIPVisionConfig,
    T5Config,
    T5EncoderModel,
    T5TokenizerFast,
)

_WORDS = ["house", "cat", "red", "blue", "sea", "tree"]


def write_sd(folder: Path, *, checker: bool = True) -> Path:
    """Stable Diffusion 1.5: a UNet with cross attention, CLIP, a safety checker."""
    parts: dict[str, Any] = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    if checker:
        parts = {
            "safety_checker": _safety_checker(),
            "feature_extractor": CLIPImageProcessorPil(
                size={"shortest_edge": 30}, crop_size={"height": 30, "width": 30}
            ),
        }
    pipeline = StableDiffusionPipeline(
        unet=_unet(), vae=_vae(), text_encoder=_clip(), tokenizer=_clip_tokenizer(), scheduler=_ddim(), **parts
    )
    return _save(pipeline, folder)


def write_lcm(folder: Path) -> Path:
    """A latent consistency model: the guidance is an input of the UNet."""
    parts = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    pipeline = StableDiffusionPipeline(
        unet=_unet(time_cond_proj_dim=32),
        vae=_vae(),
        text_encoder=_clip(),
        tokenizer=_clip_tokenizer(),
        scheduler=LCMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1),
        **parts,
    )
    return _save(pipeline, folder)


def write_inpaint(folder: Path) -> Path:
    """A UNet for inpainting, which reads mask and picture beside the latents."""
    parts = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    pipeline = StableDiffusionInpaintPipeline(
        unet=_unet(in_channels=9),
        vae=_vae(),
        text_encoder=_clip(),
        tokenizer=_clip_tokenizer(),
        scheduler=_ddim(),
        **parts,
    )
    return _save(pipeline, folder)


def write_sdxl(folder: Path) -> Path:
    """Stable Diffusion XL: two text encoders, the picture's size as an input."""
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        block_out_channels=(32, 64),
        layers_per_block=1,
        sample_size=8,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=(2, 4),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        transformer_layers_per_block=(1, 1),
        projection_class_embeddings_input_dim=6 * 8 + 32,
        cross_attention_dim=64,
    )
    tokenizer = _clip_tokenizer()
    pipeline = StableDiffusionXLPipeline(
        unet=unet,
        vae=_vae(),
        text_encoder=_clip(),
        text_encoder_2=CLIPTextModelWithProjection(_clip_config()).eval(),
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        scheduler=EulerDiscreteScheduler(beta_schedule="scaled_linear", timestep_spacing="leading", steps_offset=1),
        add_watermarker=False,
    )
    return _save(pipeline, folder)


def write_sd3(folder: Path) -> Path:
    """Stable Diffusion 3: a transformer over patches, flow matching, CLIP twice; without its optional T5."""
    torch.manual_seed(0)
    transformer = SD3Transformer(
        sample_size=8,
        patch_size=2,
        in_channels=16,
        num_layers=1,
        attention_head_dim=8,
        num_attention_heads=4,
        joint_attention_dim=32,
        caption_projection_dim=32,
        pooled_projection_dim=64,
        out_channels=16,
    )
    tokenizer = _clip_tokenizer()
    pipeline = StableDiffusion3Pipeline(
        transformer=transformer,
        vae=_vae(shift_factor=0.06, latent_channels=16),
        text_encoder=CLIPTextModelWithProjection(_clip_config()).eval(),
        text_encoder_2=CLIPTextModelWithProjection(_clip_config()).eval(),
        text_encoder_3=None,
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        tokenizer_3=None,
        scheduler=FlowMatchEulerDiscreteScheduler(),
    )
    return _save(pipeline, folder)


def write_flux(folder: Path) -> Path:
    """Flux: packed latents, CLIP and T5."""
    torch.manual_seed(0)
    transformer = FluxTransformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        pooled_projection_dim=32,
        axes_dims_rope=[4, 4, 8],
    )
    config = T5Config(vocab_size=260, d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4)
    pipeline = FluxPipeline(
        transformer=transformer,
        vae=_vae(shift_factor=0.06, use_quant_conv=False, use_post_quant_conv=False),
        text_encoder=_clip(),
        text_encoder_2=T5EncoderModel(config).eval(),
        tokenizer=_clip_tokenizer(),
        tokenizer_2=_t5_tokenizer(),
        scheduler=FlowMatchEulerDiscreteScheduler(),
    )
    return _save(pipeline, folder)


WRITERS = {
    "sd": write_sd,
    "lcm": write_lcm,
    "inpaint": write_inpaint,
    "sdxl": write_sdxl,
    "sd3": write_sd3,
    "flux": write_flux,
}


def _save(pipeline: Any, folder: Path) -> Path:
    pipeline.save_pretrained(folder, safe_serialization=True)
    return folder


def _unet(**more: Any) -> UNet2DConditionModel:
    torch.manual_seed(0)
    return UNet2DConditionModel(
        **{
            "block_out_channels": (32, 64),
            "layers_per_block": 1,
            "sample_size": 8,
            "in_channels": 4,
            "out_channels": 4,
            "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
            "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
            "cross_attention_dim": 32,
            **more,
        }
    )


def _vae(**more: Any) -> AutoencoderKL:
    """With the factor 8 of the real ones."""
    torch.manual_seed(0)
    return AutoencoderKL(
        block_out_channels=(8, 8, 16, 16),
        norm_num_groups=4,
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        sample_size=64,
        **{"latent_channels": 4, **more},
    )


def _ddim() -> DDIMScheduler:
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )


def _clip_config() -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=1000,
        hidden_size=32,
        projection_dim=32,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=2,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )


def _clip() -> CLIPTextModel:
    torch.manual_seed(0)
    return CLIPTextModel(_clip_config()).eval()


def _clip_tokenizer() -> CLIPTokenizer:
    """CLIP's, with letters and a few words of its vocabulary."""
    letters = [chr(code) for code in range(33, 127)]
    merges = [
        (word[:at], f"{word[at]}{'</w>' if at == len(word) - 1 else ''}")
        for word in _WORDS
        for at in range(1, len(word))
    ]
    merges = list(dict.fromkeys(merges))
    pieces = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    pieces += [first + second for first, second in merges]
    vocab = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=77)


def _t5_tokenizer() -> T5TokenizerFast:
    pieces = [
        ("<pad>", 0.0),
        ("</s>", 0.0),
        ("<unk>", 0.0),
        *((chr(code), -2.0) for code in range(33, 127)),
        ("▁", -1.0),
    ]
    return T5TokenizerFast(vocab=pieces, extra_ids=0, model_max_length=512)


def _safety_checker() -> StableDiffusionSafetyChecker:
    """Rejects a picture whose embedding is near one of its concepts."""
    torch.manual_seed(0)
    vision = CLIPVisionConfig(
        hidden_size=32, intermediate_size=37, num_hidden_layers=1, num_attention_heads=4, image_size=30, patch_size=5
    )
    config = CLIPConfig(text_config=_clip_config().to_dict(), vision_config=vision.to_dict(), projection_dim=64)
    return StableDiffusionSafetyChecker(config).eval()


if __name__ == "__main__":
    for name in sys.argv[2:]:
        WRITERS[name](Path(sys.argv[1]) / name)
