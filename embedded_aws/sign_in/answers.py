"""What the sign-in pages answer: pages, redirects, and JSON for scripts."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;background:#eef1f5;color:#16202c;display:grid;place-items:center;"
    "min-height:100vh;margin:0}main{background:#fff;padding:2rem;border-radius:12px;width:20rem;"
    "box-shadow:0 8px 30px #16202c22}h1{font-size:1.2rem;margin:0 0 1rem}label{display:block;margin:.8rem 0 .2rem}"
    "input{box-sizing:border-box;width:100%;padding:.5rem;font:inherit}button{margin-top:1.2rem;width:100%;"
    "padding:.6rem;font:inherit;border:0;border-radius:8px;background:#0b57d0;color:#fff}"
    ".error{color:#b3261e}code{overflow-wrap:anywhere}"
)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Status, headers and body of one answer."""

    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a form; a hidden one has a value."""

    name: str
    label: str = ""
    kind: str = "text"
    value: str = ""


def page(title: str, *fields: Field, error: str = "", note: str = "", button: str = "Continue") -> Answer:
    """Return a page with a form that is sent to its own address; `note` is shown as it is, for copying."""
    inputs = "".join(map(_input, fields))
    told = f'<p class="error" role="alert">{html.escape(error)}</p>' if error else ""
    shown = f'<p>Key: <code id="note">{html.escape(note)}</code></p>' if note else ""
    form = f'<form method="post">{inputs}<button>{html.escape(button)}</button></form>' if fields else ""
    body = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style><main><h1>{html.escape(title)}</h1>{told}{shown}{form}</main></html>"
    )
    status = HTTPStatus.BAD_REQUEST if error and not fields else HTTPStatus.OK
    headers = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
    return Answer(status=status, headers=headers, body=body.encode())


def redirect(address: str, **query: str) -> Answer:
    """Return a redirect to an address with these parameters added."""
    joint = "&" if urlsplit(address).query else "?"
    location = f"{address}{joint}{urlencode(query)}" if query else address
    return Answer(status=HTTPStatus.FOUND, headers={"Location": location, "Cache-Control": "no-store"})


def document(status: HTTPStatus = HTTPStatus.OK, **values: Any) -> Answer:
    """Return JSON that the scripts of any page may read."""
    headers = {
        "Content-Type": "application/json;charset=UTF-8",
        "Cache-Control": "no-store",
        "Access-Control-Allow-Origin": "*",
    }
    return Answer(status=status, headers=headers, body=json.dumps(values).encode())


def _input(field: Field) -> str:
    name, value = html.escape(field.name), html.escape(field.value)
    if field.value:
        return f'<input type="hidden" name="{name}" value="{value}">'
    label = f'<label for="{name}">{html.escape(field.label)}</label>'
    return f'{label}<input id="{name}" name="{name}" type="{field.kind}" required>'
