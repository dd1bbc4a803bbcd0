"""The review API and its page, without any assumption about where they run: a request in, a reply out.

Whoever calls it has checked who the person is: on an operator's machine `operations.reviews.server`, in AWS
`media_pipeline.reviews.hosted` behind API Gateway.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Any

from media_pipeline.errors import (
    DecidedError,
    DecisionError,
    ExpiredError,
    ReplacedError,
    TooFewDecisionsError,
    UnknownReviewError,
)
from media_pipeline.records.attention import Attention, attention_of
from media_pipeline.records.decisions import Action
from media_pipeline.records.record import Record
from media_pipeline.reviews.asking import Decisions, changed_since, may_look, require_free
from media_pipeline.reviews.documents import summary, whole
from media_pipeline.reviews.pictures import LINK_SECONDS, Pictures
from media_pipeline.reviews.waiting import PAGE, Waiting, parse_review_id

PAGE_FOLDER = Path(__file__).parent / "page"
STATIC: Mapping[str, tuple[str, str]] = {
    "/": ("console.html", "text/html; charset=utf-8"),
    "/console.js": ("console.js", "text/javascript; charset=utf-8"),
    **{
        f"/{name}.js": (f"{name}.js", "text/javascript; charset=utf-8")
        for name in ("picture", "requests", "sign-in", "thumbhash", "words")
    },
    "/console.css": ("console.css", "text/css; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
DECIDED_HERE = (Action.APPROVE, Action.REJECT, Action.ESCALATE, Action.RELEASE)
BODY_BYTES = 16 * 1024
REPORT_DAYS = 90
UNSAID = "unsaid"  # no ULID
_STATUSES: tuple[tuple[type[DecisionError], HTTPStatus], ...] = (
    (UnknownReviewError, HTTPStatus.NOT_FOUND),
    (DecidedError, HTTPStatus.CONFLICT),
    (ReplacedError, HTTPStatus.PRECONDITION_FAILED),
    (ExpiredError, HTTPStatus.GONE),
    (TooFewDecisionsError, HTTPStatus.CONFLICT),
    (DecisionError, HTTPStatus.BAD_REQUEST),
)
_REVIEW = re.compile(r"/v1/reviews/([A-Za-z0-9_-]{1,4096})(/links|/decision)?")


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request; `query` has the first value of each parameter, `person` is who sent it, checked by the caller."""

    method: str
    path: str
    person: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """The reply to one request."""

    status: HTTPStatus
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class ReviewApi:
    """The page and what it asks for. `stack` is shown on it.

    `report` returns the report about so many days; None where nobody may read all records.
    """

    def __init__(
        self,
        *,
        stack: str,
        waiting: Waiting,
        pictures: Pictures,
        decisions: Decisions,
        report: Callable[[int], Mapping[str, Any]] | None = None,
    ) -> None:
        self._stack = stack
        self._waiting = waiting
        self._pictures = pictures
        self._decisions = decisions
        self._report_of = report

    def page(self, path: str) -> Reply | None:
        """Return a file of the page, which holds nothing of the stack; None for any other path."""
        if path not in STATIC:
            return None
        name, content_type = STATIC[path]
        body = (PAGE_FOLDER / name).read_bytes()
        return Reply(
            status=HTTPStatus.OK, content_type=content_type, body=body, headers=self.security_headers
        )

    @cached_property
    def security_headers(self) -> Mapping[str, str]:
        """Headers of every reply: the page loads nothing but itself and pictures of the quarantine bucket."""
        return {
            "Cache-Control": "no-store",
            "Content-Security-Policy": self.security_policy(),
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }

    def security_policy(self, *others: str) -> str:
        """Return the content security policy; the page's scripts may also ask the origins in `others`."""
        policy = (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            f"img-src 'self' {self._pictures.origin}",
            " ".join(("connect-src 'self'", *others)),
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
        return "; ".join(policy)

    def answer(self, request: Request) -> Reply:
        """Answer one request of the page; errors that a person can act on become a problem document.

        Shape of that: `{"status", "detail"}`, and of a 409 also `{"decided_by", "at", "action"}`. Raises what boto3
        raises.
        """
        try:
            handle = self._route(request)
            return self._json(*handle(request))
        except DecisionError as error:
            status = next(status for kind, status in _STATUSES if isinstance(error, kind))
            more: dict[str, Any] = {}
            if isinstance(error, DecidedError):
                more = {"decided_by": error.by, "at": error.at, "action": error.action}
            return self.problem(status, str(error), **more)

    def problem(self, status: HTTPStatus, detail: str, **more: Any) -> Reply:
        """Return a problem document (RFC 9457)."""
        document = {"title": status.phrase, "status": status.value, "detail": detail, **more}
        return Reply(
            status=status,
            content_type="application/problem+json",
            body=json.dumps(document).encode(),
            headers=self.security_headers,
        )

    def _route(self, request: Request) -> Callable[[Request], tuple[HTTPStatus, Mapping[str, Any]]]:
        routes: dict[tuple[str, str | None], Callable[[Request], tuple[HTTPStatus, Mapping[str, Any]]]] = {
            ("GET", None): self._show,
            ("GET", "/links"): self._links,
            ("POST", "/decision"): self._decide,
        }
        if request.path == "/v1/me" and request.method == "GET":
            return self._me
        if request.path == "/v1/reviews" and request.method == "GET":
            return self._list
        if request.path == "/v1/reviews/report" and request.method == "GET":
            return self._report
        found = _REVIEW.fullmatch(request.path)
        handle = routes.get((request.method, found[2])) if found else None
        if handle is None:
            raise UnknownReviewError("there is nothing here")
        return handle

    def _json(self, status: HTTPStatus, document: Mapping[str, Any]) -> Reply:
        body = json.dumps(document, default=str).encode()
        return Reply(status=status, content_type="application/json", body=body, headers=self.security_headers)

    def _me(self, request: Request) -> tuple[HTTPStatus, Mapping[str, Any]]:
        return HTTPStatus.OK, {"person": request.person, "stack": self._stack}

    def _list(self, request: Request) -> tuple[HTTPStatus, Mapping[str, Any]]:
        limit = request.query.get("limit", str(PAGE))
        if not re.fullmatch("[0-9]{1,4}", limit):
            raise DecisionError("`limit` is a whole number")
        state = request.query.get("state", Attention.REVIEW)
        if state not in list(Attention):
            raise DecisionError(f"`state` is one of {', '.join(Attention)}")
        try:
            page = self._waiting.page(
                Attention(state),
                limit=int(limit),
                label=request.query.get("label") or None,
                cursor=request.query.get("cursor") or None,
            )
        except ValueError as error:
            raise DecisionError(str(error)) from error
        return HTTPStatus.OK, {
            "items": [self._summary(record) for record in page.records if may_look(record, request.person)],
            "cursor": page.cursor,
        }

    def _report(self, request: Request) -> tuple[HTTPStatus, Mapping[str, Any]]:
        if self._report_of is None:
            raise UnknownReviewError("the report is a command: `python -m operations review report`")
        days = request.query.get("days", str(REPORT_DAYS))
        if not re.fullmatch("[1-9][0-9]{0,3}", days):
            raise DecisionError("`days` is a whole number from 1 to 9999")
        return HTTPStatus.OK, self._report_of(int(days))

    def _show(self, request: Request) -> tuple[HTTPStatus, Mapping[str, Any]]:
        record = self._record(request)
        needed = self._decisions.approvals_needed(record)
        document = whole(record, self._waiting.history(record.object_key), needed=needed)
        thumbhash = None if record.is_held else self._pictures.thumbhash(record)
        return HTTPStatus.OK, {**document, "thumbhash": thumbhash}

    def _links(self, request: Request) -> tuple[HTTPStatus, Mapping[str, Any]]:
        record = self._record(request)
        require_free(record)
        links = [picture._asdict() for picture in self._pictures.links(record)]
        return HTTPStatus.OK, {"pictures": links, "seconds": LINK_SECONDS}

    def _decide(self, request: Request) -> tuple[HTTPStatus, Mapping[str, Any]]:
        wish = Wish.parse(request.body)
        record = self._record(request)
        is_blind = attention_of(record) is Attention.SECOND
        if (
            not is_blind
            and wish.decision_seen is not UNSAID
            and wish.decision_seen != (record.decision and record.decision.id)
        ):
            raise changed_since(record)
        asked = self._decisions.ask(
            record,
            wish.action,
            request.person,
            reason=wish.reason,
            note=wish.note,
            seen=wish.seen,
            seconds=wish.seconds,
        )
        return HTTPStatus.ACCEPTED, {
            "decision": asked.decision.to_document(),
            "sent": asked.sent,
            "missing": asked.missing,
        }

    def _summary(self, record: Record) -> Mapping[str, Any]:
        return summary(record, needed=self._decisions.approvals_needed(record))

    def _record(self, request: Request) -> Any:
        found = _REVIEW.fullmatch(request.path)
        return self._waiting.get(*parse_review_id(found[1] if found else ""))


@dataclass(frozen=True, kw_only=True)
class Wish:
    """The body of a decision: `{"action", "reason"?, "note"?, "seen"?, "seconds"?, "decision_seen"?}`."""

    action: Action
    reason: str | None
    note: str | None
    seen: bool | None
    seconds: float | None
    decision_seen: str | None
    """Id of the last decision that the person saw, None where there was none, UNSAID where the body has no word of it.
    """

    @classmethod
    def parse(cls, body: bytes) -> "Wish":
        """Parse a body. Raises DecisionError that says what is wrong with it."""
        try:
            document = json.loads(body) if len(body) <= BODY_BYTES else None
        except (ValueError, RecursionError) as error:
            raise DecisionError("the body is not JSON") from error
        if not isinstance(document, dict):
            raise DecisionError(f"the body must be a JSON object of at most {BODY_BYTES:,} bytes")
        action = document.get("action")
        if action not in DECIDED_HERE:
            raise DecisionError(f"`action` is one of {', '.join(DECIDED_HERE)}")
        seen = document.get("seen")
        if not isinstance(seen, bool | None):
            raise DecisionError("`seen` is true or false")
        seconds = document.get("seconds")
        is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        if seconds is not None and not (is_number and 0 <= seconds < 1e6):
            raise DecisionError("`seconds` is a number from 0 to 1,000,000")
        return cls(
            action=Action(action),
            reason=_text(document, "reason"),
            note=_text(document, "note"),
            seen=seen,
            seconds=seconds,
            decision_seen=_text(document, "decision_seen") if "decision_seen" in document else UNSAID,
        )


def _text(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    if value is not None and not isinstance(value, str):
        raise DecisionError(f"`{name}` is a string")
    return value
