"""APIs, keys and usage plans have tags, not stages alone.

AWS: TagResource, UntagResource and GetTags take the ARN "of a resource that can be tagged", which are these four.
(API Gateway API Reference, "TagResource"; Developer Guide, "Tag API Gateway REST API resources".)
moto: knows stages only.
"""

import json
from typing import Any
from urllib.parse import unquote

from embedded_aws.moto_replacement import replace


def apply() -> None:
    """Keep tags where the ARN says."""
    from moto.apigateway import urls
    from moto.apigateway.responses import APIGatewayResponse

    def tag_resource(self: Any) -> str:
        found = _tagged(self)
        found.tags = {**(found.tags or {}), **self._get_param("tags")}
        return "{}"

    def untag_resource(self: Any) -> str:
        found, gone = _tagged(self), self.querystring.get("tagKeys") or []
        found.tags = {key: value for key, value in (found.tags or {}).items() if key not in gone}
        return "{}"

    def get_tags(self: Any) -> str:
        return json.dumps({"tags": _tagged(self).tags or {}})

    urls.url_paths["{0}/tags/(?P<resource_arn>arn:.+)$"] = APIGatewayResponse.dispatch
    for operation in (tag_resource, untag_resource, get_tags):
        replace(APIGatewayResponse, operation.__name__, operation)


def _tagged(response: Any) -> Any:
    """Return what the ARN in a request's path names."""
    parts = unquote(response.path.split("/tags/")[1]).split("::/")[1].split("/")
    match parts:
        case ["restapis", api]:
            return response.backend.get_rest_api(api)
        case ["restapis", api, "stages", stage]:
            return response.backend.get_stage(api, stage)
        case ["apikeys", key]:
            return response.backend.get_api_key(key)
        case _:
            return response.backend.get_usage_plan(parts[1])
