"""prod in the embedded AWS: it cannot be destroyed until its operator unprotects it."""

from pathlib import Path

import pytest

from embedded_aws.deployment.deploy import ProtectedError
from embedded_aws.world import World
from local.stacks import deploy, stack_region

PROJECT = Path(__file__).parents[3]


@pytest.mark.usefixtures("host_packages")
def test_prod_resists_until_it_is_unprotected_and_then_leaves_nothing() -> None:
    with World(region=stack_region(PROJECT, "prod")) as world:
        deployment = deploy(PROJECT, "prod", world)
        world.client("s3").put_object(Bucket=deployment.outputs["uploads_bucket"], Key="k", Body=b"1")
        count = len(deployment.resources)
        with pytest.raises(ProtectedError):
            deployment.destroy()
        assert len(deployment.resources) == count
        deployment.update({"protect": False})
        assert deployment.destroy() == []
