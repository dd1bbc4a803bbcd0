"""Pages of configured origins may use the API and its forms; other pages may not."""

import pytest

from tests.api_end_to_end.served_stack import ORIGIN, Response, ServedStack, photo

OTHER = "https://evil.example.com"
IMAGE = f"/v1/images/{'a' * 32}"
ROUTES = (("/v1/images/upload", "POST"), ("/v1/uploads", "POST"), (IMAGE, "GET"), (IMAGE, "DELETE"))


def preflight(stack: ServedStack, path: str, origin: str, method: str) -> Response:
    return stack.request(
        "OPTIONS",
        path,
        key=None,
        Origin=origin,
        Access_Control_Request_Method=method,
        Access_Control_Request_Headers="x-api-key",
    )


@pytest.mark.parametrize(("path", "method"), ROUTES, ids=["upload", "form", "status", "withdrawal"])
def test_a_preflight_request_needs_no_key(stack: ServedStack, path: str, method: str) -> None:
    asked = preflight(stack, path, ORIGIN, method)
    assert asked.status == 204
    assert asked.headers["access-control-allow-origin"] == ORIGIN
    assert method in asked.headers["access-control-allow-methods"]
    assert "x-api-key" in asked.headers["access-control-allow-headers"].lower()
    other = preflight(stack, path, OTHER, method)
    assert other.headers.get("access-control-allow-origin") != OTHER


def test_a_page_can_read_successful_and_refused_responses(stack: ServedStack) -> None:
    path = f"/v1/images/{'a' * 32}"
    for status, key in ((404, ""), (403, None)):
        response = stack.request("GET", path, key=key, Origin=ORIGIN)
        assert (response.status, response.headers["access-control-allow-origin"]) == (status, ORIGIN)
    assert stack.request("GET", path, Origin=OTHER).headers.get("access-control-allow-origin") != OTHER


def test_a_page_may_post_a_form_to_the_bucket(stack: ServedStack) -> None:
    url = stack.form(photo())["url"]
    asked = preflight(stack, url, ORIGIN, "POST")
    assert (asked.status, asked.headers["access-control-allow-origin"]) == (200, ORIGIN)
    assert preflight(stack, url, OTHER, "POST").status == 403
