"""Lambda: functions and layers."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from embedded_aws.resources.archives import ArchiveError, archive_bytes
from embedded_aws.resources.base import (
    AutoName,
    Aws,
    DeploymentRefusedError,
    Handler,
    Inputs,
    State,
    completing,
    pages,
    tag_changes,
)

_CONFIGURATION = {
    "role": "Role",
    "handler": "Handler",
    "runtime": "Runtime",
    "timeout": "Timeout",
    "memorySize": "MemorySize",
    "description": "Description",
    "layers": "Layers",
    "kmsKeyArn": "KMSKeyArn",
}
_NESTED = ("environment", "ephemeralStorage", "deadLetterConfig", "tracingConfig", "loggingConfig")
_LEAST_STORAGE = 512  # MB of /tmp, which every function has
_SETTINGS = frozenset({*_CONFIGURATION, "environment", "ephemeralStorage", "tracingConfig", "loggingConfig"})


class Function(Handler):
    """A function from a zip; the id is its name."""

    type_name = "aws:lambda/function:Function"
    resource = "lambda_.Function"
    service = "lambda"
    carries = frozenset(
        {
            *_CONFIGURATION,
            "name",
            "code",
            "architectures",
            "packageType",
            "publish",
            "reservedConcurrentExecutions",
            "environment.variables.*",
            "ephemeralStorage.size",
            "deadLetterConfig.targetArn",
            "tracingConfig.mode",
            "loggingConfig.logFormat",
            "loggingConfig.logGroup",
            "loggingConfig.applicationLogLevel",
            "loggingConfig.systemLogLevel",
            "tags.*",
        }
    )
    replaces = frozenset({"name", "packageType"})
    autoname = AutoName(input="name", max_length=64)
    defaults: ClassVar[Mapping[str, Any]] = {
        "memorySize": 128,
        "timeout": 3,
        "packageType": "Zip",
        "publish": False,
        "architectures": ["x86_64"],
    }

    @classmethod
    def existing(cls, aws: Aws) -> Iterator[str]:
        """Yield all functions."""
        yield from (entry["FunctionArn"] for entry in pages(aws, "lambda", "list_functions", "Functions"))

    def create(self, inputs: Inputs) -> str:
        """Upload the zip, with all settings."""
        request = {key: inputs[name] for name, key in _CONFIGURATION.items() if name in inputs}
        self.aws.client("lambda").create_function(
            FunctionName=inputs["name"],
            Code={"ZipFile": _code(self, inputs)},
            Architectures=inputs["architectures"],
            PackageType=inputs["packageType"],
            Publish=inputs["publish"],
            Tags=inputs["tagsAll"],
            **request,
            **_nested(inputs),
        )
        if inputs.get("reservedConcurrentExecutions", -1) >= 0:
            with completing(inputs["name"]):
                self._reserve(inputs["name"], inputs["reservedConcurrentExecutions"])
        return str(inputs["name"])

    def read(self, id_: str) -> State | None:
        """Return its configuration in the inputs' names."""
        functions = self.aws.client("lambda")
        try:
            found = functions.get_function(FunctionName=id_)
        except functions.exceptions.ResourceNotFoundException:
            return None
        shown = found["Configuration"]
        arn = shown["FunctionArn"]
        latest = self._latest_version(id_)
        region = self.aws.region
        invoke = f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{arn}/invocations"
        state: State = {
            "name": id_,
            "arn": arn,
            "invokeArn": invoke,
            "qualifiedArn": f"{arn}:{latest}",
            "version": latest,
            "lastModified": shown["LastModified"],
            "codeSha256": shown["CodeSha256"],
            "sourceCodeSize": shown["CodeSize"],
            "tagsAll": found.get("Tags", {}),
            "architectures": shown.get("Architectures", ["x86_64"]),
        }
        state |= {
            name: shown[key] for name, key in _CONFIGURATION.items() if shown.get(key) not in (None, "")
        }
        if "layers" in state:
            state["layers"] = [layer["Arn"] for layer in shown["Layers"]]
        if shown.get("Environment", {}).get("Variables"):
            state["environment"] = {"variables": shown["Environment"]["Variables"]}
        if shown.get("DeadLetterConfig", {}).get("TargetArn"):
            state["deadLetterConfig"] = {"targetArn": shown["DeadLetterConfig"]["TargetArn"]}
        state["ephemeralStorage"] = {"size": shown["EphemeralStorage"]["Size"]}
        if shown.get("TracingConfig"):
            state["tracingConfig"] = {"mode": shown["TracingConfig"]["Mode"]}
        return state

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Update the settings if one of them changed, the code if its bytes did; then publish.

        In the provider's order (terraform-provider-aws, resourceFunctionUpdate): new layers come before the code's new
        architecture, which only the code's update can change.
        """
        functions = self.aws.client("lambda")
        changed = self.changed(old, new)
        if changed & _SETTINGS:
            request = {key: new[name] for name, key in _CONFIGURATION.items() if name in new}
            request.setdefault("Layers", [])
            if "kmsKeyArn" in old:
                request.setdefault("KMSKeyArn", "")
            settings = _nested(new)
            settings.setdefault("Environment", {"Variables": {}})
            settings.setdefault("DeadLetterConfig", {})
            settings.setdefault("EphemeralStorage", {"Size": _LEAST_STORAGE})
            functions.update_function_configuration(FunctionName=id_, **request, **settings)
        if changed & {"code", "architectures"}:
            functions.update_function_code(
                FunctionName=id_,
                ZipFile=_code(self, new),
                Architectures=new["architectures"],
            )
        if new["publish"] and changed & {"code", "architectures", "publish", *_SETTINGS}:
            functions.publish_version(FunctionName=id_)
        if "reservedConcurrentExecutions" in changed:
            self._reserve(id_, new.get("reservedConcurrentExecutions", -1))
        arn = f"arn:aws:lambda:{self.aws.region}:{self.aws.account_id}:function:{id_}"
        retag(functions, arn, old, new)

    def delete(self, id_: str, state: State) -> None:
        """Delete all versions."""
        functions = self.aws.client("lambda")
        try:
            functions.delete_function(FunctionName=id_)
        except functions.exceptions.ResourceNotFoundException:
            return

    def _latest_version(self, name: str) -> str:
        """Return the newest published version, `$LATEST` where none is, as the provider shows it."""
        pages = (
            self.aws.client("lambda").get_paginator("list_versions_by_function").paginate(FunctionName=name)
        )
        numbers = [
            version["Version"]
            for page in pages
            for version in page["Versions"]
            if version["Version"] != "$LATEST"
        ]
        return max(numbers, key=int, default="$LATEST")

    def _reserve(self, name: str, executions: int) -> None:
        functions = self.aws.client("lambda")
        if executions < 0:
            functions.delete_function_concurrency(FunctionName=name)
        else:
            functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=executions)


class LayerVersion(Handler):
    """One immutable version of a layer; the id is its ARN. `skipDestroy` keeps it for older functions."""

    type_name = "aws:lambda/layerVersion:LayerVersion"
    resource = "lambda_.LayerVersion"
    create_first = True
    service = "lambda"
    _settings = ("layerName", "compatibleArchitectures", "compatibleRuntimes", "description", "licenseInfo")
    carries = frozenset({*_settings, "code", "skipDestroy"})
    replaces = frozenset({*_settings, "code"})
    autoname = AutoName(input="layerName", max_length=140, exclusive=False)
    defaults: ClassVar[Mapping[str, Any]] = {"skipDestroy": False}

    @classmethod
    def existing(cls, aws: Aws) -> Iterator[str]:
        """Yield all versions of all layers."""
        for layer in pages(aws, "lambda", "list_layers", "Layers"):
            versions = pages(
                aws, "lambda", "list_layer_versions", "LayerVersions", LayerName=layer["LayerName"]
            )
            yield from (version["LayerVersionArn"] for version in versions)

    def create(self, inputs: Inputs) -> str:
        """Upload the zip."""
        request = {f"{key[0].upper()}{key[1:]}": inputs[key] for key in self._settings if key in inputs}
        made = self.aws.client("lambda").publish_layer_version(
            Content={"ZipFile": _code(self, inputs)}, **request
        )
        return str(made["LayerVersionArn"])

    def read(self, id_: str) -> State | None:
        """Return version, sizes and hashes."""
        functions = self.aws.client("lambda")
        layer_arn, _, version = id_.rpartition(":")
        try:
            found = functions.get_layer_version(LayerName=layer_arn, VersionNumber=int(version))
        except functions.exceptions.ResourceNotFoundException:
            return None
        return {
            "arn": id_,
            "layerArn": layer_arn,
            "layerName": layer_arn.rpartition(":")[2],
            "version": version,
            "codeSha256": found["Content"]["CodeSha256"],
            "sourceCodeSize": found["Content"]["CodeSize"],
            "createdDate": found["CreatedDate"],
        }

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Do nothing: only `skipDestroy` can change, which is kept in the state."""

    def delete(self, id_: str, state: State) -> None:
        """Delete the version, unless `skipDestroy`."""
        if state.get("skipDestroy"):
            return
        layer_arn, _, version = id_.rpartition(":")
        self.aws.client("lambda").delete_layer_version(LayerName=layer_arn, VersionNumber=int(version))


