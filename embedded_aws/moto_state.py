"""Look up moto's buckets, objects and distributions, on which AWS's answers depend."""

from typing import Any

from embedded_aws.isolation import ACCOUNT_ID


def find_bucket(name: str) -> Any | None:
    """Return moto's bucket, or None."""
    from moto.s3.models import s3_backends

    return s3_backends[ACCOUNT_ID]["aws"].buckets.get(name)


def find_object(bucket: str, key: str, version: str | None = None) -> Any | None:
    """Return moto's object; None where it, its version, or its bucket does not exist, or it is a delete marker."""
    from moto.s3.models import FakeKey

    found = find_bucket(bucket)
    if found is None:
        return None
    versions = found.keys.getlist(key, [])
    wanted = versions[-1:] if version is None else [v for v in versions if str(v.version_id) == version]
    return next((entry for entry in wanted if isinstance(entry, FakeKey)), None)


def object_tags(bucket: str, key: str, version: str | None = None) -> dict[str, str]:
    """Return the tags of an object; none where it does not exist."""
    from moto.s3.models import s3_backends

    found = find_object(bucket, key, version)
    if found is None:
        return {}
    tags: dict[str, str] = s3_backends[ACCOUNT_ID]["aws"].tagger.get_tag_dict_for_resource(found.arn)
    return tags


def find_distribution(host: str) -> Any | None:
    """Return moto's distribution that delivers for a host: its own domain, or one of its aliases; or None."""
    from moto.cloudfront.models import cloudfront_backends

    # A copy, since another thread may be creating one.
    for found in list[Any](cloudfront_backends[ACCOUNT_ID]["aws"].distributions.values()):
        if host == found.domain_name or host in found.distribution_config.Aliases.get("Items", ()):
            return found
    return None
