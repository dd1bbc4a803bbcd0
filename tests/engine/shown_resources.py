"""What AWS shows of the resources of the in-process deployer, and of those of the real engine, comparably."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from embedded_aws.resources import HANDLERS
from embedded_aws.resources.base import Aws
from tests.engine.operator_session import OperatorSession
from tests.fixtures.deployed_stack import deployed_stack

# AWS generates these anew for each resource, or they are times.
_OF_THE_MOMENT = frozenset(
    [
        "createDate",
        "createdDate",
        "lastModified",
        "lastUpdatedDate",
        "policyId",
        "rootResourceId",
        "uniqueId",
        "uuid",
    ]
)

Placed = tuple[str, str, str]  # URN, type, id


def shown_in_process(stack: str) -> dict[str, dict[str, Any]]:
    """Return what AWS shows of each resource that the in-process deployer creates, by its URN."""
    with deployed_stack(stack) as deployed:
        resources = deployed.deployment.resources
        return _shown(deployed.world, [(made.urn, made.type, made.id) for made in resources])


def shown_of_engine(session: OperatorSession) -> dict[str, dict[str, Any]]:
    """Return what AWS shows of each resource in the engine's state, by its URN."""
    # It also has resources that were only looked up; the stack did not create those.
    made_here = [made for made in session.state() if not made.get("external")]
    return _shown(session.aws, [(made["urn"], made["type"], made.get("id", "")) for made in made_here])


def _shown(aws: Aws, placed: Iterable[Placed]) -> dict[str, dict[str, Any]]:
    """Return what AWS shows of each resource (URN -> properties), with logical names instead of the physical ones."""
    states: dict[str, dict[str, Any]] = {}
    physical: dict[str, str] = {}
    for urn, type_name, id_ in placed:
        if type_name not in HANDLERS:
            continue
        handler = HANDLERS[type_name](aws)
        shown = handler.read(id_)
        assert shown is not None, urn
        states[urn] = shown
        # A bucket's settings share its id: use the first URN, whatever the order.
        physical[id_] = min(f"<id of {urn}>", physical.get(id_, "~"))
        if handler.autoname is not None:
            physical[shown[handler.autoname.input]] = f"<name of {urn}>"
        if key := shown.get("value"):
            physical[key] = f"<value of {urn}>"
        if arn := shown.get("arn"):
            physical[arn] = f"<ARN of {urn}>"
    names = sorted(physical, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, names)))

    def logical(value: Any) -> Any:
        if isinstance(value, str):
            return re.sub(
                r"http://127\.0\.0\.1:\d+", "<endpoint>", pattern.sub(lambda found: physical[found[0]], value)
            )
        if isinstance(value, Mapping):
            return {key: logical(inner) for key, inner in value.items() if key not in _OF_THE_MOMENT}
        if isinstance(value, list):
            return [logical(inner) for inner in value]
        return value

    return {urn: logical(state) for urn, state in states.items()}
