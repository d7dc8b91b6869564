"""Tiny random models of Whisper, as Transformers saves them, with vocabularies of the published sizes."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import GenerationConfig, WhisperConfig, WhisperForConditionalGeneration

_WIDTH = 32
_TIMESTAMPS = 1501


def write_whisper(
    folder: Path, *, languages: int = 99, english: bool = False, mels: int = 80, layers: int = 2, dtype: str = "float32"
) -> Path:
    """A folder with config.json, generation_config.json, preprocessor_config.json, tokenizer.json and the weights."""
    tokenizer, codes = _tokenizer(languages, english)
    text = tokenizer.token_to_id("<|endoftext|>")
    config = WhisperConfig(
        vocab_size=tokenizer.get_vocab_size() + _TIMESTAMPS,
        num_mel_bins=mels,
        d_model=_WIDTH,
        encoder_layers=2,
        encoder_attention_heads=2,
        encoder_ffn_dim=2 * _WIDTH,
        decoder_layers=layers,
        decoder_attention_heads=2,
        decoder_ffn_dim=2 * _WIDTH,
        init_std=0.3,
        bos_token_id=text,
        eos_token_id=text,
        pad_token_id=text,
        decoder_start_token_id=tokenizer.token_to_id("<|startoftranscript|>"),
    )
    torch.manual_seed(0)
    model = WhisperForConditionalGeneration(config).eval().to(getattr(torch, dtype))
    more = {} if english else {"lang_to_id": {f"<|{code}|>": tokenizer.token_to_id(f"<|{code}|>") for code in codes}}
    model.generation_config = GenerationConfig(
        suppress_tokens=[1, 2, 7],
        begin_suppress_tokens=[220, text],
        alignment_heads=[[layers - 1, 0]],
        is_multilingual=not english,
        no_timestamps_token_id=tokenizer.token_to_id("<|notimestamps|>"),
        **more,
    )
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "WhisperTokenizer", "model_max_length": 1024})
    features = {"feature_size": mels, "sampling_rate": 16_000, "hop_length": 160, "n_fft": 400, "chunk_length": 30}
    write_json(folder / "preprocessor_config.json", {"feature_extractor_type": "WhisperFeatureExtractor", **features})
    return folder


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value), "utf8")


def _tokenizer(languages: int, english: bool) -> tuple[Tokenizer, list[str]]:
    """Bytes, then words that no text has, then the special tokens, at the places that the published models have."""
    from transformers.models.whisper.tokenization_whisper import LANGUAGES

    size = 50_256 if english else 50_257
    written = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [*written, *(f"{number}~" for number in range(size - len(written)))]
    if not english:
        # CTranslate2 recognises the multilingual vocabulary by its empty word.
        words[-1] = ""
    codes = list(LANGUAGES)[:languages]
    tokenizer = Tokenizer(models.BPE({word: number for number, word in enumerate(words)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    names = ["endoftext", "startoftranscript", *codes, "translate", "transcribe", "startoflm", "startofprev"]
    names += ["nospeech" if languages == 100 else "nocaptions", "notimestamps"]
    tokenizer.add_special_tokens([AddedToken(f"<|{name}|>", special=True, normalized=False) for name in names])
    return tokenizer, codes
