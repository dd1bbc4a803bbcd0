"""What a request needs to know of the deployed APIs, read from moto in this process."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from embedded_aws.api_gateway.definition import Definition


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A deployed stage. `settings` are those of methods, by path and method such as `*/*`."""

    api_id: str
    name: str
    definition: Definition
    settings: Mapping[str, Mapping[str, Any]]
    variables: Mapping[str, str]

    def throttling(self, resource: str, method: str) -> tuple[float, int] | None:
        """Return rate and burst of all callers of a method together, where the stage limits them."""
        escaped = resource.replace("/", "~1")
        for path in (escaped, escaped.removeprefix("~1"), resource.removeprefix("/"), "*"):
            for verb in (method, "*"):
                found = self.settings.get(f"{path}/{verb}")
                if found is not None and found.get("throttlingRateLimit", -1) >= 0:
                    return float(found["throttlingRateLimit"]), int(found.get("throttlingBurstLimit", 0))
        return None


@dataclass(frozen=True, kw_only=True)
class Key:
    """An enabled key within a usage plan of the stage, and the plan's limits as API Gateway shows them."""

    id: str
    value: str
    plan_id: str
    throttle: Mapping[str, Any]
    quota: Mapping[str, Any]


class Stages:
    """Reads moto's backend of a region."""

    def __init__(self, account_id: str, region: str) -> None:
        self._account_id = account_id
        self._region = region
        self._definitions: dict[str, Definition] = {}
        self._lock = threading.Lock()

    def find(self, name: str) -> Stage | None:
        """Return the stage of that name; of two, while an API is being replaced, the newer one."""
        for api in reversed(list(self._backend.apis.values())):
            stage = api.stages.get(name)
            if stage is not None:
                definition = self._definition(api, stage.deployment_id)
                if definition is not None:
                    settings = {path: dict(entry) for path, entry in stage.method_settings.items()}
                    return Stage(
                        api_id=api.id,
                        name=name,
                        definition=definition,
                        settings=settings,
                        variables=dict(stage.variables or {}),
                    )
        return None

    def key(self, stage: Stage, value: str) -> Key | None:
        """Return the key with that value, if it is enabled and one of its plans is for the stage."""
        backend = self._backend
        key = next((entry for entry in list(backend.keys.values()) if entry.value == value), None)
        if key is None or not key.enabled:
            return None
        for plan in list(backend.usage_plans.values()):
            for_stage = any(
                (entry["apiId"], entry["stage"]) == (stage.api_id, stage.name) for entry in plan.api_stages
            )
            if for_stage and key.id in backend.usage_plan_keys.get(plan.id, {}):
                limits = {"throttle": dict(plan.throttle), "quota": dict(plan.quota)}
                return Key(id=key.id, value=value, plan_id=plan.id, **limits)
        return None

    @property
    def _backend(self) -> Any:
        from moto.apigateway.models import apigateway_backends

        return apigateway_backends[self._account_id][self._region]

    def _definition(self, api: Any, deployment_id: str) -> Definition | None:
        """Return what was deployed, not the API as it is now, which is not live yet."""
        deployment = api.deployments.get(deployment_id)
        if deployment is None or deployment.document is None:
            return None
        with self._lock:
            if deployment_id not in self._definitions:
                self._definitions[deployment_id] = Definition(deployment.document)
            return self._definitions[deployment_id]
