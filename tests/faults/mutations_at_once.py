"""Plausible mistakes with calls that are made at once, added to all the others."""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from media_pipeline.concurrency import Overlap
from media_pipeline.processing import publishing, verdicts
from media_pipeline.processing.judging import EarlyJudging
from media_pipeline.records.record import Status
from tests.faults.mutations import mutation, swap


def _putting(
    self: Any, attempt: Any, record: Any, results: Any, there: Collection[str]
) -> Iterator[Callable[[], None]]:
    facts = self._labels(record, Status.PUBLISHED)
    for entry, rendition in zip(record.renditions, results.renditions, strict=True):
        if entry["key"] in there:
            continue

        def put(key: str = entry["key"], rendition: Any = rendition) -> None:
            with rendition.opened() as body:
                self._storage.put_rendition(key, body, content_type=rendition.content_type, facts=facts)

        attempt.put_keys.add(entry["key"])
        yield put


@mutation
def renditions_are_put_while_the_verdict_is_stored() -> None:
    def store(self: Any, attempt: Any, results: Any, early: Any) -> Any:
        for rendition in results.renditions:
            listed = verdicts.listed_rendition(rendition, attempt.event)

            def put(key: str = listed["key"], data: Any = rendition) -> None:
                with data.opened() as body:
                    self._storage.put_rendition(key, body, content_type="image/jpeg", facts={"a": "b"})

            attempt.overlap.start(put)
        return real(self, attempt, results, early)

    real = verdicts.Verdicts.store
    swap(verdicts.Verdicts, "store", lambda _: store)


@mutation
def the_last_put_ends_after_the_commit() -> None:
    def publish(self: Any, attempt: Any, record: Any, results: Any, *, there: Collection[str] = ()) -> None:
        started = [attempt.overlap.start(put) for put in _putting(self, attempt, record, results, there)]
        for one in started[:-1]:
            attempt.overlap.join([one])
            one.result()

    swap(publishing.Publishing, "publish", lambda _: publish)


@mutation
def a_put_that_fails_is_not_noticed() -> None:
    def publish(self: Any, attempt: Any, record: Any, results: Any, *, there: Collection[str] = ()) -> None:
        puts = _putting(self, attempt, record, results, there)
        attempt.overlap.join([attempt.overlap.start(put) for put in puts])

    swap(publishing.Publishing, "publish", lambda _: publish)


@mutation
def a_failure_does_not_wait_for_the_calls_under_way() -> None:
    def together(self: Any, calls: Iterable[Callable[[], Any]], limit: int) -> Iterator[Any]:
        running = [self.start(call) for call in calls]
        while running:
            self._wait_for_one(running)
            for ended in [call for call in running if call.done()]:
                running.remove(ended)
                yield ended.result()

    swap(Overlap, "_together", lambda _: together)
    swap(Overlap, "__exit__", lambda _: lambda self, *details: None)


@mutation
def a_request_in_the_background_is_left_behind() -> None:
    swap(EarlyJudging, "__exit__", lambda _: lambda self, *details: None)
    swap(Overlap, "__exit__", lambda _: lambda self, *details: None)
