"""The inputs, events and outputs of the tasks, as they cross between a handler and the runtime.

Written by tools/task-types from the contract in libs/engine/src; a change belongs there. Bytes are `bytes` here. A
member that is absent has the default that the contract states; it is never None unless its type says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypedDict, final

if TYPE_CHECKING:
    # In the standard library from Python 3.11 on; type checkers bring it.
    from typing_extensions import NotRequired

_bytes = bytes  # members of this name hide it


@final
class MediaPath(TypedDict):
    path: str


@final
class MediaBytes(TypedDict):
    bytes: _bytes


Media = MediaPath | MediaBytes
"""Bytes that enter an engine: small ones in memory, large uploads as a file that outlives the call."""


class Truncation(TypedDict):
    """How a text that is too long is cut, where it would be invalid otherwise."""

    tokens: NotRequired[int]
    """Tokens that stay at most, special tokens included. Absent, or more than the model reads: as many as it reads."""
    keep: NotRequired[Literal["start", "end"]]
    """The end of the text that stays. Default `start`."""


class GenerateInput(TypedDict):
    prompt: Prompt
    choices: NotRequired[int]
    """Sequences to generate from the one prompt, numbered from 0. Default 1."""
    maxTokens: NotRequired[int]
    """Tokens to generate per choice at most. Absent: as many as the context allows. Too many for the context is
    invalid.
    """
    stop: NotRequired[list[str]]
    """Texts that end a choice; the output leaves them out, unless `includeStop`."""
    includeStop: NotRequired[bool]
    """End a choice's text with the stop text that ended it."""
    stopTokens: NotRequired[list[int]]
    """Tokens that end a choice beside the model's own ends. Their text is left out, unless `includeStop`."""
    minTokens: NotRequired[int]
    """Tokens of each choice at least: no end token, stop text or stop token ends it earlier. A `format` that is
    complete does.
    """
    truncate: NotRequired[int]
    """Read only so many of the prompt's tokens, the last ones."""
    echo: NotRequired[bool]
    """Begin each choice with the prompt's own text, as deltas that stand for 0 tokens; with `logprobs`, with the
    probability of each of its tokens. Not for a conversation.
    """
    sampling: NotRequired[Sampling]
    logprobs: NotRequired[int]
    """Alternatives per token to report, 0 = only the chosen one's probability. Absent: no probabilities. The joined
    tokens of a choice's texts are its text, but that the last one may reach past it (a stop text or an unfinished
    character begins inside). Tokens without a text (the end), of a stop text that is left out, and of calls have no
    entry.
    """
    promptLogprobs: NotRequired[int]
    """Alternatives per token of the prompt to report, in one `prompt-logprobs` event. Absent: no event."""
    tokenIds: NotRequired[bool]
    """Report the ids of the prompt's tokens with `start`, and those of all tokens with each `choice-end`."""
    format: NotRequired[OutputFormat]
    """A shape that the output is made to have, by the engine's grammar."""
    ignoreEnd: NotRequired[bool]
    """Go on after the model's end token, up to `maxTokens`. For measurements."""
    reasoningEffort: NotRequired[ReasoningEffort]
    """How much a reasoning model thinks before it answers, `none` to `max`. Unsupported where its template has no such
    switch.
    """


ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


@final
class PromptMessages(TypedDict):
    messages: list[Message]
    tools: NotRequired[list[Tool]]
    toolChoice: NotRequired[ToolChoice]
    continueLast: NotRequired[bool]
    """Go on with the text of the last message, which is the assistant's. Invalid where the template changes that text.
    """
    generationPrompt: NotRequired[bool]
    """Whether the template writes the beginning of an answer. Default true; false with `continueLast`."""
    templateVariables: NotRequired[dict[str, Any]]
    """Variables of the template. Unsupported are those that it does not read."""


@final
class PromptText(TypedDict):
    """`suffix`: the text that comes after the output. Unsupported where the vocabulary has no tokens for it."""

    text: str
    suffix: NotRequired[str]


@final
class PromptTokens(TypedDict):
    tokens: list[int]


Prompt = PromptMessages | PromptText | PromptTokens
"""The prompt: a conversation (the engine applies the model's template), a text, or tokens."""


class MessageSystem(TypedDict):
    role: Literal["system", "developer", "user"]
    content: str
    name: NotRequired[str]


