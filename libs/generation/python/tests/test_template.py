from __future__ import annotations

import re
from typing import Any

import pytest
from xim_generation.chat.template import ChatTemplate
from xim_worker import InvalidInput

MESSAGES = [{"role": "user", "content": "<b>'é'&"}, {"role": "assistant", "content": "x"}]


def render(template: str, longest: int | None = None, **variables: Any) -> str:
    return ChatTemplate(template).render({"messages": MESSAGES, **variables}, longest)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (
            "{% for m in messages %}\n  {% if m.role == 'user' %}\n{{ m.content }}\n  {% endif %}\n{% endfor %}",
            "<b>'é'&\n",
        ),
        ("{{ messages[0] | tojson }}", '{"role": "user", "content": "<b>\'é\'&"}'),
        ("{{ {'b': 1, 'a': [2]} | tojson(indent=1, sort_keys=true) }}", '{\n "a": [\n  2\n ],\n "b": 1\n}'),
        ("{{ {'b': 'é'} | tojson(ensure_ascii=true, separators=(',', ':')) }}", '{"b":"\\u00e9"}'),
        ("{% for m in messages %}{% if loop.index0 == 1 %}{% break %}{% endif %}{{ m.role }}{% endfor %}", "user"),
        ("{% for m in messages %}{% generation %}{{ m.role }},{% endgeneration %}{% endfor %}", "user,assistant,"),
        ("{%- set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}", "2"),
        ("{{ unknown }}|{{ unknown is defined }}|{{ tools is none }}", "|False|True"),
    ],
)
def test_renders_as_transformers_does(template: str, expected: str) -> None:
    assert render(template, tools=None) == expected


def test_knows_the_date() -> None:
    assert re.fullmatch(r"\d\d \w{3} \d{4}", render("{{ strftime_now('%d %b %Y') }}"))


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ raise_exception('No system role') }}", "No system role"),
        ("{{ messages[0].content + 1 }}", "can only concatenate str"),
        ("{{ messages[0].a.b }}", "has no attribute"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ messages.append(1) }}", "is unsafe"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
    ],
)
def test_a_template_that_fails_refuses_the_call(template: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=f"template refuses this conversation: .*{reason}") as refused:
        render(template)
    assert refused.value.param == "prompt.messages"


def test_rendering_ends_soon_after_what_may_fit() -> None:
    assert len(render("{% for i in range(100000) %}abc{% endfor %}", longest=1000)) < 1100


def test_a_text_that_is_no_template_is_refused() -> None:
    with pytest.raises(ValueError, match="not a valid Jinja template"):
        ChatTemplate("{% for %}")
