"""Cache policies and response headers policies exist, and key groups can be changed and deleted.

AWS: all of them are created, read, listed, updated and deleted. (CloudFront API Reference, "CreateCachePolicy",
"CreateResponseHeadersPolicy", "UpdateKeyGroup", "DeleteKeyGroup".)
moto: has neither kind of policy, and creates key groups only.
"""

from collections.abc import Callable
from typing import Any

_VERSION = "{0}/2020-05-31"


def apply() -> None:
    """Add the operations and their paths."""
    from moto.cloudfront import urls
    from moto.cloudfront.responses import CloudFrontResponse

    for kind, path in (("CachePolicy", "cache-policy"), ("ResponseHeadersPolicy", "response-headers-policy")):
        for name, operation in _operations(kind).items():
            setattr(CloudFrontResponse, name, operation)
        for ending in ("$", "/(?P<policy_id>[^/]+)$", "/(?P<policy_id>[^/]+)/config$"):
            urls.url_paths[f"{_VERSION}/{path}{ending}"] = CloudFrontResponse.dispatch
    for operation in (_update_key_group, _delete_key_group):
        setattr(CloudFrontResponse, operation.__name__.removeprefix("_"), operation)


def policies(backend: Any, kind: str) -> dict[str, dict[str, Any]]:
    """Return a backend's policies of one kind (`CachePolicy`, `ResponseHeadersPolicy`) by id."""
    every: dict[str, dict[str, dict[str, Any]]] = backend.__dict__.setdefault("policies_by_kind", {})
    return every.setdefault(kind, {})


def _operations(kind: str) -> dict[str, Callable[[Any], Any]]:
    """Return moto's methods for one kind of policy, by name."""
    from moto.cloudfront.exceptions import CloudFrontException
    from moto.core.responses import ActionResult, EmptyResult
    from moto.core.utils import utcnow
    from moto.moto_api._internal import mock_random

    config = f"{kind}Config"
    snake = {"CachePolicy": "cache_polic", "ResponseHeadersPolicy": "response_headers_polic"}[kind]

    def answer(id_: str, found: dict[str, Any]) -> Any:
        policy = {"Id": id_, "LastModifiedTime": found["modified"], config: found["config"]}
        return ActionResult({kind: policy, "ETag": found["etag"], "Location": id_})

    def stored(self: Any) -> tuple[str, dict[str, Any]]:
        id_ = self._get_param("Id")
        found = policies(self.backend, kind).get(id_)
        if found is None:
            raise CloudFrontException(f"NoSuch{kind}", "The policy does not exist.")
        return id_, found

    def fresh(self: Any) -> dict[str, Any]:
        return {"config": self._get_param(config), "etag": str(mock_random.uuid4()), "modified": utcnow()}

    def create(self: Any) -> Any:
        made = fresh(self)
        known = policies(self.backend, kind)
        if any(each["config"]["Name"] == made["config"]["Name"] for each in known.values()):
            raise CloudFrontException(f"{kind}AlreadyExists", "A policy with this name already exists.")
        id_ = str(mock_random.uuid4())
        known[id_] = made
        return answer(id_, made)

    def get(self: Any) -> Any:
        return answer(*stored(self))

    def update(self: Any) -> Any:
        id_, _ = stored(self)
        policies(self.backend, kind)[id_] = fresh(self)
        return answer(id_, policies(self.backend, kind)[id_])

    def delete(self: Any) -> Any:
        id_, _ = stored(self)
        if any(id_ in _policy_ids(each) for each in self.backend.distributions.values()):
            raise CloudFrontException(f"{kind}InUse", "The policy is attached to a distribution.")
        del policies(self.backend, kind)[id_]
        return EmptyResult()

    return {
        f"create_{snake}y": create,
        f"get_{snake}y": get,
        f"update_{snake}y": update,
        f"delete_{snake}y": delete,
        f"list_{snake}ies": _listing(kind),
    }


def _listing(kind: str) -> Callable[[Any], Any]:
    """Return moto's method that lists all policies of one kind."""
    from moto.core.responses import ActionResult

    config = f"{kind}Config"

    def listed(self: Any) -> Any:
        items = [
            {
                "Type": "custom",
                kind: {"Id": id_, "LastModifiedTime": each["modified"], config: each["config"]},
            }
            for id_, each in policies(self.backend, kind).items()
        ]
        return ActionResult(
            {f"{kind}List": {"MaxItems": 100, "Quantity": len(items), "Items": items or None}}
        )

    return listed


def _policy_ids(distribution: Any) -> tuple[Any, ...]:
    behaviour = distribution.distribution_config.DefaultCacheBehavior
    return (
        getattr(behaviour, "cache_policy_id", None),
        getattr(behaviour, "response_headers_policy_id", None),
    )


def _update_key_group(self: Any) -> Any:
    from moto.core.responses import ActionResult

    group = self.backend.get_key_group(self._get_param("Id"))
    group.name = self._get_param("KeyGroupConfig.Name")
    group.items = self._get_param("KeyGroupConfig.Items", [])
    return ActionResult({"KeyGroup": group, "ETag": group.etag})


def _delete_key_group(self: Any) -> Any:
    from moto.cloudfront.exceptions import CloudFrontException
    from moto.core.responses import EmptyResult

    if self.backend.key_groups.pop(self._get_param("Id"), None) is None:
        raise CloudFrontException("NoSuchResource", "The key group does not exist.")
    return EmptyResult()
