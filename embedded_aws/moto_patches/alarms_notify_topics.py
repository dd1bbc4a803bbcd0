"""SetAlarmState sends what the alarm's actions say, where the state changes.

AWS: "When the updated state differs from the previous value, the action configured for the appropriate state is
invoked." (CloudWatch API Reference, "SetAlarmState".) A topic gets a message if its policy, and that of its
KMS key, permit CloudWatch.
moto: keeps the new state, and publishes nothing.
"""

import json
import logging
from typing import Any

from embedded_aws.access import keys
from embedded_aws.access.policies import AccessRequest, Principal, Verdict, evaluate
from embedded_aws.moto_replacement import replace

_log = logging.getLogger(__name__)
_CLOUDWATCH = Principal(kind="Service", value="cloudwatch.amazonaws.com")
_SUBJECT_LENGTH = 100
_DEFAULT_POLICY = "__default_statement_ID"  # the account's own alarms may publish under it


def apply() -> None:
    """Publish to the topics of the new state."""
    from moto.cloudwatch.models import CloudWatchBackend

    def set_alarm_state(self: Any, alarm_name: str, reason: str, reason_data: str, state_value: str) -> None:
        before = self.alarms[alarm_name].state_value if alarm_name in self.alarms else None
        set_state(self, alarm_name, reason, reason_data, state_value)
        alarm = self.alarms[alarm_name]
        if alarm.state_value != before and alarm.actions_enabled:
            for target in _actions(alarm):
                _publish(alarm, before, target)

    set_state = replace(CloudWatchBackend, "set_alarm_state", set_alarm_state)


def _actions(alarm: Any) -> list[str]:
    by_state = {
        "ALARM": alarm.alarm_actions,
        "OK": alarm.ok_actions,
        "INSUFFICIENT_DATA": alarm.insufficient_data_actions,
    }
    return [target for target in by_state[alarm.state_value] or [] if target.split(":")[2] == "sns"]


def _publish(alarm: Any, before: str | None, target: str) -> None:
    from moto.sns.models import sns_backends

    _, _, _, region, account, _ = target.split(":")
    topic = sns_backends[account][region].topics.get(target)
    request = AccessRequest(
        action="sns:Publish",
        resource=target,
        principal=_CLOUDWATCH,
        context={
            "aws:SecureTransport": "true",
            "aws:SourceArn": alarm.alarm_arn,
            "aws:SourceAccount": account,
        },
    )
    permitted = topic is not None and (
        _DEFAULT_POLICY in topic.policy or evaluate([topic.policy], request) is Verdict.ALLOW
    )
    may_encrypt = topic is not None and keys.service_may_use(
        topic.kms_master_key_id, region, _CLOUDWATCH.value, {"kms:EncryptionContext:aws:sns:topicArn": target}
    )
    if not permitted or not may_encrypt:
        _log.warning("CloudWatch may not publish %s to %s", alarm.name, target)
        return
    message = {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": account,
        "NewStateValue": alarm.state_value,
        "NewStateReason": alarm.state_reason,
        "StateChangeTime": alarm.state_updated_timestamp.isoformat(),
        "Region": region,
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": before,
    }
    subject = f'{alarm.state_value}: "{alarm.name}" in {region}'[:_SUBJECT_LENGTH]
    sns_backends[account][region].publish(arn=target, message=json.dumps(message), subject=subject)
