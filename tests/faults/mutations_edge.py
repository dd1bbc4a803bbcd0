"""Plausible mistakes with what the edge is asked to forget."""

import contextlib
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError

from media_pipeline import storage
from media_pipeline.edge import Edge
from media_pipeline.removals import remove_objects
from tests.faults.mutations import mutation, swap

Storage = storage.Storage


@mutation
def the_edge_keeps_what_is_removed() -> None:
    swap(Edge, "forget", lambda _: lambda self, keys, **where: None)


@mutation
def the_edge_is_asked_before_the_objects_are_gone() -> None:
    def remove(self: Any, keys: Iterable[str], *, folder: str | None = None) -> None:
        removed = frozenset(keys)
        if self._edge is not None:
            self._edge.forget(removed, folder=folder)
        without = Storage(
            s3=self._s3, buckets=storage.Buckets(self._uploads, self._quarantine, self._renditions)
        )
        real(without, removed)

    real = Storage.remove_renditions
    swap(Storage, "remove_renditions", lambda _: remove)


@mutation
def the_edge_forgets_only_what_was_there_to_remove() -> None:
    """A repeated attempt finds the objects gone, and asks for nothing."""

    def remove(self: Any, keys: Iterable[str], *, folder: str | None = None) -> None:
        removed = frozenset(keys)
        there = {key for key in removed if _is_there(self._s3, self._renditions, key)}
        remove_objects(self._s3, self._renditions, removed, what="renditions")
        if self._edge is not None:
            self._edge.forget(there, folder=folder)

    swap(Storage, "remove_renditions", lambda _: remove)


def _is_there(s3: Any, bucket: str, key: str) -> bool:
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.NOT_FOUND:
            return False
        raise
    return True


@mutation
def what_no_record_lists_is_forgotten_by_the_first_attempt_alone() -> None:
    def forget(self: Any, keys: Iterable[str], *, folder: str | None = None) -> None:
        real(self, keys)

    real = Edge.forget
    swap(Edge, "forget", lambda _: forget)


@mutation
def a_refused_invalidation_goes_unnoticed() -> None:
    def forget(self: Any, keys: Iterable[str], **where: Any) -> None:
        with contextlib.suppress(ClientError):
            real(self, keys, **where)

    real = Edge.forget
    swap(Edge, "forget", lambda _: forget)