class MessageAssistant(TypedDict):
    role: Literal["assistant"]
    content: str | None
    reasoning: NotRequired[str]
    toolCalls: NotRequired[list[ToolCall]]


class MessageTool(TypedDict):
    role: Literal["tool"]
    content: str
    toolCallId: str


Message = MessageSystem | MessageAssistant | MessageTool


class ToolCall(TypedDict):
    id: str
    name: str
    arguments: str
    """JSON text as the model wrote it; not necessarily valid."""


class Tool(TypedDict):
    name: str
    description: NotRequired[str]
    parameters: NotRequired[dict[str, Any]]
    """JSON Schema of the arguments."""
    strict: NotRequired[bool]


class ToolChoice(TypedDict):
    """Whether and what the model may call; `parallel: false` allows one call at most. With `none` the model does not
    see the tools, and nothing that it writes is a call; with `required` it writes calls only, each with arguments that
    fit the tool's parameters, unless it is cut.
    """

    mode: Literal["none", "auto", "required"]
    name: NotRequired[str]
    """Only this tool, with mode `required`."""
    parallel: NotRequired[bool]


class Sampling(TypedDict):
    """How tokens are chosen. An engine takes an absent member as the model's own distribution: temperature 1, nothing
    cut, no penalty, a random seed. The defaults of a model (`DefaultSampling`) are applied by the server, so an engine
    knows none.
    """

    temperature: NotRequired[float]
    """0 = always the most probable token."""
    topP: NotRequired[float]
    """Smallest set of tokens whose probabilities reach this sum, 0 to 1."""
    topK: NotRequired[int]
    """0 = all tokens."""
    minP: NotRequired[float]
    """Tokens below this share of the most probable token's probability are left out, 0 to 1."""
    typicalP: NotRequired[float]
    """Locally typical sampling: the tokens whose information is closest to the expected one, up to this sum of
    probabilities, above 0 to 1.
    """
    allowedTokens: NotRequired[list[int]]
    """Only these tokens are generated; an end only if it is one of them. At least one."""
    bannedTexts: NotRequired[list[str]]
    """Texts that are not generated as the tokens that they have at the beginning of a word or inside one."""
    seed: NotRequired[int]
    """The same seed and input give the same text, whatever else runs, but for the rounding of the engine's kernels.
    Non-negative, below 2^63.
    """
    presencePenalty: NotRequired[float]
    """Subtracted from the logit of a token that was generated before, −2 to 2."""
    frequencyPenalty: NotRequired[float]
    """Subtracted from the logit once per earlier occurrence, −2 to 2."""
    repetitionPenalty: NotRequired[float]
    """Divides the logit of tokens seen before; 1 = none."""
    logitBias: NotRequired[dict[str, float]]
    """Token id → added to its logit, −100 to 100."""


class OutputFormatJson(TypedDict):
    """A JSON object of any content."""

    type: Literal["json"]


class OutputFormatJsonSchema(TypedDict):
    """JSON that validates against a JSON Schema, 2020-12 where it does not say otherwise."""

    type: Literal["json-schema"]
    schema: dict[str, Any] | bool


class OutputFormatRegex(TypedDict):
    """The whole text matches; ECMA-262 syntax."""

    type: Literal["regex"]
    pattern: str


class OutputFormatGrammar(TypedDict):
    """The whole text is a sentence of the grammar: the Lark dialect of llguidance where a line begins `start:` or
    `%llguidance`, else GBNF.
    """

    type: Literal["grammar"]
    grammar: str


OutputFormat = OutputFormatJson | OutputFormatJsonSchema | OutputFormatRegex | OutputFormatGrammar
"""Output that ends by itself (reason `stop`) has the shape, whole; one that was cut (`length`) is the beginning of
such. White space between JSON's tokens is bounded. A schema or pattern that the engine cannot hold to exactly is
refused with the keyword's place (`format.schema.properties.a.not`); none may harm another call.
"""


class GenerateStart(TypedDict):
    """Validated, tokenised, admitted. `cachedTokens` of the prompt came from the prefix cache, where that is known so
    early. `promptTokens`, if and only if ids are asked for: those of the prompt, as one list; of several prompts one
    list each.
    """

    type: Literal["start"]
    inputTokens: int
    cachedTokens: NotRequired[int]
    promptTokens: NotRequired[list[list[int]]]


class GeneratePromptLogprobs(TypedDict):
    """Once, with the first choice and before its deltas: all tokens of the prompt."""

    type: Literal["prompt-logprobs"]
    choice: int
    logprobs: list[TokenLogprob]


