"""World profiles: what an account other than the usual one refuses."""

import pytest
from botocore.exceptions import ClientError

from embedded_aws import profiles
from embedded_aws.world import World

from .refusal_sample import Sample


def test_a_new_account_refuses_functions_over_3008_mb() -> None:
    with World(profile="new-account") as world:
        sample = Sample(world)
        sample.call("create_function", FunctionName="allowed", MemorySize=3_008)
        with pytest.raises(ClientError, match="Value '3009' at 'memorySize' failed to satisfy constraint"):
            sample.call("create_function", FunctionName="refused", MemorySize=3_009)


@pytest.mark.parametrize(("profile", "executions"), [("usual", 1_000), ("new-account", 10)])
def test_service_quotas_shows_the_profiles_quotas(profile: str, executions: float) -> None:
    with World(profile=profile) as world:
        quotas = world.client("service-quotas")
        shown = quotas.get_service_quota(ServiceCode="lambda", QuotaCode="L-B99A9384")
        assert shown["Quota"]["Value"] == executions
        with pytest.raises(ClientError, match="NoSuchResource"):
            quotas.get_service_quota(ServiceCode="lambda", QuotaCode="L-00000000")


def test_a_profile_ends_with_its_world_and_an_unknown_one_is_refused() -> None:
    with World(profile="new-account"):
        assert profiles.active().name == "new-account"
    assert profiles.active() is profiles.USUAL
    with pytest.raises(ValueError, match="known are usual, new-account"), World(profile="old-account"):
        pass
    with World():
        pass
