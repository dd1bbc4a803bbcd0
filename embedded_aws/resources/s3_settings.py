"""What the SDK keeps apart from an S3 bucket: one resource per setting; each id is the bucket's name."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from embedded_aws.resources.base import Handler, Inputs, State, capitalised, policy_text

_ABSENT = {
    "NoSuchBucket",
    "NoSuchBucketPolicy",
    "NoSuchCORSConfiguration",
    "NoSuchLifecycleConfiguration",
    "NoSuchPublicAccessBlockConfiguration",
    "ObjectLockConfigurationNotFoundError",
    "OwnershipControlsNotFoundError",
    "ServerSideEncryptionConfigurationNotFoundError",
}


class BucketSetting(Handler):
    """Put, get and delete of one setting; updating is putting again."""

    service = "s3"
    removed_with = "aws:s3/bucket:Bucket"
    replaces = frozenset({"bucket"})

    def create(self, inputs: Inputs) -> str:
        """Put it."""
        self.put(inputs)
        return str(inputs["bucket"])

    def read(self, id_: str) -> State | None:
        """Return None where the setting, or the bucket, is not there."""
        try:
            found = self.get(id_)
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return None
            raise
        return None if found is None else {"bucket": id_, **found}

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Put it again as a whole, as AWS wants it."""
        self.put(new)

    def delete(self, id_: str, state: State) -> None:
        """Remove the setting; one that is gone already, with or without its bucket, is not an error."""
        try:
            self.remove(id_)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _ABSENT:
                raise

    @property
    def s3(self) -> Any:
        """Return the client."""
        return self.aws.client("s3")

    @abstractmethod
    def put(self, inputs: Inputs) -> None:
        """Apply the setting."""

    @abstractmethod
    def get(self, bucket: str) -> State | None:
        """Return the setting in the SDK's names."""

    @abstractmethod
    def remove(self, bucket: str) -> None:
        """Remove the setting from the bucket."""


class BucketVersioning(BucketSetting):
    """Versions; cannot be undone on AWS, only suspended."""

    type_name = "aws:s3/bucketVersioning:BucketVersioning"
    resource = "s3.BucketVersioning"
    carries = frozenset({"bucket", "versioningConfiguration.status"})

    def put(self, inputs: Inputs) -> None:
        """Enable or suspend versioning; `Disabled` means never enabled and needs no call."""
        status = inputs["versioningConfiguration"]["status"]
        if status != "Disabled":
            self.s3.put_bucket_versioning(Bucket=inputs["bucket"], VersioningConfiguration={"Status": status})

    def get(self, bucket: str) -> State | None:
        """Return the status."""
        status = self.s3.get_bucket_versioning(Bucket=bucket).get("Status", "Disabled")
        return {"versioningConfiguration": {"status": status}}

    def remove(self, bucket: str) -> None:
        """Suspend versioning, as the provider does it."""
        self.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})


class BucketPublicAccessBlock(BucketSetting):
    """The four switches."""

    type_name = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
    resource = "s3.BucketPublicAccessBlock"
    _switches = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    carries = frozenset({"bucket", *_switches})
    defaults: ClassVar[Mapping[str, Any]] = dict.fromkeys(_switches, False)

    def put(self, inputs: Inputs) -> None:
        """Put or return all four."""
        self.s3.put_public_access_block(
            Bucket=inputs["bucket"],
            PublicAccessBlockConfiguration=capitalised({name: inputs[name] for name in self._switches}),
        )

    def get(self, bucket: str) -> State | None:
        """Put or return all four."""
        found = self.s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
        return {name: found[f"{name[0].upper()}{name[1:]}"] for name in self._switches}

    def remove(self, bucket: str) -> None:
        """Remove."""
        self.s3.delete_public_access_block(Bucket=bucket)


class BucketOwnershipControls(BucketSetting):
    """Who owns what others upload."""

    type_name = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
    resource = "s3.BucketOwnershipControls"
    carries = frozenset({"bucket", "rule.objectOwnership"})

    def put(self, inputs: Inputs) -> None:
        """Put or return the one rule."""
        rule = {"ObjectOwnership": inputs["rule"]["objectOwnership"]}
        self.s3.put_bucket_ownership_controls(Bucket=inputs["bucket"], OwnershipControls={"Rules": [rule]})

    def get(self, bucket: str) -> State | None:
        """Put or return the one rule."""
        rules = self.s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
        return {"rule": {"objectOwnership": rules[0]["ObjectOwnership"]}}

    def remove(self, bucket: str) -> None:
        """Remove."""
        self.s3.delete_bucket_ownership_controls(Bucket=bucket)


