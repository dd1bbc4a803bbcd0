"""Check what only holds between the keys of `delivery`, and where CloudFront is."""

from collections.abc import Iterator, Mapping

from pydantic import BaseModel

from components.config_errors import Problem, set_command
from components.config_model import StackConfig
from components.config_schema import about


def check_domain(delivery: object, model: type[BaseModel]) -> Iterator[Problem]:
    """Check that domain and certificate come together: CloudFront refuses a domain without one that names it."""
    given = delivery if isinstance(delivery, Mapping) else {}
    for name, other in (("domain", "certificateArn"), ("certificateArn", "domain")):
        if given.get(name) is not None and given.get(other) is None:
            words = about(model, ("delivery", other), name=False)
            yield Problem(
                key=f"delivery.{other}",
                given=f"is missing, and delivery.{name} is set",
                allowed=words.allowed,
                fix=set_command(("delivery", other), words.example),
            )


def check_partition(config: StackConfig) -> Iterator[Problem]:
    """Check that the stack's partition has CloudFront (AWS GovCloud (US) User Guide, "Amazon CloudFront")."""
    if config.delivery.cdn and config.region.startswith("us-gov-"):
        yield Problem(
            key="delivery.cdn",
            given=f"is true, and the stack is in {config.region}",
            allowed="false in AWS GovCloud (US), whose partition has no CloudFront",
            fix=set_command(("delivery", "cdn"), False),
        )