class GenerateTextDelta(TypedDict):
    """`tokens`: how many tokens this delta stands for; 0 when held-back text of an earlier one is let go."""

    type: Literal["text-delta", "reasoning-delta"]
    choice: int
    text: str
    tokens: int
    logprobs: NotRequired[list[TokenLogprob]]


class GenerateToolCall(TypedDict):
    type: Literal["tool-call"]
    choice: int
    call: int
    id: str
    name: str


class GenerateToolCallDelta(TypedDict):
    type: Literal["tool-call-delta"]
    choice: int
    call: int
    arguments: str


class GenerateChoiceEndTokens(TypedDict):
    prompt: list[int]
    output: list[int]


class GenerateChoiceEnd(TypedDict):
    """`stop`: the stop text that ended the choice; absent where the model ended it. `tool-calls`: it ended by itself
    and there are calls; a choice that was cut says `length`, and the last of its calls may be cut too. `tokens`, if and
    only if asked for: those of the prompt and all of the output, an end token included.
    """

    type: Literal["choice-end"]
    choice: int
    reason: Literal["stop", "length", "tool-calls"]
    stop: NotRequired[str]
    tokens: NotRequired[GenerateChoiceEndTokens]


class GenerateEnd(TypedDict):
    type: Literal["end"]
    usage: Usage


GenerateEvent = (
    GenerateStart
    | GeneratePromptLogprobs
    | GenerateTextDelta
    | GenerateToolCall
    | GenerateToolCallDelta
    | GenerateChoiceEnd
    | GenerateEnd
)
"""Order: one `start`; then, for each choice in its own order, deltas and one `choice-end` (choices interleave); one
`end`. A `tool-call` comes before its deltas. Text never ends inside a character: a part of one is held back.
"""


class TokenLogprob(TypedDict):
    """A token and how probable it was, before sampling changed anything."""

    id: int
    token: str
    """Alone; half a character reads as U+FFFD."""
    bytes: list[int]
    """UTF-8 of the token; several tokens may share one character."""
    logprob: float | None
    """Null for the first token of a prompt, which nothing came before."""
    top: list[TokenChance]
    """The most probable alternatives, best first."""


class TokenChance(TypedDict):
    id: int
    token: str
    """Alone; half a character reads as U+FFFD."""
    bytes: list[int]
    """UTF-8 of the token; several tokens may share one character."""
    logprob: float
    """Natural logarithm, ≤ 0."""


class Usage(TypedDict):
    """Tokens, summed over all choices."""

    inputTokens: int
    outputTokens: int
    cachedTokens: NotRequired[int]
    reasoningTokens: NotRequired[int]


class TokenizeInput(TypedDict):
    prompt: Prompt


class TokenizeOutput(TypedDict):
    tokens: list[TextToken]
    """All tokens, special ones included: as many as `generate` counts for the same prompt."""
    text: str
    """The text that was tokenised: the prompt itself, or a conversation as the model's template writes it."""


class TextToken(TypedDict):
    """A token and the characters (Unicode code points) of the text that it stands for, from `start` up to `end`."""

    id: int
    text: str
    start: int
    end: int


class EmbedInput(TypedDict):
    items: list[EmbedItem]
    """At least one; each a non-empty text or a non-empty list of the model's tokens."""
    dimensions: NotRequired[int]
    """Elements per vector: the first so many, renormalised. Absent: all. Invalid where the model does not allow it."""
    prompt: NotRequired[str]
    """Name of the model's prompt that is put before each text, such as `query` or `document`. Absent: the model's
    default one, if any. Invalid where the model has none of that name, and with items that are tokens.
    """
    truncate: NotRequired[Truncation]
    """How an item that is too long is cut; the special tokens and the model's prompt stay. Absent: such an item is
    invalid.
    """


@final
class EmbedItemText(TypedDict):
    text: str


@final
class EmbedItemTokens(TypedDict):
    tokens: list[int]


EmbedItem = EmbedItemText | EmbedItemTokens


class EmbedOutput(TypedDict):
    vectors: _bytes
    """Row-major `[items, dimensions]`, in the order of the items, each row of unit length."""
    dimensions: int
    inputTokens: int
    """Tokens read, summed over the items, special tokens included."""