class BucketServerSideEncryptionConfiguration(BucketSetting):
    """Default encryption."""

    type_name = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    resource = "s3.BucketServerSideEncryptionConfiguration"
    carries = frozenset(
        {
            "bucket",
            "rules.applyServerSideEncryptionByDefault.sseAlgorithm",
            "rules.applyServerSideEncryptionByDefault.kmsMasterKeyId",
            "rules.bucketKeyEnabled",
        }
    )

    def put(self, inputs: Inputs) -> None:
        """Put or return all rules."""
        rules = []
        for rule in inputs["rules"]:
            default = rule.get("applyServerSideEncryptionByDefault", {})
            made = {"SSEAlgorithm": default["sseAlgorithm"]}
            if "kmsMasterKeyId" in default:
                made["KMSMasterKeyID"] = default["kmsMasterKeyId"]
            rules.append(
                {
                    "ApplyServerSideEncryptionByDefault": made,
                    "BucketKeyEnabled": rule.get("bucketKeyEnabled", False),
                }
            )
        self.s3.put_bucket_encryption(
            Bucket=inputs["bucket"], ServerSideEncryptionConfiguration={"Rules": rules}
        )

    def get(self, bucket: str) -> State | None:
        """Put or return all rules."""
        found = self.s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
        rules = []
        for rule in found:
            default = rule["ApplyServerSideEncryptionByDefault"]
            made = {"sseAlgorithm": default["SSEAlgorithm"]}
            if default.get("KMSMasterKeyID"):
                made["kmsMasterKeyId"] = default["KMSMasterKeyID"]
            shown: State = {"applyServerSideEncryptionByDefault": made}
            if rule.get("BucketKeyEnabled"):
                shown["bucketKeyEnabled"] = True
            rules.append(shown)
        return {"rules": rules}

    def remove(self, bucket: str) -> None:
        """Restore AWS's default."""
        self.s3.delete_bucket_encryption(Bucket=bucket)


class BucketLifecycleConfiguration(BucketSetting):
    """What is deleted when."""

    type_name = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
    resource = "s3.BucketLifecycleConfiguration"
    carries = frozenset(
        {
            "bucket",
            "rules.id",
            "rules.status",
            "rules.filter.prefix",
            "rules.filter.tag.key",
            "rules.filter.tag.value",
            "rules.abortIncompleteMultipartUpload.daysAfterInitiation",
            "rules.expiration.days",
            "rules.expiration.expiredObjectDeleteMarker",
            "rules.noncurrentVersionExpiration.noncurrentDays",
            "rules.noncurrentVersionExpiration.newerNoncurrentVersions",
        }
    )

    def put(self, inputs: Inputs) -> None:
        """Put all rules; one without a filter is for every object."""
        rules = []
        for rule in inputs["rules"]:
            made = {key: value for key, value in capitalised(rule).items() if key not in ("Id", "Filter")}
            made |= {"ID": rule["id"], "Filter": capitalised(rule.get("filter") or {"prefix": ""})}
            rules.append(made)
        self.s3.put_bucket_lifecycle_configuration(
            Bucket=inputs["bucket"], LifecycleConfiguration={"Rules": rules}
        )

    def get(self, bucket: str) -> State | None:
        """Put or return all rules."""
        rules = []
        for found in self.s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]:
            made = {key: value for key, value in uncapitalised(found).items() if key not in ("iD", "prefix")}
            made["id"] = found["ID"]
            chosen = found.get("Filter", {})
            tag = uncapitalised(chosen["Tag"]) if "Tag" in chosen else None
            made["filter"] = {"tag": tag} if tag else {"prefix": chosen.get("Prefix", "")}
            rules.append(made)
        return {"rules": rules}

    def remove(self, bucket: str) -> None:
        """Remove all rules."""
        self.s3.delete_bucket_lifecycle(Bucket=bucket)


class BucketPolicy(BucketSetting):
    """Who may do what with the bucket, and who may not."""

    type_name = "aws:s3/bucketPolicy:BucketPolicy"
    resource = "s3.BucketPolicy"
    carries = frozenset({"bucket", "policy", "policy.*"})

    def put(self, inputs: Inputs) -> None:
        """Put the whole document."""
        policy = policy_text(inputs["policy"], f"{self.type_name}: policy")
        self.s3.put_bucket_policy(Bucket=inputs["bucket"], Policy=policy)

    def get(self, bucket: str) -> State | None:
        """Return its text."""
        return {"policy": self.s3.get_bucket_policy(Bucket=bucket)["Policy"]}

    def remove(self, bucket: str) -> None:
        """Remove."""
        self.s3.delete_bucket_policy(Bucket=bucket)


