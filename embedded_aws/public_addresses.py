"""Addresses that AWS gives to what is deployed, and where the embedded AWS serves the same on loopback.

A program writes addresses of AWS's into settings, such as the host of a REST API, of a sign-in page, or of a
distribution. What the embedded AWS serves itself is reached at the local address instead.
"""

from __future__ import annotations

import re
from typing import Protocol

from embedded_aws.moto_state import find_distribution

_API = re.compile(r"https://[a-z0-9]+\.execute-api\.[a-z0-9-]+\.amazonaws\.com(?=/|$)")
_SIGN_IN = re.compile(r"https://(?P<domain>[a-z0-9-]+)\.auth\.[a-z0-9-]+\.amazoncognito\.com(?=/|$)")
_HOST = re.compile(r"https://(?P<host>[a-z0-9.-]+)(?=/|$)")


class Served(Protocol):
    """Where APIs, sign-in pages and distributions are served; None where nobody serves them. `World` is one."""

    api_endpoint: str | None
    sign_in_endpoint: str | None
    edge_endpoint: str | None


def local_address(address: str, served: Served) -> str:
    """Return the local address of a REST API, a sign-in page, or a distribution; any other text unchanged."""
    if served.api_endpoint and (found := _API.match(address)):
        return served.api_endpoint + address[found.end() :]
    if served.sign_in_endpoint and (found := _SIGN_IN.match(address)):
        return f"{served.sign_in_endpoint}/{found['domain']}{address[found.end() :]}"
    if served.edge_endpoint and (found := _HOST.match(address)) and find_distribution(found["host"]):
        return f"{served.edge_endpoint}/{found['host']}{address[found.end() :]}"
    return address
