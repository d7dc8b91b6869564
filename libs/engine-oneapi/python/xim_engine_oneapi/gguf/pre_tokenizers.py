"""How byte-level BPE cuts a text into words, by `tokenizer.ggml.pre` of a GGUF file.

Source: the table of llama.cpp (`src/llama-vocab.cpp`). Where it notes the original expression of the model's
tokenizer.json beside an approximation for its own matcher, the original is used.
"""

from __future__ import annotations

from dataclasses import dataclass

from tokenizers import Regex, pre_tokenizers

_SUFFIX = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_REST = r"\s*[\r\n]+|\s+(?!\S)|\s+"
_ASCII_MARKS = r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]"

_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_DIGIT = r"\p{N}"


def _words(digits: str, marks: str = r"[\r\n]*") -> str:
    return _SUFFIX + r"|[^\r\n\p{L}\p{N}]?\p{L}+|" + digits + r"| ?[^\s\p{L}\p{N}]+" + marks + "|" + _REST


def _cased(digits: str, suffix: str) -> str:
    """Words that begin anew at an upper-case letter."""
    start = r"[^\r\n\p{L}\p{N}]?"
    return (
        f"{start}{_UPPER}*{_LOWER}+{suffix}|{start}{_UPPER}+{_LOWER}*{suffix}|{digits}"
        r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + _REST
    )


@dataclass(frozen=True)
class Rule:
    """The expressions split the text one after the other; text that no expression matches is a separate piece."""

    names: tuple[str, ...]
    expressions: tuple[str, ...]
    whole_words: bool = False
    """A word that is a token becomes this token, also where the merges give others."""
    begins: bool = False
    """A text begins with BOS where the file says nothing."""


RULES = (
    Rule(
        ("default",),
        (r"[\p{P}\$\+<=>\^~\|]+", _GPT2, r"\p{N}+", "[0-9][0-9][0-9]"),
    ),
    Rule(
        ("llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"),
        (_words(r"\p{N}{1,3}"),),
        whole_words=True,
        begins=True,
    ),
    Rule(("dbrx", "smaug-bpe", "glm4", "chatglm-bpe"), (_words(r"\p{N}{1,3}"),)),
    Rule(
        ("qwen2", "deepseek-r1-qwen", "kormo", "megrez", "stablelm2", "hunyuan", "solar-open", "grok-2"),
        (_words(_DIGIT),),
    ),
    Rule(
        ("qwen35",),
        (_SUFFIX + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|" + _REST,),
    ),
    Rule(("tekken",), (_cased(_DIGIT, ""),), whole_words=True, begins=True),
    Rule(("gpt-4o", "llama4", "kanana2", "minimax-m2"), (_cased(r"\p{N}{1,3}", _SUFFIX + "?"),)),
    Rule(
        (
            "gpt-2",
            "phi-2",
            "mpt",
            "olmo",
            "jais",
            "trillion",
            "granite-docling",
            "gigachat",
            "exaone4",
            "mellum",
            "a.x-4.0",
        ),
        (_GPT2,),
    ),
    Rule(
        ("smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2"),
        (_DIGIT, _GPT2),
    ),
    Rule(("falcon",), (r"[\p{P}\$\+<=>\^~\|`]+", _GPT2, "[0-9][0-9][0-9]")),
    Rule(
        ("deepseek-llm",),
        (
            r"[\r\n]",
            r"\s?[\p{Lu}\p{Ll}\p{Lt}]+",
            r"\s?[!-/:-~！-／：-～‘-‟　-。]+",
            r"\s+$",
            "[一-龥ࠀ-一가-퟿]+",
            r"\p{N}+",
        ),
    ),
    Rule(
        ("deepseek-coder",),
        (r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-퟿]+", _DIGIT),
    ),
    Rule(
        ("deepseek-v3", "hunyuan-dense", "joyai-llm"),
        (
            r"\p{N}{1,3}",
            "[一-龥぀-ゟ゠-ヿ]+",
            _ASCII_MARKS + r"[A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|" + _REST,
        ),
    ),
    Rule(
        ("seed-coder",),
        (_SUFFIX + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}\r\n]+|" + _REST,),
    ),
    Rule(
        ("bailingmoe", "bailingmoe2", "llada-moe"),
        (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",),
    ),
)

PRE_TOKENIZERS = {name: rule for rule in RULES for name in rule.names}


def to_pre_tokenizer(rule: Rule) -> pre_tokenizers.PreTokenizer:
    """The steps of a rule, then the letters of byte-level BPE."""
    cuts = [pre_tokenizers.Split(Regex(expression), "isolated") for expression in rule.expressions]
    return pre_tokenizers.Sequence([*cuts, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
