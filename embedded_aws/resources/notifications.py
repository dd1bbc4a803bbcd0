"""SNS: topics, their policies and subscriptions."""

import json
from collections.abc import Iterator
from typing import Any

from embedded_aws.resources.base import (
    AutoName,
    Aws,
    Handler,
    Inputs,
    State,
    as_tag_list,
    from_tag_list,
    json_document,
    pages,
    tag_changes,
)

_TOPIC_ATTRIBUTES = {
    "displayName": "DisplayName",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "policy": "Policy",
    "signatureVersion": "SignatureVersion",
    "tracingConfig": "TracingConfig",
}
_SUBSCRIPTION_ATTRIBUTES = {
    "deliveryPolicy": "DeliveryPolicy",
    "filterPolicy": "FilterPolicy",
    "filterPolicyScope": "FilterPolicyScope",
    "rawMessageDelivery": "RawMessageDelivery",
    "redrivePolicy": "RedrivePolicy",
}
_NONE = {
    "DeliveryPolicy": "{}",
    "FilterPolicy": "{}",
    "FilterPolicyScope": "MessageAttributes",
    "RawMessageDelivery": "false",
    "RedrivePolicy": "{}",
}


class Topic(Handler):
    """A standard topic; the id is its ARN."""

    type_name = "aws:sns/topic:Topic"
    resource = "sns.Topic"
    service = "sns"
    carries = frozenset({*_TOPIC_ATTRIBUTES, "name", "tags.*"})
    replaces = frozenset({"name"})
    autoname = AutoName(input="name", max_length=256)

    @classmethod
    def existing(cls, aws: Aws) -> Iterator[str]:
        """Yield all topics."""
        yield from (topic["TopicArn"] for topic in pages(aws, "sns", "list_topics", "Topics"))

    def create(self, inputs: Inputs) -> str:
        """Create the topic with all attributes at once."""
        if "policy" in inputs:
            json_document(inputs["policy"], f"{self.type_name}: policy")
        made = self.aws.client("sns").create_topic(
            Name=inputs["name"],
            Attributes=_given(inputs, _TOPIC_ATTRIBUTES),
            Tags=as_tag_list(inputs["tagsAll"]),
        )
        return str(made["TopicArn"])

    def read(self, id_: str) -> State | None:
        """Return attributes, owner and tags."""
        sns = self.aws.client("sns")
        try:
            attributes = sns.get_topic_attributes(TopicArn=id_)["Attributes"]
        except sns.exceptions.NotFoundException:
            return None
        state: State = {
            "arn": id_,
            "name": id_.rsplit(":", 1)[-1],
            "owner": attributes.get("Owner", self.aws.account_id),
        }
        state |= {name: attributes[key] for name, key in _TOPIC_ATTRIBUTES.items() if attributes.get(key)}
        if "signatureVersion" in state:
            state["signatureVersion"] = int(state["signatureVersion"])
        state["tagsAll"] = from_tag_list(sns.list_tags_for_resource(ResourceArn=id_)["Tags"])
        return state

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Update changed attributes and tags only."""
        sns = self.aws.client("sns")
        for name, attribute in _TOPIC_ATTRIBUTES.items():
            if old.get(name) != new.get(name):
                sns.set_topic_attributes(
                    TopicArn=id_, AttributeName=attribute, AttributeValue=str(new.get(name, ""))
                )
        tags, untag = tag_changes(old, new)
        if tags:
            sns.tag_resource(ResourceArn=id_, Tags=as_tag_list(tags))
        if untag:
            sns.untag_resource(ResourceArn=id_, TagKeys=untag)

    def delete(self, id_: str, state: State) -> None:
        """Delete the topic with its subscriptions."""
        self.aws.client("sns").delete_topic(TopicArn=id_)


class TopicPolicy(Handler):
    """Who may publish to a topic; the id is the topic's ARN."""

    type_name = "aws:sns/topicPolicy:TopicPolicy"
    resource = "sns.TopicPolicy"
    service = "sns"
    removed_with = "aws:sns/topic:Topic"
    carries = frozenset({"arn", "policy"})
    replaces = frozenset({"arn"})

    def create(self, inputs: Inputs) -> str:
        """Set it."""
        self._set(inputs)
        return str(inputs["arn"])

    def read(self, id_: str) -> State | None:
        """Return the policy's text; every topic has one."""
        sns = self.aws.client("sns")
        try:
            attributes = sns.get_topic_attributes(TopicArn=id_)["Attributes"]
        except sns.exceptions.NotFoundException:
            return None
        return {"arn": id_, "policy": attributes["Policy"], "owner": self.aws.account_id}

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Replace it."""
        self._set(new)

    def delete(self, id_: str, state: State) -> None:
        """Restore what AWS gives a new topic: its owner may do everything (as the provider does it)."""
        sns = self.aws.client("sns")
        default = _default_policy(id_, self.aws.account_id)
        try:
            sns.set_topic_attributes(TopicArn=id_, AttributeName="Policy", AttributeValue=default)
        except sns.exceptions.NotFoundException:
            return

    def _set(self, inputs: Inputs) -> None:
        json_document(inputs["policy"], f"{self.type_name}: policy")
        self.aws.client("sns").set_topic_attributes(
            TopicArn=inputs["arn"], AttributeName="Policy", AttributeValue=inputs["policy"]
        )


class TopicSubscription(Handler):
    """One endpoint of a topic; the id is the subscription's ARN."""

    type_name = "aws:sns/topicSubscription:TopicSubscription"
    resource = "sns.TopicSubscription"
    create_first = True
    service = "sns"
    carries = frozenset(
        {
            *_SUBSCRIPTION_ATTRIBUTES,
            "topic",
            "protocol",
            "endpoint",
            "endpointAutoConfirms",
            "confirmationTimeoutInMinutes",
        }
    )
    replaces = frozenset({"topic", "protocol", "endpoint"})

    @classmethod
    def existing(cls, aws: Aws) -> Iterator[str]:
        """Yield all subscriptions."""
        for subscription in pages(aws, "sns", "list_subscriptions", "Subscriptions"):
            yield subscription["SubscriptionArn"]

    def create(self, inputs: Inputs) -> str:
        """Subscribe. An HTTP endpoint must confirm it; an e-mail address counts as confirmed, other than on AWS."""
        made = self.aws.client("sns").subscribe(
            TopicArn=inputs["topic"],
            Protocol=inputs["protocol"],
            Endpoint=inputs["endpoint"],
            Attributes=_given(inputs, _SUBSCRIPTION_ATTRIBUTES),
            ReturnSubscriptionArn=True,
        )
        return str(made["SubscriptionArn"])

    def read(self, id_: str) -> State | None:
        """Return its attributes."""
        sns = self.aws.client("sns")
        try:
            attributes = sns.get_subscription_attributes(SubscriptionArn=id_)["Attributes"]
        except sns.exceptions.NotFoundException:
            return None
        state: State = {
            "arn": id_,
            "topic": attributes["TopicArn"],
            "protocol": attributes["Protocol"],
            "endpoint": attributes["Endpoint"],
            "ownerId": self.aws.account_id,
            "pendingConfirmation": attributes["PendingConfirmation"].lower() == "true",
        }
        for name, key in _SUBSCRIPTION_ATTRIBUTES.items():
            if attributes.get(key) and attributes[key] != "{}":
                state[name] = attributes[key] == "true" if name == "rawMessageDelivery" else attributes[key]
        if "filterPolicy" not in state:
            state.pop("filterPolicyScope", None)
        return state

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Update changed attributes only; what is no longer given gets the value that means none (as the provider)."""
        for name, attribute in sorted(_SUBSCRIPTION_ATTRIBUTES.items(), reverse=True):
            if old.get(name) != new.get(name):
                value = _given(new, {name: attribute}).get(attribute, _NONE[attribute])
                self.aws.client("sns").set_subscription_attributes(
                    SubscriptionArn=id_, AttributeName=attribute, AttributeValue=value
                )

    def delete(self, id_: str, state: State) -> None:
        """Remove the subscription."""
        self.aws.client("sns").unsubscribe(SubscriptionArn=id_)


def _given(inputs: Inputs, names: dict[str, str]) -> dict[str, str]:
    def text(value: Any) -> str:
        return str(value).lower() if isinstance(value, bool) else str(value)

    return {
        attribute: text(inputs[name]) for name, attribute in names.items() if inputs.get(name) is not None
    }


def _default_policy(arn: str, account_id: str) -> str:
    actions = ["Publish", "RemovePermission", "SetTopicAttributes", "DeleteTopic", "ListSubscriptionsByTopic"]
    actions += ["GetTopicAttributes", "AddPermission", "Subscribe"]
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in actions],
        "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": account_id}},
    }
    return json.dumps({"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]})
