"""The outputs of a program that are not known yet, in the form in which the SDK waits for them."""

import asyncio
from collections.abc import Iterator
from typing import Any


class OutstandingOutputs(set["asyncio.Future[Any]"]):
    """A set of futures that yields one future in place of all: it is done when they all are, or one has failed.

    The SDK waits until any output is known, and then for all the others anew (`wait_for_rpcs` in
    pulumi/runtime/stack.py): the time of that grows with the square of their number, and was most of a deployment's.
    It lists the set, clears it, waits for what was listed, and ends once the set is empty.
    """

    _all_known: "asyncio.Future[None] | None" = None

    def add(self, output: "asyncio.Future[Any]", /) -> None:
        """Add an output; one that fails stays in the set, as the SDK wants it."""
        super().add(output)
        output.add_done_callback(self._note_failure)

    def remove(self, output: "asyncio.Future[Any]", /) -> None:
        """Remove an output that is known. Raises KeyError where it is not in the set."""
        super().remove(output)
        self._note_empty()

    def discard(self, output: object, /) -> None:
        """Remove an output that is part of another one, if it is in the set."""
        super().discard(output)
        self._note_empty()

    def clear(self) -> None:
        """Keep all: what is listed stands for them, and each is removed when it is known."""

    def __iter__(self) -> "Iterator[asyncio.Future[Any]]":
        """Yield the future that stands for all of them."""
        if self._all_known is None or self._all_known.done():
            self._all_known = asyncio.get_running_loop().create_future()
            for output in super().__iter__():
                if output.done():
                    self._note_failure(output)
            self._note_empty()
        yield self._all_known

    def _note_empty(self) -> None:
        if not self and self._all_known is not None:
            self._end(lambda ending: ending.set_result(None))

    def _note_failure(self, output: "asyncio.Future[Any]") -> None:
        if output.cancelled():
            self._end(lambda ending: ending.cancel())
        elif (error := output.exception()) is not None:
            self._end(lambda ending: ending.set_exception(error))

    def _end(self, how: Any) -> None:
        ending = self._all_known
        if ending is not None:  # outputs are also made in the threads of the pool
            ending.get_loop().call_soon_threadsafe(lambda: None if ending.done() else how(ending))
