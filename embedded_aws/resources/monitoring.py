"""CloudWatch: log groups, alarms, dashboards."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from embedded_aws.resources.base import (
    AutoName,
    Aws,
    Handler,
    Inputs,
    State,
    as_tag_list,
    capitalised,
    completing,
    from_tag_list,
    json_document,
    pages,
    tag_changes,
)


class LogGroup(Handler):
    """A log group; the id is its name."""

    type_name = "aws:cloudwatch/logGroup:LogGroup"
    resource = "cloudwatch.LogGroup"
    service = "logs"
    carries = frozenset({"name", "retentionInDays", "logGroupClass", "kmsKeyId", "skipDestroy", "tags.*"})
    replaces = frozenset({"name", "logGroupClass"})
    autoname = AutoName(input="name", max_length=512)
    defaults: ClassVar[Mapping[str, Any]] = {"retentionInDays": 0, "skipDestroy": False}

    @classmethod
    def existing(cls, aws: Aws) -> Iterator[str]:
        """Yield all log groups."""
        for group in pages(aws, "logs", "describe_log_groups", "logGroups"):
            yield group["arn"].removesuffix(":*")

    def create(self, inputs: Inputs) -> str:
        """Create the group with its retention; 0 days: it never expires."""
        logs = self.aws.client("logs")
        request = {name: inputs[name] for name in ("logGroupClass", "kmsKeyId") if name in inputs}
        tags = {"tags": inputs["tagsAll"]} if inputs["tagsAll"] else {}
        logs.create_log_group(logGroupName=inputs["name"], **tags, **request)
        with completing(inputs["name"]):
            self._retain(inputs)
        return str(inputs["name"])

    def read(self, id_: str) -> State | None:
        """Return or update retention and tags."""
        logs = self.aws.client("logs")
        groups = logs.describe_log_groups(logGroupNamePrefix=id_)["logGroups"]
        found = next((group for group in groups if group["logGroupName"] == id_), None)
        if found is None:
            return None
        arn = found["arn"].removesuffix(":*")
        key = {"kmsKeyId": found["kmsKeyId"]} if found.get("kmsKeyId") else {}
        return {
            **key,
            "name": id_,
            "arn": arn,
            "retentionInDays": found.get("retentionInDays", 0),
            "tagsAll": logs.list_tags_for_resource(resourceArn=arn)["tags"],
        }

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Return or update retention and tags."""
        logs = self.aws.client("logs")
        if old["retentionInDays"] != new["retentionInDays"]:
            self._retain(new)
        if new.get("kmsKeyId") and old.get("kmsKeyId") != new["kmsKeyId"]:
            logs.associate_kms_key(logGroupName=id_, kmsKeyId=new["kmsKeyId"])
        elif old.get("kmsKeyId") and not new.get("kmsKeyId"):
            logs.disassociate_kms_key(logGroupName=id_)
        arn = f"arn:aws:logs:{self.aws.region}:{self.aws.account_id}:log-group:{id_}"
        tags, untag = tag_changes(old, new)
        if tags:
            logs.tag_resource(resourceArn=arn, tags=tags)
        if untag:
            logs.untag_resource(resourceArn=arn, tagKeys=untag)

    def delete(self, id_: str, state: State) -> None:
        """Delete the group with all its streams."""
        logs = self.aws.client("logs")
        try:
            logs.delete_log_group(logGroupName=id_)
        except logs.exceptions.ResourceNotFoundException:
            return

    def _retain(self, inputs: Inputs) -> None:
        logs = self.aws.client("logs")
        if inputs["retentionInDays"]:
            logs.put_retention_policy(logGroupName=inputs["name"], retentionInDays=inputs["retentionInDays"])
        else:
            logs.delete_retention_policy(logGroupName=inputs["name"])


_ALARM_INPUTS = {
    "actionsEnabled": "ActionsEnabled",
    "alarmActions": "AlarmActions",
    "alarmDescription": "AlarmDescription",
    "comparisonOperator": "ComparisonOperator",
    "datapointsToAlarm": "DatapointsToAlarm",
    "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
    "evaluationPeriods": "EvaluationPeriods",
    "extendedStatistic": "ExtendedStatistic",
    "insufficientDataActions": "InsufficientDataActions",
    "metricName": "MetricName",
    "namespace": "Namespace",
    "okActions": "OKActions",
    "period": "Period",
    "statistic": "Statistic",
    "threshold": "Threshold",
    "treatMissingData": "TreatMissingData",
    "unit": "Unit",
}


