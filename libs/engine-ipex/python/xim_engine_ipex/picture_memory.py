"""What a picture takes of memory while it is computed."""

from __future__ import annotations

from diffusers import DiffusionPipeline

_DECODER_MAPS = 12
"""Feature maps of the decoder's first width at full size, at the peak. Measured with the real VAE of Stable Diffusion
1.5 at 256 to 512 pixels a side: 8 to 12 in f32 and in bf16."""
_DENOISER_MAPS = 4
"""The same for a step of the UNet, which works on latents; for pixels that the decoder computes in tiles."""


def most_pixels(pipeline: DiffusionPipeline, room: float, tile_above: int) -> int:
    """Pixels of the largest picture whose computation takes at most `room` bytes beside the weights."""
    vae = pipeline.vae
    widths = getattr(vae.config, "block_out_channels", None) or (128,)
    feature_map = widths[0] * vae.dtype.itemsize
    whole = room / (feature_map * _DECODER_MAPS)
    if whole <= tile_above:
        return int(whole)
    rest = room - tile_above * feature_map * _DECODER_MAPS
    return int(tile_above + rest / (feature_map * _DENOISER_MAPS))
