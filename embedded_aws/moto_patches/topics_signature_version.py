"""A topic has a signature version.

AWS: "SignatureVersion" is among a topic's attributes where it was set: 1 is SHA1, 2 is SHA256 (Amazon SNS API
Reference, "GetTopicAttributes").
moto: keeps it, and does not return it.
"""

from typing import Any

from embedded_aws.moto_replacement import replace


def apply() -> None:
    """Return it."""
    from moto.sns.responses import SNSResponse

    def get_topic_attributes(self: Any) -> Any:
        answer = get(self)
        topic = self.backend.get_topic(self._get_param("TopicArn"))
        if version := getattr(topic, "signature_version", ""):
            answer.result["Attributes"]["SignatureVersion"] = version
        return answer

    get = replace(SNSResponse, "get_topic_attributes", get_topic_attributes)
