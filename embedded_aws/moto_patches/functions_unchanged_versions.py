"""PublishVersion makes no new version of a function that has not changed since its last one.

AWS: "Lambda doesn't publish a version if the function's configuration and code haven't changed since the last
version." (Lambda API Reference, "PublishVersion".)
moto: publishes a second version of a function that was changed before its first version only.
"""

from typing import Any

from embedded_aws.moto_replacement import replace


def apply() -> None:
    """Take a published function for unchanged."""
    from moto.awslambda.models import LambdaStorage

    def publish_version(self: Any, name_or_arn: str, description: str = "") -> Any:
        published = original(self, name_or_arn, description)
        self.get_function_by_name_or_arn_forbid_qualifier(name_or_arn).code_or_config_updated = False
        return published

    original = replace(LambdaStorage, "publish_version", publish_version)
