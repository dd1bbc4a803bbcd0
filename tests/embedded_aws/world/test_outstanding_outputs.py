"""The outputs that the SDK waits for: together, and no longer than until one of them has failed."""

import asyncio
from typing import Any

import pytest

from embedded_aws.deployment.outstanding_outputs import OutstandingOutputs


def waiting(outstanding: OutstandingOutputs) -> "list[asyncio.Future[Any]]":
    """Return what the SDK waits for: it lists the set and clears it."""
    listed = list(outstanding)
    outstanding.clear()
    return listed


def futures(count: int) -> "tuple[OutstandingOutputs, list[asyncio.Future[Any]]]":
    outstanding, loop = OutstandingOutputs(), asyncio.get_running_loop()
    made = [loop.create_future() for _ in range(count)]
    for future in made:
        outstanding.add(future)
    return outstanding, made


async def know(outstanding: OutstandingOutputs, future: "asyncio.Future[Any]") -> None:
    future.set_result(1)
    outstanding.remove(future)
    await asyncio.sleep(0)


def test_one_future_stands_for_all_and_is_done_when_they_all_are() -> None:
    async def check() -> None:
        outstanding, made = futures(1_000)
        (listed,) = waiting(outstanding)
        for future in made:
            assert not listed.done()
            await know(outstanding, future)
        await asyncio.wait_for(listed, 1)
        assert len(outstanding) == 0

    asyncio.run(check())


def test_what_is_added_while_the_others_are_awaited_is_awaited_too() -> None:
    async def check() -> None:
        outstanding, (first,) = futures(1)
        (listed,) = waiting(outstanding)
        late = asyncio.get_running_loop().create_future()
        outstanding.add(late)
        await know(outstanding, first)
        assert not listed.done()
        outstanding.discard(late)
        await asyncio.wait_for(listed, 1)

    asyncio.run(check())


@pytest.mark.parametrize("is_listed_first", [True, False])
def test_a_failure_ends_the_wait_at_once(is_listed_first: bool) -> None:
    async def check() -> None:
        outstanding, (failing, _other) = futures(2)
        listed = waiting(outstanding) if is_listed_first else []
        failing.set_exception(ValueError("refused"))
        await asyncio.sleep(0)
        (gate,) = listed or waiting(outstanding)
        with pytest.raises(ValueError, match="refused"):
            await asyncio.wait_for(gate, 1)
        assert failing in outstanding

    asyncio.run(check())


def test_a_cancelled_output_ends_the_wait_as_cancelled() -> None:
    async def check() -> None:
        outstanding, (cancelled,) = futures(1)
        (listed,) = waiting(outstanding)
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(asyncio.shield(listed), 1)

    asyncio.run(check())
