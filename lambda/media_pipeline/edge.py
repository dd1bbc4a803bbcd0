"""The distribution in front of the renditions bucket: addresses at it, and making it forget what was removed.

CloudFront keeps what it has fetched until its time is over, whatever happens in the bucket. So whoever removes a
rendition has the distribution forget it before going on: where CloudFront does not take the invalidation, the work is
not done, and the message comes back.
"""

import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol
from urllib.parse import quote

from botocore.exceptions import ClientError

from media_pipeline.errors import TransientError

WILDCARDS = 15
"""Paths with a wildcard that may be in progress at once (CloudFront Developer Guide, "Concurrent invalidation request
maximum"); 3,000 paths without one may be, beside them."""
SINGLE_PATHS = 1000
"""The most paths that one removal sends one by one: of three such removals at once each is still taken."""
_BUSY = frozenset({"TooManyInvalidationsInProgress"})
_SAME_IN_EVERY_SPELLING = re.compile("[A-Za-z0-9._~/-]*")
"""Characters that are never escaped in an address (RFC 3986, 2.3 "Unreserved Characters"), and the slash."""


class CloudFront(Protocol):
    """What is used of the SDK's client of CloudFront."""

    def create_invalidation(self, *, DistributionId: str, InvalidationBatch: Any) -> Any:  # noqa: N803 - the SDK's names
        """Ask CloudFront to forget the objects under some paths."""
        ...


class Edge:
    """A distribution whose only origin is the renditions bucket.

    `cloudfront` gives the client, made when needed; `address` is that of the root, without a trailing slash.
    """

    def __init__(
        self,
        *,
        cloudfront: Callable[[], CloudFront],
        distribution_id: str,
        address: str,
        new_reference: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._cloudfront = cloudfront
        self._distribution_id = distribution_id
        self._address = address
        self._new_reference = new_reference

    def address_of(self, key: str) -> str:
        """Return the address of the rendition with this key."""
        return address_at(self._address, key)

    def forget(self, keys: Iterable[str], *, folder: str | None = None) -> None:
        """Have the distribution forget what it keeps under these keys, which are gone from the bucket.

        With a `folder`, which holds all of them, it forgets whatever it keeps there, also without any key.

        Return once CloudFront has taken the request; it carries it out within a minute or so. Each call is a request
        of its own: CloudFront answers one with a known `CallerReference` without doing anything, and the same keys may
        be published again and taken down again. Raises TransientError where too many requests are in progress.
        """
        removed = sorted(set(keys))
        if not removed and folder is None:
            return
        try:
            self._invalidate(_wildcards(removed) if folder is None else [_covering(folder)])
        except ClientError as error:
            if error.response["Error"]["Code"] not in _BUSY:
                raise
            if folder is not None:
                raise _too_many(f"{folder}/") from error
            self._forget_one_by_one(removed, error)

    def _forget_one_by_one(self, keys: list[str], busy: ClientError) -> None:
        """Name each key, since paths without a wildcard are counted apart. Raises TransientError."""
        if len(keys) <= SINGLE_PATHS and all(map(_SAME_IN_EVERY_SPELLING.fullmatch, keys)):
            try:
                self._invalidate([f"/{key}" for key in keys])
            except ClientError as error:
                if error.response["Error"]["Code"] not in _BUSY:
                    raise
            else:
                return
        raise _too_many(keys[0]) from busy

    def _invalidate(self, paths: list[str]) -> None:
        self._cloudfront().create_invalidation(
            DistributionId=self._distribution_id,
            InvalidationBatch={
                "Paths": {"Quantity": len(paths), "Items": paths},
                "CallerReference": self._new_reference(),
            },
        )


def address_at(address: str, key: str) -> str:
    """Return the address of a rendition at a distribution with this address."""
    return f"{address}/{quote(key, safe='/')}"


def _too_many(what: str) -> TransientError:
    return TransientError(
        f"CloudFront has too many invalidations in progress to forget {what} and what was removed with it; "
        "it is asked again"
    )


def _wildcards(keys: list[str]) -> list[str]:
    """Return paths that cover all keys: of each version one, or of each object key, where that would be too many.

    A key is `{object key}/{version}/{name}`.
    """
    paths = set(map(_covering, _parents(keys)))
    if len(paths) > WILDCARDS:
        paths = set(map(_covering, _parents(_parents(keys))))
    return sorted(paths) if len(paths) <= WILDCARDS else ["/*"]


def _parents(keys: Iterable[str]) -> Iterator[str]:
    return (key.rpartition("/")[0] for key in keys)


def _covering(folder: str) -> str:
    """Return the path that covers all in a folder, however a reader spelled its address.

    The same key can be requested with characters escaped or not, and nothing says that CloudFront takes all spellings
    for one object. So the path ends before the first character that has two of them. Covering more than was removed
    does no harm: the rest is fetched from the bucket again.
    """
    found = _SAME_IN_EVERY_SPELLING.match(folder)
    plain = found.group() if found else ""
    return f"/{plain}/*" if plain == folder else f"/{plain}*"
