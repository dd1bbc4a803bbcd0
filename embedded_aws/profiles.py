"""How a world's account behaves: the usual one, or one of those that show what the usual one hides.

    with World(profile="new-account") as world:
        ...

A world has one profile for its whole life. moto's state, which refusals and hooks look at, is one per process, and so
is the profile.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

CONCURRENT_EXECUTIONS = "L-B99A9384"
QUOTAS: Mapping[tuple[str, str], float] = MappingProxyType(
    {
        ("lambda", CONCURRENT_EXECUTIONS): 1_000,
        ("apigateway", "L-8A5B8E43"): 10_000,  # requests per second
        ("apigateway", "L-CDF5615A"): 5_000,  # requests at once
    }
)
"""Service Quotas' codes with the defaults of an account in use (AWS General Reference, "Endpoints and quotas")."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """An account's quotas and the way its services behave; `quotas` replaces entries of QUOTAS."""

    name: str
    meaning: str
    lambda_memory: int = 10_240  # MB of a function; no quota code shows it
    quotas: Mapping[tuple[str, str], float] = field(default_factory=dict)
    version_seconds: float = 0.0
    """How long a new version of an object answers 404."""
    notification_seconds: float = 0.0
    """How long after a bucket's notifications are configured its events are lost."""
    throttled: Mapping[str, int] = field(default_factory=dict)
    """Every how many calls of the functions a service refuses one, by service."""

    def quota(self, service: str, code: str) -> float | None:
        """Return the value of a quota, None for one that the embedded AWS does not know."""
        return {**QUOTAS, **self.quotas}.get((service, code))


USUAL = Profile(name="usual", meaning="an account that has been in use for years")
PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        each.name: each
        for each in (
            USUAL,
            # Lambda Developer Guide, "Lambda quotas": "New AWS accounts have reduced concurrency and memory quotas."
            Profile(
                name="new-account",
                meaning="Lambda gives a function at most 3,008 MB, and all together ten executions at once",
                lambda_memory=3_008,
                quotas={("lambda", CONCURRENT_EXECUTIONS): 10},
            ),
            # S3 User Guide: "wait for 15 minutes after enabling versioning", and notifications take "about five
            # minutes" to take effect. Half a minute stands for both.
            Profile(
                name="young-bucket",
                meaning="for 30 s new versions answer 404, and events of a new bucket are lost",
                version_seconds=30.0,
                notification_seconds=30.0,
            ),
            Profile(
                name="throttled",
                meaning="services refuse one in a few calls of the functions",
                throttled={"rekognition": 2, "dynamodb": 7, "s3": 7, "sns": 3, "sqs": 7},
            ),
        )
    }
)


class _Active:
    profile: Profile = USUAL


def active() -> Profile:
    """Return the profile of the process's world."""
    return _Active.profile


def activate(name: str) -> Profile:
    """Make the profile of this name that of the process's world; raises ValueError for an unknown name."""
    if name not in PROFILES:
        raise ValueError(f"there is no world profile {name!r}; known are {', '.join(PROFILES)}")
    _Active.profile = PROFILES[name]
    return _Active.profile
