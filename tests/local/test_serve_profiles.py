"""`make serve PROFILE=...`: what is uploaded ends well in an account that behaves otherwise than the usual one.

A young bucket is served by tests/local/deployed/test_scheduled_reconcile.py, which finds what such a bucket loses.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from components.packaging import PACKAGES_FOR
from local.demo import scenes
from local.serve.__main__ import serve
from tests.local.test_serve import client, exported

PATIENCE = 90.0


@dataclass
class Served:
    """A served stack, by its environment file."""

    variables: dict[str, str]

    def client(self, service: str) -> Any:
        return client(self.variables, service)

    def upload(self, key: str, folder: Path, size: tuple[int, int] = (300, 200)) -> None:
        photo = folder / "photo.jpg"
        scenes.lake(size).save(photo)
        self.client("s3").put_object(
            Bucket=self.variables["UPLOADS_BUCKET"], Key=key, Body=photo.read_bytes()
        )

    def items(self) -> dict[str, Any]:
        """Return the records by their objects' keys."""
        found = self.client("dynamodb").scan(TableName=self.variables["RECORDS_TABLE"])["Items"]
        return {item["object_key"]["S"]: item for item in found}

    def statuses(self) -> dict[str, str]:
        """Return the status of each announced record."""
        return {key: item["status"]["S"] for key, item in self.items().items() if "announced_at" in item}


@contextmanager
def served(
    profile: str, stack: str, out: Path, settings: Mapping[str, Any] | None = None
) -> Iterator[Served]:
    """Serve a stack as `make serve` does, in a thread, until the block ends."""
    asked, codes = threading.Event(), list[int]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PACKAGES_FOR, "host")  # `serve` sets it for the process
        thread = threading.Thread(
            target=lambda: codes.append(serve(stack, out, asked, profile=profile, settings=settings))
        )
        thread.start()
        try:
            wait_until(lambda: (out / "env").exists() or not thread.is_alive())
            yield Served(exported(out / "env"))
        finally:
            asked.set()
            thread.join(PATIENCE)
    assert codes == [0]


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.long
def test_prod_is_deployed_to_a_new_account_and_takes_an_upload(tmp_path: Path) -> None:
    with served("new-account", "prod", tmp_path / "out") as stack:
        largest = max(each["MemorySize"] for each in stack.client("lambda").list_functions()["Functions"])
        assert largest == 3_008, "what a new account allows"
        stack.upload("photo.jpg", tmp_path)
        wait_until(stack.statuses)
        assert stack.statuses() == {"photo.jpg": "PUBLISHED"}


@pytest.mark.long
def test_where_services_throttle_every_upload_ends_well(tmp_path: Path) -> None:
    keys = {f"photo-{number}.jpg" for number in range(3)}
    with served("throttled", "dev", tmp_path / "out") as stack:
        for number, key in enumerate(sorted(keys)):
            stack.upload(key, tmp_path, (300 + number, 200))
        wait_until(lambda: len(stack.statuses()) == len(keys))
        assert stack.statuses() == dict.fromkeys(keys, "PUBLISHED")
