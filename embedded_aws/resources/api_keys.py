"""API Gateway: keys, and the usage plans that say how much each may do."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from embedded_aws.resources.apis import MANAGED, ApiGatewayHandler, replacing
from embedded_aws.resources.base import AutoName, Aws, Inputs, State, pages


class ApiKey(ApiGatewayHandler):
    """A key; the id is AWS's, and not the key itself."""

    type_name = "aws:apigateway/apiKey:ApiKey"
    resource = "apigateway.ApiKey"
    _settings = ("name", "description", "enabled", "customerId")
    carries = frozenset({*_settings, "value", "tags.*"})
    replaces = frozenset({"value"})
    autoname = AutoName(input="name", max_length=1024, exclusive=False)
    defaults: ClassVar[Mapping[str, Any]] = {"enabled": True, "description": MANAGED}

    @classmethod
    def existing(cls, aws: Aws) -> Iterator[str]:
        """Yield all keys."""
        for key in pages(aws, "apigateway", "get_api_keys", "items"):
            yield f"arn:aws:apigateway:{aws.region}::/apikeys/{key['id']}"

    def create(self, inputs: Inputs) -> str:
        """Create the key; AWS generates the value where none is given."""
        request = {name: inputs[name] for name in (*self._settings, "value") if name in inputs}
        return str(self.gateway.create_api_key(**request, tags=inputs["tagsAll"])["id"])

    def read(self, id_: str) -> State | None:
        """Return the key with its value."""
        shown = self.found("get_api_key", apiKey=id_, includeValue=True)
        if shown is None:
            return None
        state = {name: shown[name] for name in (*self._settings, "value") if shown.get(name) is not None}
        return {
            **state,
            "arn": self.arn(f"apikeys/{id_}"),
            "createdDate": shown["createdDate"].isoformat(),
            "lastUpdatedDate": shown["lastUpdatedDate"].isoformat(),
            "tagsAll": shown.get("tags") or {},
        }

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Update changed settings only; a disabled key is refused from then on."""
        changed = self.changed(old, new)
        settings = {name: new.get(name, "") for name in self._settings if name in changed}
        if settings:
            self.gateway.update_api_key(apiKey=id_, patchOperations=replacing(settings))
        self.retag(f"apikeys/{id_}", old, new)

    def delete(self, id_: str, state: State) -> None:
        """Delete the key, and take it out of its plans."""
        self.found("delete_api_key", apiKey=id_)


class UsagePlan(ApiGatewayHandler):
    """Rate, burst and quota of whoever has a key of the plan; the id is AWS's."""

    type_name = "aws:apigateway/usagePlan:UsagePlan"
    resource = "apigateway.UsagePlan"
    _throttle = ("rateLimit", "burstLimit")
    _quota = ("limit", "period", "offset")
    carries = frozenset(
        {"name", "description", "apiStages.apiId", "apiStages.stage", "tags.*"}
        | {f"throttleSettings.{name}" for name in _throttle}
        | {f"quotaSettings.{name}" for name in _quota}
    )
    autoname = AutoName(input="name", max_length=1024, exclusive=False)
    defaults: ClassVar[Mapping[str, Any]] = {"description": MANAGED}

    @classmethod
    def existing(cls, aws: Aws) -> Iterator[str]:
        """Yield all usage plans."""
        for plan in pages(aws, "apigateway", "get_usage_plans", "items"):
            yield f"arn:aws:apigateway:{aws.region}::/usageplans/{plan['id']}"

    def create(self, inputs: Inputs) -> str:
        """Create the plan with all limits at once."""
        optional = {"apiStages": "apiStages", "throttleSettings": "throttle", "quotaSettings": "quota"}
        made = self.gateway.create_usage_plan(
            name=inputs["name"],
            description=inputs["description"],
            tags=inputs["tagsAll"],
            **{key: inputs[name] for name, key in optional.items() if inputs.get(name)},
        )
        return str(made["id"])

    def read(self, id_: str) -> State | None:
        """Return the plan with its limits and stages."""
        shown = self.found("get_usage_plan", usagePlanId=id_)
        if shown is None:
            return None
        state: State = {
            "name": shown["name"],
            "description": shown.get("description", ""),
            "arn": self.arn(f"usageplans/{id_}"),
            "tagsAll": shown.get("tags") or {},
        }
        if shown.get("apiStages"):
            state["apiStages"] = [
                {"apiId": entry["apiId"], "stage": entry["stage"]} for entry in shown["apiStages"]
            ]
        if shown.get("throttle"):
            state["throttleSettings"] = dict(shown["throttle"])
        if shown.get("quota"):
            state["quotaSettings"] = {
                name: value for name, value in shown["quota"].items() if not (name == "offset" and value == 0)
            }
        return state

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Update changed limits only; what is no longer given is removed."""
        changed = self.changed(old, new)
        operations = replacing(
            {name: new.get(name, "") for name in ("name", "description") if name in changed}
        )
        for name, path in (("throttleSettings", "throttle"), ("quotaSettings", "quota")):
            if name in changed and new.get(name):
                operations += replacing({f"{path}/{key}": value for key, value in new[name].items()})
            elif name in changed:
                operations.append({"op": "remove", "path": f"/{path}"})
        before, after = _stages(old), _stages(new)
        operations += [
            {"op": "remove", "path": "/apiStages", "value": stage} for stage in before if stage not in after
        ]
        operations += [
            {"op": "add", "path": "/apiStages", "value": stage} for stage in after if stage not in before
        ]
        if operations:
            self.gateway.update_usage_plan(usagePlanId=id_, patchOperations=operations)
        self.retag(f"usageplans/{id_}", old, new)

    def delete(self, id_: str, state: State) -> None:
        """Delete the plan after its stages: AWS refuses while stages belong to it."""
        shown = self.found("get_usage_plan", usagePlanId=id_)
        if shown is None:
            return
        operations = [{"op": "remove", "path": "/apiStages", "value": stage} for stage in _stages(shown)]
        if operations:
            self.gateway.update_usage_plan(usagePlanId=id_, patchOperations=operations)
        self.found("delete_usage_plan", usagePlanId=id_)


class UsagePlanKey(ApiGatewayHandler):
    """A key in a plan; the id is `plan/key`."""

    type_name = "aws:apigateway/usagePlanKey:UsagePlanKey"
    resource = "apigateway.UsagePlanKey"
    removed_with = "aws:apigateway/usagePlan:UsagePlan"
    carries = frozenset({"keyId", "keyType", "usagePlanId"})
    replaces = carries

    def create(self, inputs: Inputs) -> str:
        """Add the key to the plan."""
        self.gateway.create_usage_plan_key(**{name: inputs[name] for name in sorted(self.carries)})
        return f"{inputs['usagePlanId']}/{inputs['keyId']}"

    def read(self, id_: str) -> State | None:
        """Return None where the key, the plan, or the key in the plan is gone."""
        plan, _, key = id_.partition("/")
        shown = self.found("get_usage_plan_key", usagePlanId=plan, keyId=key)
        if shown is None:
            return None
        return {
            "usagePlanId": plan,
            "keyId": key,
            "keyType": shown["type"],
            "name": shown.get("name", ""),
            "value": shown["value"],
        }

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Do nothing: every input replaces."""

    def delete(self, id_: str, state: State) -> None:
        """Remove the key from the plan."""
        plan, _, key = id_.partition("/")
        if self.found("get_usage_plan_key", usagePlanId=plan, keyId=key) is not None:
            self.gateway.delete_usage_plan_key(usagePlanId=plan, keyId=key)


def _stages(inputs: Mapping[str, Any]) -> list[str]:
    return [f"{entry['apiId']}:{entry['stage']}" for entry in inputs.get("apiStages") or []]
