"""The keys of `delivery`; docs/reference/configuration.md has their docstrings."""

from typing import Annotated

from pydantic import Field

from components import bounds
from components.keys import Keys
from components.rules import About, Certificate, Domain, Flag, SignerKey, Whole


class Delivery(Keys):
    """How readers get renditions."""

    cdn: Annotated[bool, Flag(True)] = False
    """Whether CloudFront delivers renditions; without it, readers get links to the bucket that work for 15 minutes."""
    domain: Annotated[str, Domain()] | None = None
    """The domain of renditions' addresses, which a DNS record points to CloudFront; without it, one of CloudFront's."""
    certificate_arn: Annotated[str, Certificate()] | None = None
    """The certificate of `domain`, of AWS Certificate Manager in us-east-1."""
    signed: Annotated[
        tuple[Annotated[str, SignerKey()], ...],
        Field(max_length=bounds.SIGNERS),
        About(f"a list of at most {bounds.SIGNERS} public keys in PEM", []),
    ] = ()
    """Public keys; with one at least, readers need addresses or cookies that a matching private key has signed."""
    browser_seconds: Annotated[int, Whole(bounds.BROWSER_SECONDS, " of seconds", 900)] = 900
    """For how long a browser keeps a rendition, where no takedown reaches it."""
