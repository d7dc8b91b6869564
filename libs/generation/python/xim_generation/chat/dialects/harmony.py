"""The harmony format of gpt-oss: analysis, answer and calls are messages to channels."""

from __future__ import annotations

from ...output.harmony import CALL, CHANNEL, CONSTRAIN, MARKS, MESSAGE, HarmonyParser
from ...output.tool_calls import ToolCallParser
from .dialect import CallForm, Dialect

HARMONY = Dialect(
    name="harmony",
    marks=frozenset(MARKS),
    # The end of a call ends the output.
    form=CallForm(
        begin=f"{CHANNEL}commentary to=functions.",
        middle=f" {CONSTRAIN}json{MESSAGE}",
        end=CALL,
        separator="",
        parallel=False,
    ),
    calls=lambda single, required, _: ToolCallParser(single, required),
    whole=HarmonyParser,
    answer=f"{CHANNEL}final{MESSAGE}",
)
