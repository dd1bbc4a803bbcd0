"""A deployed stack with CloudFront: what its functions get and may do, and that nothing is left without it."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fixtures.deployed_stack import DeployedStack, deployed_stack

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def deployed() -> Iterator[DeployedStack]:
    with deployed_stack("dev", {"video.enabled": False, "delivery": {"cdn": True}}) as stack:
        yield stack


def test_the_outputs_name_a_distribution_whose_origin_is_the_renditions_bucket(
    deployed: DeployedStack,
) -> None:
    cloudfront: Any = deployed.world.client("cloudfront")
    shown = cloudfront.get_distribution(Id=deployed.outputs["cdn_distribution"])["Distribution"]
    assert deployed.outputs["cdn_url"] == f"https://{shown['DomainName']}"
    (origin,) = shown["DistributionConfig"]["Origins"]["Items"]
    assert origin["DomainName"].startswith(f"{deployed.outputs['renditions_bucket']}.s3.")


def test_functions_get_the_distribution_and_may_have_renditions_forgotten(deployed: DeployedStack) -> None:
    functions: Any = deployed.world.client("lambda")
    name = deployed.outputs["process_image_function"]
    configuration = functions.get_function_configuration(FunctionName=name)
    variables = configuration["Environment"]["Variables"]
    assert variables["CDN_DISTRIBUTION"] == deployed.outputs["cdn_distribution"]
    credentials = deployed.world.assume_role(configuration["Role"])
    batch = {"CallerReference": "1", "Paths": {"Quantity": 1, "Items": ["/k/v/*"]}}
    made = deployed.world.client("cloudfront", credentials).create_invalidation(
        DistributionId=variables["CDN_DISTRIBUTION"], InvalidationBatch=batch
    )
    assert made["Invalidation"]["Status"] == "InProgress"


def test_without_it_all_of_it_is_gone(deployed: DeployedStack) -> None:
    deployed.deployment.update({"delivery": {}})
    assert "cdn_url" not in deployed.deployment.outputs
    cloudfront: Any = deployed.world.client("cloudfront")
    assert cloudfront.list_distributions()["DistributionList"]["Quantity"] == 0
    assert cloudfront.list_origin_access_controls()["OriginAccessControlList"]["Quantity"] == 0
