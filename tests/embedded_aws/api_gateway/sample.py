"""A small API in front of a function that does what it is asked to do."""

import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any

from embedded_aws.world import World

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
SOURCE = """
import base64, json, time

def handler(event, context):
    asked = (event["queryStringParameters"] or {}).get("answer", "echo")
    if asked == "echo":
        return {"statusCode": 200, "body": json.dumps({**event, "body": event["body"] and event["body"][:2000]})}
    if asked == "bytes":
        data = base64.b64encode(bytes(range(256))).decode()
        return {"statusCode": 200, "headers": {"Content-Type": "image/png"}, "body": data, "isBase64Encoded": True}
    if asked == "sleep":
        time.sleep(1.5)
    if asked == "error":
        raise ValueError("an internal matter")
    if asked == "large":
        return {"statusCode": 200, "body": "x" * 6_300_000}
    if asked == "cookies":
        return {"statusCode": 201, "headers": {"X-One": 1}, "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]}}
    if asked == "given":
        return json.loads(event["queryStringParameters"]["this"])
    return {"statusCode": 204}
"""
KEYED: list[dict[str, list[str]]] = [{"api_key": []}]


def zipped(source: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("app.py", source)
    return data.getvalue()


def integration(uri: str, **changed: Any) -> dict[str, Any]:
    return {"type": "aws_proxy", "httpMethod": "POST", "uri": uri, "timeoutInMillis": 29_000, **changed}


def document(uri: str, **changed: Any) -> dict[str, Any]:
    """Return an OpenAPI document with keys, binary bodies, and gateway responses of another shape."""
    problem = {
        "application/json": '{"detail":$context.error.messageString,"request_id":"$context.requestId"}'
    }
    content_type = {"gatewayresponse.header.Content-Type": "'application/problem+json'"}
    retry = {**content_type, "gatewayresponse.header.Retry-After": "'1'"}
    operation = {"security": KEYED, "x-amazon-apigateway-integration": integration(uri)}
    impatient = {"x-amazon-apigateway-integration": integration(uri, timeoutInMillis=300)}
    return {
        "openapi": "3.0.3",
        "info": {"title": "sample", "version": "1"},
        "components": {
            "securitySchemes": {"api_key": {"type": "apiKey", "in": "header", "name": "x-api-key"}}
        },
        "x-amazon-apigateway-binary-media-types": ["*/*"],
        "x-amazon-apigateway-gateway-responses": {
            "DEFAULT_4XX": {"responseParameters": content_type, "responseTemplates": problem},
            "DEFAULT_5XX": {"responseParameters": content_type, "responseTemplates": problem},
            "THROTTLED": {"statusCode": 429, "responseParameters": retry, "responseTemplates": problem},
        },
        "paths": {
            "/v1/things": {"post": operation, "options": {**operation, "security": []}},
            "/v1/things/{id}": {"get": operation},
            "/v1/things/fixed": {"get": operation},
            "/v1/impatient": {"get": impatient},
        },
        **changed,
    }


@dataclass
class SampleApi:
    """One REST API under the stage `dev`, its function, and a key of its plan."""

    world: World
    id: str
    function: str
    uri: str
    key: str
    key_id: str
    plan_id: str

    @property
    def url(self) -> str:
        return f"{self.world.api_endpoint}/dev"

    def deploy(self, **changed: Any) -> None:
        gateway = self.world.client("apigateway")
        self.describe(**changed)
        deployment = gateway.create_deployment(restApiId=self.id)["id"]
        operations = [{"op": "replace", "path": "/deploymentId", "value": deployment}]
        gateway.update_stage(restApiId=self.id, stageName="dev", patchOperations=operations)

    def describe(self, **changed: Any) -> None:
        body = json.dumps(document(self.uri, **changed)).encode()
        self.world.client("apigateway").put_rest_api(restApiId=self.id, mode="overwrite", body=body)

    def limit(self, path: str, value: str) -> None:
        operations = [{"op": "replace", "path": path, "value": value}]
        self.world.client("apigateway").update_usage_plan(
            usagePlanId=self.plan_id, patchOperations=operations
        )

    def another_key(self, *, in_the_plan: bool = True) -> tuple[str, str]:
        gateway = self.world.client("apigateway")
        made = gateway.create_api_key(name="another", enabled=True)
        if in_the_plan:
            gateway.create_usage_plan_key(usagePlanId=self.plan_id, keyId=made["id"], keyType="API_KEY")
        return made["id"], made["value"]


def make_api(world: World, source: str = SOURCE) -> SampleApi:
    role = world.client("iam").create_role(RoleName="api", AssumeRolePolicyDocument=json.dumps(TRUST))[
        "Role"
    ]["Arn"]
    functions, gateway = world.client("lambda"), world.client("apigateway")
    arn = functions.create_function(
        FunctionName="api",
        Runtime="python3.13",
        Handler="app.handler",
        Role=role,
        Timeout=29,
        MemorySize=256,
        Code={"ZipFile": zipped(source)},
    )["FunctionArn"]
    uri = f"arn:aws:apigateway:{world.region}:lambda:path/2015-03-31/functions/{arn}/invocations"
    id_ = gateway.create_rest_api(name="sample")["id"]
    gateway.put_rest_api(restApiId=id_, mode="overwrite", body=json.dumps(document(uri)).encode())
    deployment = gateway.create_deployment(restApiId=id_)["id"]
    gateway.create_stage(restApiId=id_, stageName="dev", deploymentId=deployment)
    functions.add_permission(
        FunctionName="api",
        StatementId="gateway",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:{world.region}:{world.account_id}:{id_}/dev/*/*",
    )
    plan = gateway.create_usage_plan(
        name="plan",
        apiStages=[{"apiId": id_, "stage": "dev"}],
        throttle={"rateLimit": 1000.0, "burstLimit": 1000},
        quota={"limit": 100_000, "period": "DAY"},
    )["id"]
    key = gateway.create_api_key(name="key", enabled=True)
    gateway.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")
    return SampleApi(world, id_, "api", uri, key["value"], key["id"], plan)
