"""Reads the variables of a CTranslate2 model, whose library opens the file but does not show its arrays.

Source of the format: `Model.save` in CTranslate2's python/ctranslate2/specs/model_spec.py, binary version 6.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_VERSION = 6
# By the number of the type in the file. Type 5, bfloat16, has no counterpart in numpy.
_DTYPES: Mapping[int, npt.DTypeLike] = {0: "<f4", 1: "i1", 2: "<i2", 3: "<i4", 4: "<f2"}


def read_variables(path: Path) -> dict[str, Array]:
    """Maps each variable of `model.bin` to its array, which stays on disk until it is used.

    Aliases are left out. Raises ValueError where the file has another format or a type that numpy does not have.
    """
    data = np.memmap(path, np.uint8, "r")
    try:
        return _parse(data)
    except (struct.error, UnicodeDecodeError, TypeError) as error:
        raise ValueError(f"{path} is not a model of CTranslate2: {error}") from error


def _parse(data: Array) -> dict[str, Array]:
    at = 0

    def take(size: int) -> bytes:
        nonlocal at
        at += size
        return data[at - size : at].tobytes()

    def number(kind: str) -> int:
        (value,) = struct.unpack(f"<{kind}", take(struct.calcsize(f"<{kind}")))
        return int(value)

    def text() -> str:
        return take(number("H")).rstrip(b"\0").decode()

    version = number("I")
    if version != _VERSION:
        raise ValueError(f"the file has version {version} of CTranslate2's format; expected {_VERSION}")
    text(), number("I")  # The name and the revision of the architecture.
    variables: dict[str, Array] = {}
    for _ in range(number("I")):
        name = text()
        shape = [number("I") for _ in range(number("B"))]
        dtype, size = number("B"), number("I")
        if dtype not in _DTYPES:
            raise ValueError(f"{name} has the type {dtype}, which is not one of {sorted(_DTYPES)}")
        variables[name] = data[at : at + size].view(_DTYPES[dtype]).reshape(shape)
        at += size
    return variables
