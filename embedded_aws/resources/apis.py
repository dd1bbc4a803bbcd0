"""API Gateway: REST APIs from an OpenAPI document, their deployments, stages and the settings of methods."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from embedded_aws.resources.base import (
    AutoName,
    Aws,
    DeploymentRefusedError,
    Handler,
    Inputs,
    State,
    completing,
    pages,
    policy_text,
    tag_changes,
)

_ABSENT = ("NotFoundException", "404")
MANAGED = "Managed by Pulumi"  # what the provider writes where no description is given


class ApiGatewayHandler(Handler):
    """What the resources of API Gateway have in common."""

    service = "apigateway"

    @property
    def gateway(self) -> Any:
        """Return the client."""
        return self.aws.client("apigateway")

    def arn(self, path: str) -> str:
        """Return the ARN for tags: API Gateway's have no account."""
        return f"arn:aws:apigateway:{self.aws.region}::/{path}"

    def found(self, operation: str, **names: Any) -> dict[str, Any] | None:
        """Return what a call returns; None where the resource is gone."""
        try:
            answer: dict[str, Any] = getattr(self.gateway, operation)(**names)
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return None
            raise
        return answer

    def retag(self, path: str, old: Inputs, new: Inputs) -> None:
        """Update changed tags only."""
        tags, untag = tag_changes(old, new)
        if tags:
            self.gateway.tag_resource(resourceArn=self.arn(path), tags=tags)
        if untag:
            self.gateway.untag_resource(resourceArn=self.arn(path), tagKeys=untag)


