"""What the functions remove from the bucket is not left at the edge either; without the invalidation it would be."""

import itertools
from collections.abc import Iterator

import pytest

from media_pipeline.edge import Edge
from media_pipeline.storage import Buckets, Storage
from tests.fixtures.edge_site import INVALIDATION_SECONDS, Delivery, Site, ask, open_site

BODY = b"what must not be seen any more"
KEYS = ("api/a1/v1/large-11.webp", "holidays/ä b+c.jpg/v1/small-22.jpg")
YEAR = "public, max-age=31536000, immutable"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with open_site() as opened:
        yield opened


def edge_of(delivery: Delivery) -> Edge:
    return Edge(
        cloudfront=lambda: delivery.world.client("cloudfront"),
        distribution_id=delivery.id,
        address=delivery.url,
    )


def spellings(address: str) -> Iterator[str]:
    """Yield an address as the API has it, and as other programs escape the same key."""
    yield address
    yield address.replace("%C3", "%c3").replace("%2B", "+")


def statuses(addresses: list[str]) -> set[int]:
    answers = [ask(address) for address in addresses]
    assert all((answer.status == 200) == (answer.body == BODY) for answer in answers)
    return {answer.status for answer in answers}


@pytest.mark.parametrize(("forgets", "left"), [(True, {403}), (False, {200})])
def test_after_the_invalidation_no_byte_is_left_at_the_edge(
    site: Site, forgets: bool, left: set[int]
) -> None:
    delivery = site.make(lifetimes=(0, 86_400, 86_400))
    edge = edge_of(delivery)
    for key in KEYS:
        delivery.put(key, BODY, CacheControl=YEAR)
    addresses = list(itertools.chain.from_iterable(spellings(edge.address_of(key)) for key in KEYS))
    assert statuses(addresses) == {200}
    storage = Storage(
        s3=site.world.client("s3"),
        buckets=Buckets(uploads="uploads", quarantine="quarantine", renditions=delivery.bucket),
        edge=edge if forgets else None,
    )
    storage.remove_renditions(KEYS)
    assert statuses(addresses) == {200}, "the edge still has what it fetched"
    site.clock.now += INVALIDATION_SECONDS
    assert statuses(addresses) == left