def retag(functions: Any, arn: str, old: Inputs, new: Inputs) -> None:
    """Update the changed tags of a Lambda resource; `functions` is the client."""
    tags, untag = tag_changes(old, new)
    if tags:
        functions.tag_resource(Resource=arn, Tags=tags)
    if untag:
        functions.untag_resource(Resource=arn, TagKeys=untag)


def _code(handler: Handler, inputs: Inputs) -> bytes:
    if "code" not in inputs:
        raise DeploymentRefusedError(
            f"{handler.type_name}: one of filename, image_uri, s3_bucket must be given: code is missing"
        )
    try:
        return archive_bytes(inputs["code"])
    except ArchiveError as error:
        raise DeploymentRefusedError(f"{handler.type_name}: code: {error}") from error


def _nested(inputs: Inputs) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if inputs.get("environment", {}).get("variables"):
        made["Environment"] = {"Variables": inputs["environment"]["variables"]}
    if "ephemeralStorage" in inputs:
        made["EphemeralStorage"] = {"Size": inputs["ephemeralStorage"]["size"]}
    if "deadLetterConfig" in inputs:
        made["DeadLetterConfig"] = {"TargetArn": inputs["deadLetterConfig"]["targetArn"]}
    if "tracingConfig" in inputs:
        made["TracingConfig"] = {"Mode": inputs["tracingConfig"]["mode"]}
    if "loggingConfig" in inputs:
        names = {
            "logFormat": "LogFormat",
            "logGroup": "LogGroup",
            "applicationLogLevel": "ApplicationLogLevel",
            "systemLogLevel": "SystemLogLevel",
        }
        made["LoggingConfig"] = {
            key: inputs["loggingConfig"][name]
            for name, key in names.items()
            if name in inputs["loggingConfig"]
        }
    return made
