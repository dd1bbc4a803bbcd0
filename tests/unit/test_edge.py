"""What is asked of CloudFront where renditions are removed."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from media_pipeline.edge import WILDCARDS, Edge, address_at
from media_pipeline.errors import TransientError


class FakeCloudFront:
    """Takes invalidations; refuses those with a wildcard, or all, where a test says so."""

    def __init__(self, *, busy: tuple[str, ...] = (), code: str = "TooManyInvalidationsInProgress") -> None:
        self.batches: list[dict[str, Any]] = []
        self._busy = busy
        self._code = code

    def create_invalidation(self, *, DistributionId: str, InvalidationBatch: Any) -> Any:  # noqa: N803
        assert DistributionId == "E1"
        paths = InvalidationBatch["Paths"]["Items"]
        assert InvalidationBatch["Paths"]["Quantity"] == len(paths)
        kind = "wildcards" if any(path.endswith("*") for path in paths) else "files"
        if kind in self._busy:
            raise ClientError({"Error": {"Code": self._code, "Message": "no"}}, "CreateInvalidation")
        self.batches.append(InvalidationBatch)
        return {}

    @property
    def paths(self) -> list[list[str]]:
        return [batch["Paths"]["Items"] for batch in self.batches]


def edge(cloudfront: FakeCloudFront) -> Edge:
    return Edge(cloudfront=lambda: cloudfront, distribution_id="E1", address="https://d1.cloudfront.net")


def test_one_path_covers_all_renditions_of_a_version() -> None:
    cloudfront = FakeCloudFront()
    edge(cloudfront).forget({"a/b.jpg/v1/large-11.webp", "a/b.jpg/v1/small-22.jpg", "a/b.jpg/v2/large-3.jpg"})
    assert cloudfront.paths == [["/a/b.jpg/v1/*", "/a/b.jpg/v2/*"]]


def test_where_nothing_was_removed_nothing_is_asked() -> None:
    def client() -> Any:
        pytest.fail("a client was made")

    Edge(cloudfront=client, distribution_id="E1", address="https://d1").forget([])


def test_a_folder_is_forgotten_whatever_was_removed() -> None:
    cloudfront = FakeCloudFront()
    edge(cloudfront).forget([], folder="a/b.jpg/v1")
    edge(cloudfront).forget(["a/b.jpg/v1/large-1.jpg"], folder="a/b.jpg/v1")
    assert cloudfront.paths == [["/a/b.jpg/v1/*"], ["/a/b.jpg/v1/*"]]
    with pytest.raises(TransientError, match=r"a/b\.jpg/v1/"):
        edge(FakeCloudFront(busy=("wildcards",))).forget([], folder="a/b.jpg/v1")


def test_many_versions_of_a_key_are_one_path_too() -> None:
    cloudfront = FakeCloudFront()
    edge(cloudfront).forget(f"a/b.jpg/v{number}/large-1.jpg" for number in range(WILDCARDS + 1))
    assert cloudfront.paths == [["/a/b.jpg/*"]]


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("photos/über uns.jpg/v1/large-1.jpg", "/photos/*"),
        ("photos/a*b.jpg/v1/large-1.jpg", "/photos/a*"),
        ("100%.jpg/v1/large-1.jpg", "/100*"),
        ("фото.jpg/v1/large-1.jpg", "/*"),
    ],
)
def test_a_key_with_several_spellings_is_covered_before_the_first_of_them(key: str, path: str) -> None:
    cloudfront = FakeCloudFront()
    edge(cloudfront).forget([key])
    assert cloudfront.paths == [[path]]


def test_while_wildcards_are_busy_each_rendition_is_named() -> None:
    cloudfront = FakeCloudFront(busy=("wildcards",))
    edge(cloudfront).forget(["k/v1/b.jpg", "k/v1/a.jpg"])
    assert cloudfront.paths == [["/k/v1/a.jpg", "/k/v1/b.jpg"]]


@pytest.mark.parametrize(
    ("keys", "busy"),
    [(["k/v1/a.jpg"], ("wildcards", "files")), (["ü/v1/a.jpg"], ("wildcards",))],
    ids=["both are busy", "a key that cannot be named in one way"],
)
def test_where_cloudfront_takes_neither_it_is_tried_again(keys: list[str], busy: tuple[str, ...]) -> None:
    with pytest.raises(TransientError, match="too many invalidations"):
        edge(FakeCloudFront(busy=busy)).forget(keys)


def test_another_refusal_is_not_taken_for_a_busy_cloudfront() -> None:
    cloudfront = FakeCloudFront(busy=("wildcards",), code="AccessDenied")
    with pytest.raises(ClientError, match="AccessDenied"):
        edge(cloudfront).forget(["k/v1/a.jpg"])
    assert cloudfront.batches == []


def test_the_same_renditions_removed_again_are_a_request_of_its_own() -> None:
    cloudfront = FakeCloudFront()
    for _ in range(2):
        edge(cloudfront).forget(["k/v1/a.jpg"])
    first, second = (batch["CallerReference"] for batch in cloudfront.batches)
    assert first != second


def test_an_address_is_the_escaped_key_at_the_distribution() -> None:
    assert address_at("https://d1.cloudfront.net", "a/ü b.jpg/v/x.jpg") == (
        "https://d1.cloudfront.net/a/%C3%BC%20b.jpg/v/x.jpg"
    )