class MetricAlarm(Handler):
    """An alarm on one metric or on a metric expression; the id is its name. `World.evaluate_alarms` evaluates them."""

    type_name = "aws:cloudwatch/metricAlarm:MetricAlarm"
    resource = "cloudwatch.MetricAlarm"
    service = "cloudwatch"
    carries = frozenset(
        {
            *_ALARM_INPUTS,
            "name",
            "dimensions.*",
            "metricQueries.id",
            "metricQueries.expression",
            "metricQueries.label",
            "metricQueries.returnData",
            "metricQueries.period",
            "metricQueries.metric.metricName",
            "metricQueries.metric.namespace",
            "metricQueries.metric.period",
            "metricQueries.metric.stat",
            "metricQueries.metric.unit",
            "metricQueries.metric.dimensions.*",
            "tags.*",
        }
    )
    replaces = frozenset({"name"})
    autoname = AutoName(input="name", max_length=255)
    defaults: ClassVar[Mapping[str, Any]] = {"actionsEnabled": True, "treatMissingData": "missing"}

    @classmethod
    def existing(cls, aws: Aws) -> Iterator[str]:
        """Yield all alarms."""
        for alarm in pages(aws, "cloudwatch", "describe_alarms", "MetricAlarms"):
            yield alarm["AlarmArn"]

    def create(self, inputs: Inputs) -> str:
        """Put it."""
        self.aws.client("cloudwatch").put_metric_alarm(**_alarm(inputs), Tags=as_tag_list(inputs["tagsAll"]))
        return str(inputs["name"])

    def read(self, id_: str) -> State | None:
        """Return its settings as the inputs name them, and tags."""
        cloudwatch = self.aws.client("cloudwatch")
        found = cloudwatch.describe_alarms(AlarmNames=[id_])["MetricAlarms"]
        if not found:
            return None
        alarm = found[0]
        state: State = {"name": id_, "arn": alarm["AlarmArn"]}
        state |= {name: alarm[key] for name, key in _ALARM_INPUTS.items() if alarm.get(key) not in (None, [])}
        if alarm.get("Dimensions"):
            state["dimensions"] = {entry["Name"]: entry["Value"] for entry in alarm["Dimensions"]}
        state["tagsAll"] = from_tag_list(
            cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
        )
        return state

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Put it again as a whole; tags on their own."""
        cloudwatch = self.aws.client("cloudwatch")
        cloudwatch.put_metric_alarm(**_alarm(new))
        arn = f"arn:aws:cloudwatch:{self.aws.region}:{self.aws.account_id}:alarm:{id_}"
        tags, untag = tag_changes(old, new)
        if tags:
            cloudwatch.tag_resource(ResourceARN=arn, Tags=as_tag_list(tags))
        if untag:
            cloudwatch.untag_resource(ResourceARN=arn, TagKeys=untag)

    def delete(self, id_: str, state: State) -> None:
        """Delete it; one that is gone is not an error on AWS either."""
        self.aws.client("cloudwatch").delete_alarms(AlarmNames=[id_])


class Dashboard(Handler):
    """A dashboard; the id is its name."""

    type_name = "aws:cloudwatch/dashboard:Dashboard"
    resource = "cloudwatch.Dashboard"
    service = "cloudwatch"
    carries = frozenset({"dashboardName", "dashboardBody"})
    replaces = frozenset({"dashboardName"})
    autoname = AutoName(input="dashboardName", max_length=255)

    @classmethod
    def existing(cls, aws: Aws) -> Iterator[str]:
        """Yield all dashboards."""
        for board in pages(aws, "cloudwatch", "list_dashboards", "DashboardEntries"):
            yield board["DashboardArn"]

    def create(self, inputs: Inputs) -> str:
        """Put it."""
        self._put(inputs)
        return str(inputs["dashboardName"])

    def read(self, id_: str) -> State | None:
        """Return its body as text."""
        cloudwatch = self.aws.client("cloudwatch")
        names = [entry["DashboardName"] for entry in cloudwatch.list_dashboards()["DashboardEntries"]]
        if id_ not in names:
            return None
        found = cloudwatch.get_dashboard(DashboardName=id_)
        return {
            "dashboardName": id_,
            "dashboardArn": found["DashboardArn"],
            "dashboardBody": found["DashboardBody"],
        }

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Put it again."""
        self._put(new)

    def delete(self, id_: str, state: State) -> None:
        """Remove."""
        if self.read(id_) is not None:
            self.aws.client("cloudwatch").delete_dashboards(DashboardNames=[id_])

    def _put(self, inputs: Inputs) -> None:
        json_document(inputs["dashboardBody"], f"{self.type_name}: dashboardBody")
        self.aws.client("cloudwatch").put_dashboard(
            DashboardName=inputs["dashboardName"], DashboardBody=inputs["dashboardBody"]
        )


def _alarm(inputs: Inputs) -> dict[str, Any]:
    request = {key: inputs[name] for name, key in _ALARM_INPUTS.items() if name in inputs}
    request["AlarmName"] = inputs["name"]
    if inputs.get("dimensions"):
        request["Dimensions"] = _dimensions(inputs["dimensions"])
    queries = [_query(query) for query in inputs.get("metricQueries", [])]
    if queries:
        request["Metrics"] = queries
    return request


def _query(query: Inputs) -> dict[str, Any]:
    made: dict[str, Any] = capitalised({key: value for key, value in query.items() if key != "metric"})
    if "metric" in query:
        metric = query["metric"]
        described = {"Namespace": metric.get("namespace", ""), "MetricName": metric["metricName"]}
        if metric.get("dimensions"):
            described["Dimensions"] = _dimensions(metric["dimensions"])
        made["MetricStat"] = {"Metric": described, "Period": metric["period"], "Stat": metric["stat"]}
        if "unit" in metric:
            made["MetricStat"]["Unit"] = metric["unit"]
    return made


def _dimensions(dimensions: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": dimensions[name]} for name in sorted(dimensions)]
