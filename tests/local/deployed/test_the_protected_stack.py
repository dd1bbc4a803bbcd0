"""prod in the embedded AWS: it cannot be destroyed until its operator unprotects it."""

import pytest

from embedded_aws.deployment.deploy import ProtectedError
from tests.fixtures.deployed_stack import deployed_stack


def test_prod_resists_until_it_is_unprotected_and_then_leaves_nothing() -> None:
    with deployed_stack("prod") as deployed:
        deployment = deployed.deployment
        deployed.upload("k", b"1")
        count = len(deployment.resources)
        with pytest.raises(ProtectedError):
            deployment.destroy()
        assert len(deployment.resources) == count
        deployment.update({"protect": False})
        assert deployment.destroy() == []
