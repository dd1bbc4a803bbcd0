"""Queries of Logs Insights can be saved, listed by the beginning of their name, and deleted.

AWS: PutQueryDefinition, DescribeQueryDefinitions and DeleteQueryDefinition. (CloudWatch Logs API Reference.)
moto: has none of them.
"""

import json
import time
import uuid
from typing import Any


def apply() -> None:
    """Keep saved queries in the backend of CloudWatch Logs."""
    from moto.logs.exceptions import ResourceNotFoundException
    from moto.logs.responses import LogsResponse

    def kept(self: Any) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self.logs_backend.__dict__.setdefault("query_definitions", {})
        return found

    def known(self: Any, id_: str) -> dict[str, Any]:
        if id_ not in kept(self):
            raise ResourceNotFoundException(msg="The specified query definition does not exist.")
        return kept(self)[id_]

    def put_query_definition(self: Any) -> str:
        id_ = self._get_param("queryDefinitionId")
        if id_ is None:
            id_ = str(uuid.uuid4())
        else:
            known(self, id_)
        kept(self)[id_] = {
            "queryDefinitionId": id_,
            "name": self._get_param("name"),
            "queryString": self._get_param("queryString"),
            "logGroupNames": self._get_param("logGroupNames", []),
            "lastModified": int(time.time() * 1000),
        }
        return json.dumps({"queryDefinitionId": id_})

    def describe_query_definitions(self: Any) -> str:
        prefix = self._get_param("queryDefinitionNamePrefix", "")
        found = [each for each in kept(self).values() if each["name"].startswith(prefix)]
        return json.dumps({"queryDefinitions": sorted(found, key=lambda each: each["name"])})

    def delete_query_definition(self: Any) -> str:
        known(self, self._get_param("queryDefinitionId"))
        del kept(self)[self._get_param("queryDefinitionId")]
        return json.dumps({"success": True})

    response: Any = LogsResponse
    response.put_query_definition = put_query_definition
    response.describe_query_definitions = describe_query_definitions
    response.delete_query_definition = delete_query_definition
