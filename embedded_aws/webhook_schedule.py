"""When SNS tries again to deliver to an HTTP endpoint.

After the Amazon SNS Developer Guide, "Creating an HTTP/S delivery policy": retries without delay, with the least delay,
with delays that grow, and with the greatest delay, in this order.
"""

import json
from itertools import chain, repeat
from typing import Any

DEFAULT_POLICY = {
    "minDelayTarget": 20,
    "maxDelayTarget": 20,
    "numRetries": 3,
    "numNoDelayRetries": 0,
    "numMinDelayRetries": 0,
    "numMaxDelayRetries": 0,
    "backoffFunction": "linear",
}
MOST_SECONDS = 3_600  # that all retries together may take


def delays(delivery_policy: str | None) -> tuple[float, ...]:
    """Return the seconds before each retry of a subscription's delivery policy, or of SNS's own.

    How fast delays grow between the least and the greatest is AWS's matter: here they grow evenly, or by the same
    factor where `backoffFunction` is `exponential` or `geometric`.
    """
    policy = {**DEFAULT_POLICY, **_retries(delivery_policy)}
    least, most = float(policy["minDelayTarget"]), float(policy["maxDelayTarget"])
    immediate, short, long = (
        int(policy[f"num{name}Retries"]) for name in ("NoDelay", "MinDelay", "MaxDelay")
    )
    growing = int(policy["numRetries"]) - immediate - short - long
    grows_by_factor = policy["backoffFunction"] in ("exponential", "geometric")
    shares = [(step + 1) / (growing + 1) for step in range(growing)]
    between = [
        least * (most / least) ** share if grows_by_factor else least + (most - least) * share
        for share in shares
    ]
    return tuple(chain(repeat(0.0, immediate), repeat(least, short), between, repeat(most, long)))


def problem(delivery_policy: str) -> str | None:
    """Return what AWS refuses about a subscription's delivery policy; None where it takes it."""
    try:
        policy = {**DEFAULT_POLICY, **_retries(delivery_policy)}
    except (ValueError, AttributeError):
        return "failed to parse JSON"
    retries = int(policy["numRetries"])
    parts = sum(int(policy[f"num{name}Retries"]) for name in ("NoDelay", "MinDelay", "MaxDelay"))
    least, most = policy["minDelayTarget"], policy["maxDelayTarget"]
    if not 0 <= retries <= 100 or parts > retries:
        return "numRetries must be between 0 and 100, and at least the sum of its parts"
    if not 1 <= least <= most <= MOST_SECONDS:
        return f"delays must be between 1 and {MOST_SECONDS} seconds, the least not above the greatest"
    if sum(delays(delivery_policy)) > MOST_SECONDS:
        return f"the retries must not take more than {MOST_SECONDS} seconds"
    return None


def content_type(delivery_policy: str | None) -> str:
    """Return the content type of what is posted; SNS's own is text/plain."""
    document = json.loads(delivery_policy) if delivery_policy else {}
    given = document.get("requestPolicy", {}).get("headerContentType")
    return str(given) if given else "text/plain; charset=UTF-8"


def _retries(delivery_policy: str | None) -> dict[str, Any]:
    document = json.loads(delivery_policy) if delivery_policy else {}
    given: dict[str, Any] = document.get("healthyRetryPolicy") or {}
    return given