class RerankInput(TypedDict):
    queries: list[str]
    """One for all documents, or one for each. No text is empty."""
    documents: list[str]
    """At least one; no text is empty."""
    instruction: NotRequired[str]
    """A sentence that says when a document is relevant, for a model whose prompt has a place for it. Not empty. Absent:
    the model's own. Other models refuse it with `XIM_UNSUPPORTED_PARAMETER`.
    """
    documentTokens: NotRequired[int]
    """Tokens of each document that are read; the rest of a longer one is cut off. Absent: all."""
    truncate: NotRequired[Truncation]
    """How a document is cut so that the pair fits or, with a model for embeddings, so that the document itself fits. A
    query is never cut. Absent: a pair or text that is too long is invalid.
    """


class RerankOutput(TypedDict):
    scores: _bytes
    """`[documents]` in the order of the documents; a greater score means a more relevant document."""
    kind: Literal["log-odds", "cosine"]
    """The scale of the scores. `log-odds`: any number, `1 / (1 + e^-x)` is the probability that the document is
    relevant. `cosine`: -1 to 1, not a probability. It is the same in every answer of a model.
    """
    inputTokens: int
    """Tokens read, special tokens included: summed over the pairs, or over the texts, where each query counts once."""


class TranscribeInput(TypedDict):
    """An engine refuses a field that its model cannot honour, as `InvalidInputError` with the field's name and the code
    `XIM_UNSUPPORTED_PARAMETER`. It drops none.
    """

    audio: Media
    """A recording in any container and codec the engine can decode."""
    language: NotRequired[str]
    """ISO 639-1; absent: detected."""
    translate: NotRequired[bool]
    """Write English whatever is spoken."""
    prompt: NotRequired[str]
    """Text that precedes the recording: style and spelling of names."""
    hotwords: NotRequired[list[str]]
    """Words and names that the recording may hold, to be preferred wherever they fit."""
    temperature: NotRequired[float]
    """0 to 1. Absent or 0: the most probable text, at higher temperatures only where that repeats itself."""
    words: NotRequired[bool]
    """Report the time of every word."""
    logprobs: NotRequired[bool]
    """Report the probability of every token."""
    voiceActivity: NotRequired[bool | VoiceActivity]
    """Skip what is not speech. Default true; with settings, true."""
    speakers: NotRequired[SpeakersHint]
    """Tell speakers apart; the numbers are hints."""


class VoiceActivity(TypedDict):
    """How speech is told from silence; what is absent is the engine's default."""

    threshold: NotRequired[float]
    """Probability from which a frame is speech, 0 to 1."""
    padding: NotRequired[float]
    """Seconds kept before the first frame of speech."""
    silence: NotRequired[float]
    """Seconds without speech that end a span of speech."""


class SpeakersHint(TypedDict):
    count: NotRequired[int]
    min: NotRequired[int]
    max: NotRequired[int]
    known: NotRequired[list[KnownSpeaker]]
    """Speakers who get their name instead of a number where their voice is heard."""


class KnownSpeaker(TypedDict):
    name: str
    audio: Media
    """A clip with no other voice."""


class TranscribeStart(TypedDict):
    type: Literal["start"]
    duration: float
    language: NotRequired[str]
    languageProbability: NotRequired[float]


class TranscribeProgress(TypedDict):
    type: Literal["progress"]
    seconds: float


class TranscribeSegment(TypedDict):
    type: Literal["segment"]
    segment: Segment


class TranscribeEnd(TypedDict):
    type: Literal["end"]
    duration: float
    language: str
    usage: NotRequired[Usage]
    """Tokens of prompt, recording and text, where the model counts them."""


TranscribeEvent = TranscribeStart | TranscribeProgress | TranscribeSegment | TranscribeEnd
"""Order: `start`, any number of `segment` (rising, not overlapping unless speakers do) and `progress`, `end`."""


class Segment(TypedDict):
    id: int
    """From 0, without gaps."""
    start: float
    end: float
    text: str
    """With the space that separates it from the segment before: all texts, joined, are the transcript."""
    tokens: NotRequired[list[int]]
    """Token ids of `text`. This field and the next four are reported by Whisper models only."""
    temperature: NotRequired[float]
    """Temperature of the decoding pass that gave `text`."""
    averageLogprob: NotRequired[float]
    """Mean natural log probability of `tokens`."""
    compressionRatio: NotRequired[float]
    """Bytes of `text` in UTF-8, divided by their zlib-compressed bytes."""
    noSpeechProbability: NotRequired[float]
    """Probability of no speech in the window of the segment, 0 to 1."""
    words: NotRequired[list[Word]]
    logprobs: NotRequired[list[TokenChance]]
    """One per token of `text`, if and only if asked for."""
    speaker: NotRequired[str]
    """A known speaker's name, or `SPEAKER_00` …, in order of first speech. Absent where no voice could be told."""


