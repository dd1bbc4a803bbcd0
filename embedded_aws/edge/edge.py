"""One edge location: finds the distribution, refuses what it must, and answers from its cache or from the bucket."""

import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, unquote

from embedded_aws.edge import signatures
from embedded_aws.edge.cache import Cache, Invalidation, Kept, seconds_kept
from embedded_aws.edge.distributions import Distribution, UnsupportedError, read_distribution
from embedded_aws.edge.origin import Origin, Response, error
from embedded_aws.isolation import ACCOUNT_ID
from embedded_aws.moto_lock import MOTO_LOCK
from embedded_aws.moto_patches.distributions_invalidations import made_at
from embedded_aws.world import World

_log = logging.getLogger(__name__)
_RANGE = re.compile(r"bytes=(?P<first>\d*)-(?P<last>\d*)")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a reader sends; `path` as it was spelled, with the query, the names of headers in lower case."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)
    client: str = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """A request to one distribution: `path` is the object's, `addresses` are all that it may have been signed as."""

    distribution: Distribution
    path: str
    addresses: tuple[str, ...]
    query: Mapping[str, str]


class Edge:
    """Answers for all distributions of a world; `clock` is that of its cache, in seconds. Thread-safe."""

    def __init__(self, world: World, clock: Callable[[], float]) -> None:
        self._origin = Origin(world)
        self._clock = clock
        self._cache = Cache()
        self._lock = threading.Lock()

    def answer(self, request: Request) -> Response:
        """Return the answer to a request, whose body is left out by who answers HEAD."""
        try:
            asked = _find(request)
        except UnsupportedError as unsupported:
            _log.warning("%s", unsupported)
            return error("NotImplemented", str(unsupported), 501)
        if asked is None or not asked.distribution.enabled:
            return _refused("BadRequest", "No distribution delivers for this host.")
        if request.method not in asked.distribution.methods:
            return _refused(
                "MethodNotAllowed", "This distribution is not configured to allow the HTTP request method."
            )
        if asked.distribution.keys is not None:
            try:
                signatures.verify(
                    signatures.Signed(
                        addresses=asked.addresses,
                        parameters=signatures.parameters_of(asked.query, request.cookies),
                        client=request.client,
                    ),
                    asked.distribution.keys,
                    time.time(),
                )
            except signatures.RefusedError as refusal:
                return _refused(refusal.code, refusal.message)
        return _partly(self._deliver(asked), request.headers)

    def _deliver(self, asked: _Asked) -> Response:
        distribution, path = asked.distribution, asked.path
        with MOTO_LOCK.held():
            finished = _finished(distribution.id)
        now = self._clock()
        with self._lock:
            kept = self._cache.find(distribution.id, path, finished)
        if kept is not None and now < kept.fresh_until:
            age = {"age": str(int(now - kept.asked_at))}
            return _dressed(kept.response, distribution, "Hit", age)
        fetched = self._origin.fetch(distribution, unquote(path[1:]))
        is_same = (
            kept is not None
            and fetched.status == kept.response.status
            and fetched.headers.get("etag") == kept.response.headers.get("etag")
        )
        seconds = seconds_kept(fetched, distribution.lifetimes)
        if seconds > 0:
            with self._lock:
                self._cache.keep(
                    distribution.id,
                    path,
                    Kept(response=fetched, asked_at=now, fresh_until=now + seconds),
                )
        return _dressed(fetched, distribution, "RefreshHit" if is_same else "Miss", {})


def _find(request: Request) -> _Asked | None:
    """Return what is asked of which distribution, which the host names, or the first part of the path."""
    spelled, _, query = request.path.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    left = "&".join(pair for pair in query.split("&") if pair.partition("=")[0] not in signatures.PARAMETERS)
    ending = f"?{left}" if left else ""
    host = request.headers.get("host", "")
    with MOTO_LOCK.held():
        if (found := read_distribution(host)) is not None:
            return _Asked(
                distribution=found,
                path=spelled,
                addresses=(f"https://{host}{spelled}{ending}",),
                query=dict(pairs),
            )
        name, _, rest = spelled.removeprefix("/").partition("/")
        found = read_distribution(name)
    if found is None:
        return None
    return _Asked(
        distribution=found,
        path=f"/{rest}",
        addresses=(f"http://{host}{spelled}{ending}", f"https://{name}/{rest}{ending}"),
        query=dict(pairs),
    )


def _finished(distribution: str) -> tuple[Invalidation, ...]:
    """Return the invalidations of a distribution that are completed. To be called under MOTO_LOCK."""
    from moto.cloudfront.models import cloudfront_backends

    return tuple(
        Invalidation(asked_at=made_at(each), paths=tuple(each.paths))
        for each in cloudfront_backends[ACCOUNT_ID]["aws"].invalidations.get(distribution, ())
        if each.status == "Completed"
    )


def _refused(code: str, message: str) -> Response:
    refusal = error(code, message, 403)
    return replace(refusal, headers={**refusal.headers, "x-cache": "Error from cloudfront"})


def _dressed(
    response: Response, distribution: Distribution, result: str, more: Mapping[str, str]
) -> Response:
    """Add the headers of the distribution's policy, and CloudFront's own."""
    headers = dict(response.headers)
    for added in distribution.headers:
        if added.overrides or added.name.lower() not in headers:
            headers[added.name.lower()] = added.value
    is_error = response.status >= 400
    headers["x-cache"] = f"{'Error' if is_error else result} from cloudfront"
    headers["via"] = f"1.1 {distribution.domain} (CloudFront)"
    return replace(response, headers={**headers, **more})


def _partly(response: Response, wanted: Mapping[str, str]) -> Response:
    """Return the part of an answer that a reader asks for, or that the reader has it already (RFC 9110, 13 and 14)."""
    if response.status != 200:
        return response
    etag = response.headers.get("etag")
    if etag and etag in [each.strip() for each in wanted.get("if-none-match", "").split(",")]:
        return replace(response, status=304, body=b"")
    headers = {**response.headers, "accept-ranges": "bytes"}
    size = len(response.body)
    found = _RANGE.fullmatch(wanted.get("range", ""))
    if found is None or not (found["first"] or found["last"]):
        return replace(response, headers=headers)
    if found["first"]:
        first, last = int(found["first"]), min(int(found["last"] or size), size - 1)
    else:
        first, last = max(0, size - int(found["last"])), size - 1
    if first > last:
        return replace(
            response, status=416, headers={**headers, "content-range": f"bytes */{size}"}, body=b""
        )
    part = {**headers, "content-range": f"bytes {first}-{last}/{size}"}
    return replace(response, status=206, headers=part, body=response.body[first : last + 1])
