"""CloudTrail: trails with what they log."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from embedded_aws.resources.base import (
    AutoName,
    Aws,
    Handler,
    Inputs,
    State,
    as_tag_list,
    from_tag_list,
    tag_changes,
)


class Trail(Handler):
    """A trail of one region; the id is its ARN, as with the provider. No event is delivered here."""

    type_name = "aws:cloudtrail/trail:Trail"
    resource = "cloudtrail.Trail"
    service = "cloudtrail"
    _plain: ClassVar[Mapping[str, str]] = {
        "s3BucketName": "S3BucketName",
        "enableLogFileValidation": "EnableLogFileValidation",
        "includeGlobalServiceEvents": "IncludeGlobalServiceEvents",
        "isMultiRegionTrail": "IsMultiRegionTrail",
        "kmsKeyId": "KmsKeyId",
    }
    _operators: ClassVar[Mapping[str, str]] = {"equals": "Equals", "startsWiths": "StartsWith"}
    carries = frozenset(
        {
            *_plain,
            "name",
            "enableLogging",
            "advancedEventSelectors.name",
            "advancedEventSelectors.fieldSelectors.field",
            *(f"advancedEventSelectors.fieldSelectors.{name}" for name in _operators),
            "tags.*",
        }
    )
    replaces = frozenset({"name"})
    autoname = AutoName(input="name", max_length=128)
    defaults: ClassVar[Mapping[str, Any]] = {
        "enableLogging": True,
        "enableLogFileValidation": False,
        "includeGlobalServiceEvents": True,
        "isMultiRegionTrail": False,
    }

    @classmethod
    def existing(cls, aws: Aws) -> Iterator[str]:
        """Yield all trails."""
        for trail in aws.client("cloudtrail").describe_trails()["trailList"]:
            yield trail["TrailARN"]

    def create(self, inputs: Inputs) -> str:
        """Create it, say what it logs, and have it begin."""
        request = {shown: inputs[name] for name, shown in self._plain.items() if name in inputs}
        made = self._trails.create_trail(
            Name=inputs["name"], **request, TagsList=as_tag_list(inputs["tagsAll"])
        )
        id_ = str(made["TrailARN"])
        self._select(id_, inputs)
        self._switch(id_, inputs)
        return id_

    def read(self, id_: str) -> State | None:
        """Return its settings as the inputs name them, and tags."""
        trails = self._trails
        found = trails.describe_trails(trailNameList=[id_])["trailList"]
        if not found:
            return None
        shown = {**found[0], "EnableLogFileValidation": found[0]["LogFileValidationEnabled"]}
        selectors = trails.get_event_selectors(TrailName=id_).get("AdvancedEventSelectors", [])
        tags = trails.list_tags(ResourceIdList=[id_])["ResourceTagList"][0]["TagsList"]
        return {
            "arn": id_,
            "name": shown["Name"],
            "homeRegion": shown["HomeRegion"],
            "enableLogging": trails.get_trail_status(Name=id_)["IsLogging"],
            **{name: shown[key] for name, key in self._plain.items() if shown.get(key) not in (None, "")},
            "advancedEventSelectors": [self._shown(selector) for selector in selectors],
            "tagsAll": from_tag_list(tags),
        }

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Change what differs."""
        changed = self.changed(old, new)
        request = {shown: new.get(name, "") for name, shown in self._plain.items() if name in changed}
        if request:
            self._trails.update_trail(Name=id_, **request)
        if "advancedEventSelectors" in changed:
            self._select(id_, new)
        if "enableLogging" in changed:
            self._switch(id_, new)
        tags, untag = tag_changes(old, new)
        if tags:
            self._trails.add_tags(ResourceId=id_, TagsList=as_tag_list(tags))
        if untag:
            gone = [{"Key": key, "Value": old["tagsAll"][key]} for key in untag]
            self._trails.remove_tags(ResourceId=id_, TagsList=gone)

    def delete(self, id_: str, state: State) -> None:
        """Delete it; its log files stay."""
        trails = self._trails
        try:
            trails.delete_trail(Name=id_.rsplit("/", 1)[-1])  # moto finds it by its name only
        except trails.exceptions.TrailNotFoundException:
            return

    @property
    def _trails(self) -> Any:
        return self.aws.client("cloudtrail")

    def _select(self, id_: str, inputs: Inputs) -> None:
        selectors = [
            {
                "Name": selector.get("name", ""),
                "FieldSelectors": [
                    {
                        "Field": field["field"],
                        **{shown: field[name] for name, shown in self._operators.items() if name in field},
                    }
                    for field in selector["fieldSelectors"]
                ],
            }
            for selector in inputs.get("advancedEventSelectors", ())
        ]
        if selectors:
            self._trails.put_event_selectors(TrailName=id_, AdvancedEventSelectors=selectors)

    def _shown(self, selector: Mapping[str, Any]) -> State:
        return {
            "name": selector.get("Name", ""),
            "fieldSelectors": [
                {
                    "field": field["Field"],
                    **{name: field[shown] for name, shown in self._operators.items() if field.get(shown)},
                }
                for field in selector["FieldSelectors"]
            ],
        }

    def _switch(self, id_: str, inputs: Inputs) -> None:
        begins = inputs["enableLogging"]
        (self._trails.start_logging if begins else self._trails.stop_logging)(Name=id_)