class Word(TypedDict):
    word: str
    start: float
    end: float
    probability: float
    speaker: NotRequired[str]


class SpeakInput(TypedDict):
    text: str
    voice: NotRequired[str]
    """One of the model's voices; absent: its first."""
    format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]
    speed: NotRequired[float]
    """0.25 to 4; 1 = as recorded."""
    instructions: NotRequired[str]
    """How to speak, in words. An engine whose model takes none refuses it by name."""
    seed: NotRequired[int]
    """An integer: the same seed and input give the same bytes. Absent: the engine's choice."""


class SpeakStart(TypedDict):
    type: Literal["start"]
    mediaType: str
    sampleRate: int
    inputCharacters: int
    """Unicode characters of `text`."""


class SpeakAudio(TypedDict):
    type: Literal["audio"]
    bytes: _bytes


class SpeakEnd(TypedDict):
    """`duration` of the speech in seconds; input tokens are units that the model reads, such as phonemes, output tokens
    those that it makes, such as spectrogram frames.
    """

    type: Literal["end"]
    duration: float
    usage: Usage


SpeakEvent = SpeakStart | SpeakAudio | SpeakEnd
"""Order: `start`, `audio` at least once, `end`. The joined bytes are one valid file of `mediaType`."""


class ImageInput(TypedDict):
    prompt: str
    negativePrompt: NotRequired[str]
    count: NotRequired[int]
    """Pictures to make, numbered from 0. Default 1."""
    width: NotRequired[int]
    """Width in pixels; absent: that of `image`, else of `EngineInfo.imageDefaults`."""
    height: NotRequired[int]
    """Height in pixels; absent: that of `image`, else of `EngineInfo.imageDefaults`."""
    steps: NotRequired[int]
    """Denoising steps of a whole run; absent: that of `EngineInfo.imageDefaults`."""
    guidance: NotRequired[float]
    """Weight of the prompt against no prompt; absent: the model's own value."""
    seed: NotRequired[int]
    """An integer of any size and sign, taken modulo 2^64. The same seed gives the same picture; picture i of several
    has seed + i. Absent: the engine's choice.
    """
    format: Literal["png", "jpeg", "webp"]
    quality: NotRequired[int]
    """0 to 100, for jpeg and webp; png keeps every pixel and ignores it."""
    image: NotRequired[Media]
    """Start from this picture instead of noise: PNG, JPEG or WebP, turned as its EXIF says. Where another size is asked
    for, the picture is scaled to cover that size and its middle is taken.
    """
    mask: NotRequired[Media]
    """Marks the pixels to repaint: transparent pixels, or white pixels of a mask without an alpha channel. It has the
    size of `image` and marks at least one pixel. Absent: the transparent pixels of `image`; without any, all of it.
    """
    strength: NotRequired[float]
    """How far from `image` to go, above 0 and up to 1; absent: the model's own value."""
    partials: NotRequired[int]
    """Unfinished pictures to send on the way, 0 to 3."""


class ImageStart(TypedDict):
    """The size of every picture, in pixels."""

    type: Literal["start"]
    width: int
    height: int


class ImageProgress(TypedDict):
    """Steps done of all pictures together."""

    type: Literal["progress"]
    step: int
    of: int


class ImageImage(TypedDict):
    """`partial` is absent on the finished picture."""

    type: Literal["image"]
    index: int
    partial: NotRequired[int]
    bytes: _bytes
    mediaType: str
    rejected: NotRequired[bool]
    """True: the model's safety checker rejected the picture, which is black instead."""


class ImageEnd(TypedDict):
    type: Literal["end"]
    usage: ImageUsage


ImageEvent = ImageStart | ImageProgress | ImageImage | ImageEnd
"""Order: `start`, then `progress` and `image` (partials of a picture rise and come before the finished one), `end`."""


class ImageUsage(TypedDict):
    textTokens: int
    """Tokens of the prompt and the negative prompt, as the model's first text encoder counts them."""
    imageTokens: int
    """Latent positions that were read: of `image`, once."""
    outputTokens: int
    """Latent positions that were made: of all pictures together."""
