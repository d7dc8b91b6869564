"""Trains the small model of this service: a pipeline of Stable Diffusion's architecture that draws coloured shapes.

    python train.py FOLDER

writes the pipeline as diffusers saves it, weights in 16 bits. One core takes about 20 minutes. The same PyTorch on the
same kind of CPU gives the same weights: seeds are fixed, and one thread computes.
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from shapes import COLOURS, RADII, SHAPES, random_scene, to_pixels
from torch.nn import functional
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

WORDS = ["a", *COLOURS, *SHAPES, *(size for size in RADII if size)]
TOKENS = 16
"""The longest prompt, in tokens, marks of begin and end included."""

VAE_PHASES = ((500, 8), (1500, 2))
"""Steps and pictures per step: few pictures are enough once shapes are there, and colours need many steps."""

UNET_STEPS, UNET_BATCH = 1300, 8
NOISE, PENALTY = 0.1, 1e-3
"""Noise on the latents and the price of large ones: few steps are too few for the variance of a true VAE."""

SCENES = 1500
"""Pictures that the UNet learns from; the autoencoder sees new ones all the time."""

UNCONDITIONAL = 0.1
"""Share of pictures without words, for the guidance (https://arxiv.org/abs/2207.12598)."""


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    vae = train_vae(make_vae())
    torch.manual_seed(1)
    tokenizer, scheduler = make_tokenizer(), make_scheduler()
    text_encoder = make_text_encoder(len(tokenizer))
    unet = train_unet(make_unet(), text_encoder, tokenizer, vae, scheduler)
    pipeline = StableDiffusionPipeline(
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        unet=unet,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.to(torch.float16).save_pretrained(folder, safe_serialization=True)


def make_vae() -> AutoencoderKL:
    """An eighth of the side, as in Stable Diffusion: 8 x 8 latents of 4 channels."""
    return AutoencoderKL(
        block_out_channels=(8, 16, 32, 32),
        layers_per_block=1,
        norm_num_groups=1,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        sample_size=64,
    )


def make_unet() -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(32, 64),
        layers_per_block=1,
        norm_num_groups=8,
        attention_head_dim=4,
        cross_attention_dim=64,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    )


def make_scheduler() -> DDIMScheduler:
    """Velocity as the target and no signal at the last step, without which plain colours come out grey.

    Source: https://arxiv.org/abs/2305.08891, https://arxiv.org/abs/2202.00512.
    """
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=True,
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
    )


def make_text_encoder(vocabulary: int) -> CLIPTextModel:
    config = CLIPTextConfig(
        vocab_size=vocabulary,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=TOKENS,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    return CLIPTextModel(config)


def make_tokenizer() -> CLIPTokenizer:
    """CLIP's, with every byte as a token, and a token for each word of the data set."""
    letters = [chr(code) for code in (*range(33, 127), *range(161, 173), *range(174, 256), *range(256, 324))]
    merges: list[tuple[str, str]] = []
    for word in WORDS:
        pieces = [*word[:-1], f"{word[-1]}</w>"]
        for at in range(1, len(pieces)):
            merges.append(("".join(pieces[:at]), pieces[at]))
    merges = list(dict.fromkeys(merges))
    names = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    names += [first + second for first, second in merges]
    vocab = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=TOKENS)


def train_vae(vae: AutoencoderKL) -> AutoencoderKL:
    for number, (steps, batch) in enumerate(VAE_PHASES):
        train_vae_phase(vae, number, steps, batch)
    vae.eval().requires_grad_(False)
    # Latents of deviation 1, which the scheduler's noise fits.
    pixels = to_batch(random.Random(99), 128)
    vae.register_to_config(scaling_factor=round(1 / float(vae.encode(pixels).latent_dist.mean.std()), 4))
    return vae


def train_vae_phase(vae: AutoencoderKL, number: int, steps: int, batch: int) -> None:
    source = random.Random(number)
    torch.manual_seed(100 + number)
    optimizer = torch.optim.AdamW(vae.parameters(), lr=2e-3, betas=(0.9, 0.99), weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps, pct_start=0.1)
    watch = Watch("autoencoder", steps)
    for step in range(steps):
        pixels = to_batch(source, batch)
        latents = vae.encode(pixels).latent_dist.mode()
        seen = vae.decode(latents + NOISE * torch.randn_like(latents)).sample
        loss = functional.l1_loss(seen, pixels) + functional.mse_loss(seen, pixels) + PENALTY * latents.square().mean()
        _descend(loss, vae.parameters(), optimizer, schedule)
        watch.tell(step, loss)


def to_batch(source: random.Random, count: int) -> torch.Tensor:
    return torch.from_numpy(np.stack([to_pixels(random_scene(source, of_words=False).draw()) for _ in range(count)]))


def train_unet(
    unet: UNet2DConditionModel,
    text_encoder: CLIPTextModel,
    tokenizer: CLIPTokenizer,
    vae: AutoencoderKL,
    scheduler: DDIMScheduler,
) -> UNet2DConditionModel:
    source = random.Random(1)
    scenes = [random_scene(source, of_words=True) for _ in range(SCENES)]
    with torch.no_grad():
        latents = torch.cat(
            [vae.encode(torch.from_numpy(to_pixels(scene.draw()))[None]).latent_dist.mean for scene in scenes]
        )
    latents = latents * vae.config.scaling_factor
    texts = tokenizer([*(scene.words() for scene in scenes), ""], padding="max_length", return_tensors="pt").input_ids
    parameters = [*unet.parameters(), *text_encoder.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=2e-3, betas=(0.9, 0.99), weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=UNET_STEPS, pct_start=0.05)
    average = torch.optim.swa_utils.AveragedModel(
        torch.nn.ModuleList([unet, text_encoder]), multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.995)
    )
    watch = Watch("UNet", UNET_STEPS)
    for step in range(UNET_STEPS):
        chosen = torch.randint(SCENES, (UNET_BATCH,))
        words = torch.where(torch.rand(UNET_BATCH) < UNCONDITIONAL, SCENES, chosen)
        noise = torch.randn_like(latents[chosen])
        times = torch.randint(scheduler.config.num_train_timesteps, (UNET_BATCH,))
        noisy = scheduler.add_noise(latents[chosen], noise, times)
        seen = unet(noisy, times, text_encoder(texts[words]).last_hidden_state).sample
        loss = functional.mse_loss(seen, scheduler.get_velocity(latents[chosen], noise, times))
        _descend(loss, parameters, optimizer, schedule)
        average.update_parameters(torch.nn.ModuleList([unet, text_encoder]))
        watch.tell(step, loss)
    for trained, averaged in zip([unet, text_encoder], average.module, strict=True):
        trained.load_state_dict(averaged.state_dict())
        trained.eval()
    return unet


def _descend(loss: Any, parameters: Any, optimizer: Any, schedule: Any) -> None:
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()
    schedule.step()


class Watch:
    """Prints the loss of a training now and then."""

    def __init__(self, name: str, steps: int) -> None:
        self._name, self._steps, self._begin, self._losses = name, steps, time.monotonic(), list[float]()

    def tell(self, step: int, loss: Any) -> None:
        self._losses.append(float(loss.detach()))
        if (step + 1) % 50 == 0:
            mean = sum(self._losses[-50:]) / 50
            spent = time.monotonic() - self._begin
            print(f"{self._name}: step {step + 1} of {self._steps}, loss {mean:.4f}, {spent:.0f} s", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