def replacing(changed: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return patch operations that set values; API Gateway takes every value as text."""
    return [
        {"op": "replace", "path": f"/{path}", "value": value if isinstance(value, str) else json.dumps(value)}
        for path, value in changed.items()
    ]


class RestApi(ApiGatewayHandler):
    """An API with all its routes; the id is AWS's. The document is not shown again, as with the real provider."""

    type_name = "aws:apigateway/restApi:RestApi"
    resource = "apigateway.RestApi"
    _plain = ("name", "description", "apiKeySource", "binaryMediaTypes", "minimumCompressionSize", "policy")
    carries = frozenset({*_plain, "body", "endpointConfiguration.types", "failOnWarnings", "tags.*"})
    replaces = frozenset({"minimumCompressionSize", "policy"})  # as updates they are not carried out here
    autoname = AutoName(input="name", max_length=1024, exclusive=False)

    @classmethod
    def existing(cls, aws: Aws) -> Iterator[str]:
        """Yield all REST APIs."""
        for api in pages(aws, "apigateway", "get_rest_apis", "items"):
            yield f"arn:aws:apigateway:{aws.region}::/restapis/{api['id']}"

    def create(self, inputs: Inputs) -> str:
        """Create the API, then import its document: explicit settings override the document."""
        request = {name: inputs[name] for name in self._plain if name in inputs}
        if "policy" in request:
            request["policy"] = policy_text(request["policy"], f"{self.type_name}: policy")
        if "endpointConfiguration" in inputs:
            request["endpointConfiguration"] = {"types": [inputs["endpointConfiguration"]["types"]]}
        id_ = str(self.gateway.create_rest_api(**request, tags=inputs["tagsAll"])["id"])
        with completing(id_):
            self._import(id_, inputs)
        return id_

    def read(self, id_: str) -> State | None:
        """Return settings and ARNs."""
        shown = self.found("get_rest_api", restApiId=id_)
        if shown is None:
            return None
        state: State = {
            "name": shown["name"],
            "arn": self.arn(f"restapis/{id_}"),
            "executionArn": f"arn:aws:execute-api:{self.aws.region}:{self.aws.account_id}:{id_}",
            "rootResourceId": shown["rootResourceId"],
            "createdDate": shown["createdDate"].isoformat(),
            "apiKeySource": shown["apiKeySource"],
            "binaryMediaTypes": shown.get("binaryMediaTypes", []),
            "endpointConfiguration": {"types": shown["endpointConfiguration"]["types"][0]},
            "tagsAll": shown.get("tags", {}),
        }
        if shown.get("description"):
            state["description"] = shown["description"]
        return state

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Import the document as a whole: routes that it no longer has are gone with the next deployment."""
        changed = self.changed(old, new)
        settings: dict[str, Any] = {
            name: new.get(name, "") for name in ("name", "description") if name in changed
        }
        if "apiKeySource" in changed:
            settings["apiKeySource"] = new.get("apiKeySource", "HEADER")
        if "endpointConfiguration" in changed:
            types = new.get("endpointConfiguration", {}).get("types", "EDGE")
            settings["endpointConfiguration/types/0"] = types
        if settings:
            self.gateway.update_rest_api(restApiId=id_, patchOperations=replacing(settings))
        if changed & {"body", "binaryMediaTypes"}:
            self._import(id_, new)
        self.retag(f"restapis/{id_}", old, new)

    def delete(self, id_: str, state: State) -> None:
        """Delete the API with everything in it."""
        self.found("delete_rest_api", restApiId=id_)

    def _import(self, id_: str, inputs: Inputs) -> None:
        if "body" in inputs:
            self.gateway.put_rest_api(
                restApiId=id_,
                mode="overwrite",
                failOnWarnings=inputs.get("failOnWarnings", False),
                body=inputs["body"].encode(),
            )
        if inputs.get("binaryMediaTypes"):
            shown = self.gateway.get_rest_api(restApiId=id_).get("binaryMediaTypes", [])
            pointers = {kind: "/binaryMediaTypes/" + kind.replace("/", "~1") for kind in shown}
            remove = [{"op": "remove", "path": pointer} for pointer in pointers.values()]
            add = [
                {"op": "add", "path": "/binaryMediaTypes/" + kind.replace("/", "~1")}
                for kind in inputs["binaryMediaTypes"]
            ]
            self.gateway.update_rest_api(restApiId=id_, patchOperations=[*remove, *add])


class Deployment(ApiGatewayHandler):
    """A snapshot of an API's routes; the id is AWS's."""

    type_name = "aws:apigateway/deployment:Deployment"
    resource = "apigateway.Deployment"
    create_first = True
    removed_with = "aws:apigateway/restApi:RestApi"
    carries = frozenset({"restApi", "description", "triggers.*"})
    replaces = frozenset({"restApi", "triggers"})

    def create(self, inputs: Inputs) -> str:
        """Deploy the API as it is now."""
        made = self.gateway.create_deployment(
            restApiId=inputs["restApi"], description=inputs.get("description", "")
        )
        return str(made["id"])

    def read(self, id_: str) -> State | None:
        """Look through all APIs: a deployment's id does not name its API."""
        for api in self.gateway.get_rest_apis(limit=500)["items"]:
            for deployment in self.gateway.get_deployments(restApiId=api["id"], limit=500)["items"]:
                if deployment["id"] == id_:
                    state = {"restApi": api["id"], "createdDate": deployment["createdDate"].isoformat()}
                    if deployment.get("description"):
                        state["description"] = deployment["description"]
                    return state
        return None

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Update the description, the only thing that can change."""
        self.gateway.update_deployment(
            restApiId=new["restApi"],
            deploymentId=id_,
            patchOperations=replacing({"description": new.get("description", "")}),
        )

    def delete(self, id_: str, state: State) -> None:
        """Delete the deployment; AWS refuses while a stage uses it."""
        self.found("delete_deployment", restApiId=state["restApi"], deploymentId=id_)


class Stage(ApiGatewayHandler):
    """A deployment under a name, with an address; the id is made as the provider makes it."""

    type_name = "aws:apigateway/stage:Stage"
    resource = "apigateway.Stage"
    removed_with = "aws:apigateway/restApi:RestApi"
    carries = frozenset(
        {
            "restApi",
            "deployment",
            "stageName",
            "description",
            "variables.*",
            "xrayTracingEnabled",
            "accessLogSettings.destinationArn",
            "accessLogSettings.format",
            "tags.*",
        }
    )
    replaces = frozenset({"restApi", "stageName"})

    def create(self, inputs: Inputs) -> str:
        """Create the stage, then set its access logs, as the API requires."""
        optional = {"description": "description", "variables": "variables"}
        self.gateway.create_stage(
            restApiId=inputs["restApi"],
            stageName=inputs["stageName"],
            deploymentId=inputs["deployment"],
            tracingEnabled=inputs.get("xrayTracingEnabled", False),
            tags=inputs["tagsAll"],
            **{key: inputs[name] for name, key in optional.items() if name in inputs},
        )
        id_ = f"ags-{inputs['restApi']}-{inputs['stageName']}"
        if "accessLogSettings" in inputs:
            with completing(id_):
                self._patch(inputs, replacing(_access_logs(inputs)))
        return id_

    def read(self, id_: str) -> State | None:
        """Return the stage with the address at which it is called."""
        _, api, name = id_.split("-", 2)
        shown = self.found("get_stage", restApiId=api, stageName=name)
        if shown is None:
            return None
        region, account = self.aws.region, self.aws.account_id
        public = f"https://{api}.execute-api.{region}.amazonaws.com"
        state: State = {
            "restApi": api,
            "stageName": name,
            "deployment": shown["deploymentId"],
            "arn": self.arn(f"restapis/{api}/stages/{name}"),
            "executionArn": f"arn:aws:execute-api:{region}:{account}:{api}/{name}",
            "invokeUrl": f"{self.aws.api_endpoint or public}/{name}",
            "xrayTracingEnabled": shown.get("tracingEnabled", False),
            "tagsAll": shown.get("tags", {}),
        }
        if shown.get("description"):
            state["description"] = shown["description"]
        if shown.get("variables"):
            state["variables"] = shown["variables"]
        if shown.get("accessLogSettings"):
            state["accessLogSettings"] = dict(shown["accessLogSettings"])
        return state

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Update the stage: another deployment puts changed routes live."""
        changed = self.changed(old, new)
        names = {
            "deployment": "deploymentId",
            "description": "description",
            "xrayTracingEnabled": "tracingEnabled",
        }
        empty: dict[str, Any] = {"description": "", "xrayTracingEnabled": False}
        operations = replacing(
            {path: new.get(name, empty.get(name)) for name, path in names.items() if name in changed}
        )
        before, after = old.get("variables", {}), new.get("variables", {})
        operations += replacing({f"variables/{key}": value for key, value in after.items()})
        operations += [{"op": "remove", "path": f"/variables/{key}"} for key in before if key not in after]
        if "accessLogSettings" in changed and "accessLogSettings" in new:
            operations += replacing(_access_logs(new))
        elif "accessLogSettings" in changed:
            operations.append({"op": "remove", "path": "/accessLogSettings"})
        if operations:
            self._patch(new, operations)
        self.retag(f"restapis/{new['restApi']}/stages/{new['stageName']}", old, new)

    def delete(self, id_: str, state: State) -> None:
        """Delete the stage; its address is gone at once."""
        _, api, name = id_.split("-", 2)
        self.found("delete_stage", restApiId=api, stageName=name)

    def _patch(self, inputs: Inputs, operations: list[dict[str, str]]) -> None:
        names = {"restApiId": inputs["restApi"], "stageName": inputs["stageName"]}
        self.gateway.update_stage(**names, patchOperations=operations)


class MethodSettings(ApiGatewayHandler):
    """Throttling of a stage's methods; the id is `API/stage/method path`. Logs and caches are not carried out."""

    type_name = "aws:apigateway/methodSettings:MethodSettings"
    resource = "apigateway.MethodSettings"
    removed_with = "aws:apigateway/stage:Stage"
    _paths: ClassVar[Mapping[str, str]] = {
        "throttlingRateLimit": "throttling/rateLimit",
        "throttlingBurstLimit": "throttling/burstLimit",
        "metricsEnabled": "metrics/enabled",
    }
    carries = frozenset({"restApi", "stageName", "methodPath", *(f"settings.{name}" for name in _paths)})
    replaces = frozenset({"restApi", "stageName", "methodPath"})

    def create(self, inputs: Inputs) -> str:
        """Set all settings that are given."""
        self._set(inputs)
        return f"{inputs['restApi']}/{inputs['stageName']}/{inputs['methodPath']}"

    def read(self, id_: str) -> State | None:
        """Return None where the stage has no settings of its own for that path."""
        api, stage, path = id_.split("/", 2)
        shown = self.found("get_stage", restApiId=api, stageName=stage)
        settings = (shown or {}).get("methodSettings", {}).get(path)
        if settings is None:
            return None
        return {
            "restApi": api,
            "stageName": stage,
            "methodPath": path,
            "settings": {
                name: settings[name] for name in self._paths if settings.get(name) not in (None, False)
            },
        }

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Set all settings again, so that AWS's defaults replace those no longer given."""
        self.delete(id_, {})
        self._set(new)

    def delete(self, id_: str, state: State) -> None:
        """Remove the settings, if the stage is still there."""
        api, stage, path = id_.split("/", 2)
        operation = {"op": "remove", "path": f"/{path}"}
        self.found("update_stage", restApiId=api, stageName=stage, patchOperations=[operation])

    def _set(self, inputs: Inputs) -> None:
        prefix, given = inputs["methodPath"], inputs["settings"]
        values = {f"{prefix}/{path}": given[name] for name, path in self._paths.items() if name in given}
        self.gateway.update_stage(
            restApiId=inputs["restApi"], stageName=inputs["stageName"], patchOperations=replacing(values)
        )


class Account(ApiGatewayHandler):
    """The account's one set of settings, which is looked up, and belongs to no stack."""

    type_name = "aws:apigateway/account:Account"
    resource = "apigateway.Account"
    of_the_account = True
    carries = frozenset({"cloudwatchRoleArn"})

    def create(self, inputs: Inputs) -> str:
        """Refuse: destroying the stack would take the role from all others."""
        raise DeploymentRefusedError(
            f"{self.type_name}: the account's settings are not a stack's to make: look them up with `get`"
        )

    def read(self, id_: str) -> State | None:
        """Return throttling, and the role that lets API Gateway write logs, if any."""
        shown = self.gateway.get_account()
        throttle = shown["throttleSettings"]
        return {
            "cloudwatchRoleArn": shown.get("cloudwatchRoleArn") or "",
            "apiKeyVersion": shown["apiKeyVersion"],
            "features": shown.get("features") or [],
            "throttleSettings": [
                {"burstLimit": throttle["burstLimit"], "rateLimit": throttle["rateLimit"]},
            ],
        }

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Refuse, as `create` does."""
        self.create(new)

    def delete(self, id_: str, state: State) -> None:
        """Do nothing: it was there before."""


def _access_logs(inputs: Inputs) -> dict[str, str]:
    settings = inputs["accessLogSettings"]
    return {f"accessLogSettings/{name}": settings[name] for name in ("destinationArn", "format")}
