"""prod in the embedded AWS: a new account takes it, and it cannot be destroyed until its operator unprotects it."""

import pytest

from embedded_aws.deployment.deploy import DeployError, ProtectedError
from tests.fixtures.deployed_stack import deployed_stack


@pytest.mark.long
def test_prod_in_a_new_account_resists_until_it_is_unprotected_and_then_leaves_a_backup() -> None:
    with deployed_stack("prod", profile="new-account") as deployed:
        deployment = deployed.deployment
        with pytest.raises(DeployError, match="'5307' at 'memorySize' failed to satisfy constraint"):
            deployment.update({"memory.video": 5307})
        deployment.update({"memory.video": 3008})
        deployed.upload("k", b"1")
        count = len(deployment.resources)
        with pytest.raises(ProtectedError):
            deployment.destroy()
        assert len(deployment.resources) == count
        deployment.update({"protect": False})
        (left,) = deployment.destroy()
        assert "/backup/" in left, "DynamoDB's own, for 35 days: docs/operator/deploying.md says so"
