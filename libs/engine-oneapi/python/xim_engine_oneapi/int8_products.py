"""Products by int8 dot products (VNNI): which weights they take, and in which groups activations are quantised.

OpenVINO's CPU plugin quantises the activations of a product to int8 where the weights are integers without a fractional
zero point, in groups that divide those of the weights ("dynamic quantization" in its documentation). Larger groups have
fewer scales, and are faster.
"""

from __future__ import annotations

import openvino as ov
from xim_worker import Context, StartError, cpu_flags

from .gguf import GgufHeader

INT8_GROUP = 64
"""Numbers with one scale, in weights and activations. With 64 a language model's perplexity rises by less than 1 %."""

_FOUR_BITS = {"Q2_K", "Q4_0", "Q4_1", "Q4_K"}
_LARGEST_DOUBLED = 2**30
"""Bytes of a file with 4-bit weights: a larger model waits for memory, and 8 bits are twice the bytes."""

_INTEGERS = {"u8", "i8", "u4", "i4"}


def has_int8_products() -> bool:
    """Whether int8 is the fastest way here: with AMX the products are computed in bf16."""
    flags = cpu_flags()
    return bool(flags & {"avx512_vnni", "avx_vnni"}) and "amx_tile" not in flags


def becomes_int8(context: Context, header: GgufHeader, file_bytes: int) -> bool:
    """Whether a GGUF file's quantised weights become i8 in groups of `INT8_GROUP`, by the host or the profile's option
    `weightBits`. Raises StartError, permanent, for another value of it than 4 and 8."""
    bits = context.options.get("weightBits")
    if bits not in (None, 4, 8):
        raise StartError(f"the profile's option weightBits is {bits!r}; expected 4 or 8", permanent=True)
    if bits is not None or context.options.get("exact"):
        return bits == 8
    doubled = not _FOUR_BITS.isdisjoint(header.kinds)
    return has_int8_products() and (file_bytes <= _LARGEST_DOUBLED or not doubled)


def activation_groups(model: ov.Model, context: Context) -> dict[str, int]:
    """OpenVINO's property for the groups of activations; empty where its default, 32, is right."""
    if context.options.get("exact") or not has_int8_products():
        return {}
    groups = [
        node.get_output_shape(0)[-1]
        for node in model.get_ops()
        if node.get_type_name() == "Constant"
        and node.get_element_type().get_type_name() in _INTEGERS
        and len(node.get_output_shape(0)) == 3  # [rows, groups, numbers of a group]; without groups [rows, columns]
        and node.get_output_shape(0)[-1] > 1
    ]
    return {"DYNAMIC_QUANTIZATION_GROUP_SIZE": INT8_GROUP} if all(size % INT8_GROUP == 0 for size in groups) else {}