class BucketNotification(BucketSetting):
    """Which events go where; one per bucket. S3 sends each destination a test event."""

    type_name = "aws:s3/bucketNotification:BucketNotification"
    resource = "s3.BucketNotification"
    _targets: ClassVar[dict[str, tuple[str, str]]] = {
        "queues": ("queueArn", "QueueConfigurations"),
        "topics": ("topicArn", "TopicConfigurations"),
        "lambdaFunctions": ("lambdaFunctionArn", "LambdaFunctionConfigurations"),
    }
    carries = frozenset(
        {"bucket"}
        | {f"{kind}.{key}" for kind in _targets for key in ("events", "filterPrefix", "filterSuffix", "id")}
        | {f"{kind}.{arn}" for kind, (arn, _) in _targets.items()}
    )

    def put(self, inputs: Inputs) -> None:
        """Put all destinations at once; ids are generated where they are left out."""
        configuration: dict[str, Any] = {}
        for kind, (arn, api_name) in self._targets.items():
            made = [self._to_api(entry, arn, index) for index, entry in enumerate(inputs.get(kind, []))]
            if made:
                configuration[api_name] = made
        self.s3.put_bucket_notification_configuration(
            Bucket=inputs["bucket"], NotificationConfiguration=configuration
        )

    def get(self, bucket: str) -> State | None:
        """Return all destinations; None where there are none."""
        found = self.s3.get_bucket_notification_configuration(Bucket=bucket)
        state: State = {}
        for kind, (arn, api_name) in self._targets.items():
            entries = [self._from_api(entry, arn) for entry in found.get(api_name, [])]
            if entries:
                state[kind] = entries
        return state or None

    def remove(self, bucket: str) -> None:
        """Put an empty configuration."""
        self.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})

    @staticmethod
    def _to_api(entry: Inputs, arn: str, index: int) -> dict[str, Any]:
        made: dict[str, Any] = {
            "Id": entry.get("id", f"pulumi-{arn.removesuffix('Arn')}-{index}"),
            f"{arn[0].upper()}{arn[1:]}": entry[arn],
            "Events": entry["events"],
        }
        rules = [
            {"Name": name, "Value": entry[key]}
            for name, key in (("prefix", "filterPrefix"), ("suffix", "filterSuffix"))
            if entry.get(key)
        ]
        if rules:
            made["Filter"] = {"Key": {"FilterRules": rules}}
        return made

    @staticmethod
    def _from_api(entry: Mapping[str, Any], arn: str) -> dict[str, Any]:
        made = {
            "id": entry["Id"],
            arn: entry[f"{arn[0].upper()}{arn[1:]}"],
            "events": sorted(entry["Events"]),
        }
        for rule in entry.get("Filter", {}).get("Key", {}).get("FilterRules", []):
            made[f"filter{rule['Name'].capitalize()}"] = rule["Value"]
        return made


class BucketLogging(BucketSetting):
    """Where access logs go."""

    type_name = "aws:s3/bucketLogging:BucketLogging"
    resource = "s3.BucketLogging"
    carries = frozenset(
        {
            "bucket",
            "targetBucket",
            "targetPrefix",
            "targetObjectKeyFormat.partitionedPrefix.partitionDateSource",
            "targetObjectKeyFormat.simplePrefix",
        }
    )

    def put(self, inputs: Inputs) -> None:
        """Put target and prefix; moto does not keep the key format, which only names log objects."""
        enabled = {"TargetBucket": inputs["targetBucket"], "TargetPrefix": inputs["targetPrefix"]}
        self.s3.put_bucket_logging(Bucket=inputs["bucket"], BucketLoggingStatus={"LoggingEnabled": enabled})

    def get(self, bucket: str) -> State | None:
        """Return None where nothing is logged."""
        found = self.s3.get_bucket_logging(Bucket=bucket).get("LoggingEnabled")
        if not found:
            return None
        return {"targetBucket": found["TargetBucket"], "targetPrefix": found["TargetPrefix"]}

    def remove(self, bucket: str) -> None:
        """Log nothing."""
        self.s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})


def uncapitalised(value: Any) -> Any:
    """Return the inverse of `capitalised`."""
    if isinstance(value, Mapping):
        return {f"{key[0].lower()}{key[1:]}": uncapitalised(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [uncapitalised(inner) for inner in value]
    return value
