"""The worker's life: hello, load, ready, then calls until the host says stop or is gone."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Protocol

from .batches import BatchRunner
from .calls import CallRunner, failure
from .handlers import BatchHandler, CallHandler, Companion, Context, Info, Plan, StartError, StepHandler
from .process import leave, prepare
from .steps import StepRunner
from .turns import Turn
from .wire import PROTOCOL, Connection, HostGone

AnyHandler = StepHandler | BatchHandler | CallHandler

_PERMANENT = (ImportError, ValueError, TypeError, LookupError, AttributeError, NotImplementedError, ArithmeticError)
"""Exceptions of `load` that the next start would raise again: a wheel that is missing or made for another host, an
option or a file with a wrong value. Others, such as OSError and MemoryError, may pass."""


def is_permanent(error: Exception) -> bool:
    """Whether the next start would raise this exception of `load` again."""
    # A plain Exception is what the tokenizers library raises for a broken file.
    return isinstance(error, _PERMANENT) or type(error) is Exception


class _Runner(Protocol):
    @property
    def busy(self) -> bool: ...

    def call(self, call: int, request: Any, credit: int | None, turn: Turn | None) -> None: ...

    def cancel(self, call: int) -> None: ...

    def credit(self, call: int, amount: int) -> None: ...

    def step(self) -> None: ...


def serve(
    *,
    steps: Mapping[str, StepHandler] | None = None,
    batches: Mapping[str, BatchHandler] | None = None,
    calls: Mapping[str, CallHandler] | None = None,
) -> None:
    """Serves the given handlers, by task, until the host ends. Does not return."""
    steps, batches, calls = steps or {}, batches or {}, calls or {}
    rank = os.environ.get("XIM_WORKER_RANK")
    prepare(os.environ["XIM_WORKER_HOST_PID"], rank)
    try:
        connection = Connection(os.environ["XIM_WORKER_SOCKET"])
        connection.send({"type": "hello", "protocol": PROTOCOL, "rank": int(rank or 0), "pid": os.getpid()})
        plan = _load(connection, [*steps.values(), *batches.values(), *calls.values()], int(rank or 0))
        runners: dict[str, _Runner] = {
            **{task: StepRunner(handler, connection) for task, handler in steps.items()},
            **{task: BatchRunner(handler, connection, plan.batch_tokens) for task, handler in batches.items()},
            **{task: CallRunner(handler, connection, plan.slots) for task, handler in calls.items()},
        }
        tokenizers = [handler for handler in steps.values() if hasattr(handler, "tokenize")]
        _take_calls(connection, runners, tokenizers)
    except HostGone:
        leave(1)
    except BaseException:
        # An engine whose state is in doubt must not go on: the host reads the log and starts a new worker.
        traceback.print_exc(file=sys.stderr)
        leave(70)


def _load(connection: Connection, handlers: list[AnyHandler], rank: int) -> Plan:
    header = _wait_for_load(connection)
    plan = _to_plan(header["plan"])
    context = Context(
        model=header["model"],
        model_path=header["modelPath"],
        options=header["options"],
        plan=plan,
        rank=rank,
        progress=lambda step, fraction: connection.send({"type": "progress", "step": step, "fraction": fraction}),
        wake=connection.wake,
        companions={
            role: Companion(one["model"], one["modelPath"], one["options"])
            for role, one in header.get("companions", {}).items()
        },
    )
    try:
        infos = [handler.load(context) for handler in handlers]
    except HostGone:
        raise
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        permanent = error.permanent if isinstance(error, StartError) else is_permanent(error)
        message = str(error) if isinstance(error, StartError) else f"{type(error).__name__}: {error}"
        connection.send({"type": "failed", "message": message, "permanent": permanent})
        leave(1)
    connection.send({"type": "ready", "info": _to_wire(infos)})
    return plan


def _wait_for_load(connection: Connection) -> dict[str, Any]:
    while True:
        for header, _ in connection.receive(block=True):
            if header["type"] == "load":
                return header
            if header["type"] == "stop":
                leave(0)


def _to_plan(plan: dict[str, Any]) -> Plan:
    return Plan(
        threads=plan["threads"],
        slots=plan["slots"],
        kv_cache_bytes=plan["kvCacheBytes"],
        batch_tokens=plan["batchTokens"],
    )


def _to_wire(infos: list[Info]) -> dict[str, Any]:
    """One description of what may be several handlers: the first one's, completed by what only another knows."""
    merged: dict[str, Any] = {}
    for info in infos:
        for key, value in asdict(info).items():
            if merged.get(key) is None:
                merged[key] = value
    return {_to_camel(key): value for key, value in merged.items() if value is not None}


def _to_camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def _take_calls(connection: Connection, runners: dict[str, _Runner], tokenizers: list[Any]) -> None:
    while True:
        for header, _ in connection.receive(block=not any(runner.busy for runner in runners.values())):
            kind = header["type"]
            if kind == "call":
                _take_call(connection, runners, tokenizers, header)
            elif kind == "cancel":
                # Every runner ignores what it does not know, so nobody keeps a list of who has which call.
                for runner in runners.values():
                    runner.cancel(header["id"])
            elif kind == "credit":
                for runner in runners.values():
                    runner.credit(header["id"], header["bytes"])
            elif kind == "stop":
                leave(0)
        for runner in runners.values():
            if runner.busy:
                runner.step()


def _take_call(
    connection: Connection, runners: dict[str, _Runner], tokenizers: list[Any], header: dict[str, Any]
) -> None:
    call, task, request = header["id"], header["task"], header["input"]
    if task in runners:
        turn = header.get("turn")
        named = None if turn is None else Turn(turn["caller"], turn["request"])
        runners[task].call(call, request, header.get("credit"), named)
        return
    try:
        if task != "tokenize" or not tokenizers:
            raise NotImplementedError(f"this worker has no handler for the task {task}")
        event = tokenizers[0].tokenize(request)
    except Exception as error:
        event = failure(error)
    connection.send_events([(call, event)])
