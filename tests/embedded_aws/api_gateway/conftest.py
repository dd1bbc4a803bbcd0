"""A world that serves a small API."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3

from embedded_aws.api_gateway.http_front import ApiFront
from embedded_aws.runtime.functions import Functions
from embedded_aws.world import World

from .sample import SampleApi, make_api


@dataclass
class Served:
    """The API as a client sees it."""

    api: SampleApi
    functions: Functions
    front: ApiFront
    http: urllib3.PoolManager

    def ask(self, method: str, path: str, *, key: str | None = "", **more: Any) -> urllib3.BaseHTTPResponse:
        """Send a request with the stage's own key; None: without any."""
        headers = dict(more.pop("headers", {}))
        if key is not None:
            headers["x-api-key"] = key or self.api.key
        url = path if path.startswith("http") else f"{self.api.url}{path}"
        return self.http.request(method, url, headers=headers, retries=False, timeout=30, **more)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    cache: Path = tmp_path_factory.mktemp("functions")
    with (
        World() as world,
        Functions(world, cache=cache) as functions,
        ApiFront(world, functions.invoke) as front,
        urllib3.PoolManager(maxsize=200) as http,
    ):
        yield Served(make_api(world), functions, front, http)
