"""Rules for single values of the configuration: each parses a value, and says in words what it allows."""

import base64
import difflib
import math
import re
import textwrap
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from components import taxonomy

DEFAULT_LABEL = "default"  # stands for every label that is not listed


@dataclass(frozen=True, eq=False)  # compared and hashed by identity: an example need not be hashable
class About:
    """Annotates a group of values with the words and the example for a problem that concerns all of it."""

    allowed: str
    example: object


class Rule(ABC):
    """Annotates a field: pydantic parses by it; `allowed` and `example` explain a problem."""

    ERROR_TYPE: ClassVar[str] = "setting"  # the type under which pydantic reports what a rule refused

    def __init__(self, allowed: str, example: object) -> None:
        self.allowed = allowed
        self.example = example

    @abstractmethod
    def parse(self, value: object) -> object:
        """Return the typed value; raise ValueError for one that is not allowed."""

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Parse by this rule alone, so that pydantic adds no leniency of its own."""

        def validate(value: object) -> object:
            try:
                return self.parse(value)
            except ValueError as error:
                raise PydanticCustomError(Rule.ERROR_TYPE, "not allowed") from error

        return core_schema.no_info_plain_validator_function(validate)


class Whole(Rule):
    """A whole number within bounds; "64" is one, too, because Pulumi keeps top-level numbers as strings."""

    def __init__(self, bounds: tuple[int, int], unit: str, example: int, why: str = "") -> None:
        self.low, self.high = bounds
        super().__init__(f"a whole number{unit} from {self.low} to {self.high}{why}", example)

    def parse(self, value: object) -> int:
        """Return the number as an int."""
        number = _number(value)
        if number != int(number) or not self.low <= number <= self.high:
            raise ValueError(value)
        return int(number)


class Percent(Rule):
    """A number from 0 to 100; whole ones become ints, so that 60 and 60.0 deploy the same."""

    def __init__(self, example: float) -> None:
        super().__init__("a number from 0 to 100", example)

    def parse(self, value: object) -> float:
        """Return the number, as an int where it is whole."""
        number = _number(value)
        if not 0 <= number <= 100:
            raise ValueError(value)
        return int(number) if number == int(number) else number


class Flag(Rule):
    """true or false, also as the strings that `pulumi config set` writes."""

    def __init__(self, example: bool) -> None:
        super().__init__("true or false", example)

    def parse(self, value: object) -> bool:
        """Return the boolean."""
        if isinstance(value, bool):
            return value
        try:
            return {"true": True, "false": False}[str(value).lower()]
        except KeyError as error:
            raise ValueError(value) from error


class OneOf(Rule):
    """One of a few words or numbers."""

    def __init__(self, values: Sequence[str] | Sequence[int], example: object) -> None:
        self.values = tuple(values)
        super().__init__(f"one of {', '.join(map(str, values))}", example)

    def parse(self, value: object) -> object:
        """Return the value as it is listed."""
        for known in self.values:
            if not isinstance(value, bool) and str(value) == str(known):
                return known
        raise ValueError(value)


class Text(Rule):
    """A string that a pattern matches as a whole."""

    def __init__(self, pattern: str, allowed: str, example: str) -> None:
        self.pattern = re.compile(pattern)
        super().__init__(allowed, example)

    def parse(self, value: object) -> str:
        """Return the string unchanged."""
        if not isinstance(value, str) or not self.pattern.fullmatch(value):
            raise ValueError(value)
        return value


class Email(Text):
    """A plausible address: AWS sends a confirmation, so only what cannot be an address is refused.

    SNS takes ASCII only, and no quoted local part (RFC 5322, "dot-atom").
    """

    def __init__(self) -> None:
        atom = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
        local = rf"(?=.{{1,64}}@){atom}(\.{atom})*"
        pattern = rf"{local}@(?=.{{4,253}}$)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{{2,}}"
        super().__init__(pattern, "an e-mail address of ASCII characters, as SNS takes it", "you@example.com")


class Endpoint(Text):
    """The address of a webhook: HTTPS; plain HTTP for this machine, where the embedded AWS delivers to.

    Without a user's name and password, which the configuration would show.
    """

    def __init__(self) -> None:
        host = r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+"
        own = r"http://(localhost|127\.0\.0\.1)"
        pattern = rf"(?=.{{1,2048}}$)(https://{host}|{own})(:[0-9]{{1,5}})?(/[!-~]*)?"
        allowed = (
            "https://host[:port]/path of ASCII characters, without a user (http for localhost only, which only the "
            "embedded AWS delivers to)"
        )
        super().__init__(pattern, allowed, "https://www.example.com/media-outcomes")


class Origin(Text):
    """A web page's origin as browsers send it, or `*` for any."""

    def __init__(self) -> None:
        pattern = r"\*|(https://[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*|http://localhost)(:[0-9]{1,5})?"
        allowed = (
            "an origin, https://host[:port] in lower case without a path (http for localhost only), or *"
        )
        super().__init__(pattern, allowed, "https://www.example.com")


class KeyArn(Text):
    """The ARN of a KMS key; no alias, which can be pointed at another key behind the stack's back."""

    EXAMPLE = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"

    def __init__(self) -> None:
        key_id = "(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})"
        pattern = rf"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{{12}}:key/{key_id}"
        super().__init__(
            pattern, "the ARN of a KMS key (not of an alias) in the stack's region", self.EXAMPLE
        )

    @staticmethod
    def region(arn: str) -> str:
        """Return the region that an ARN names; empty where there is none."""
        return (arn.split(":") + [""] * 4)[3]


class Certificate(Text):
    """The ARN of a certificate where CloudFront looks for them: in us-east-1, whatever the stack's region."""

    def __init__(self) -> None:
        pattern = r"arn:aws:acm:us-east-1:[0-9]{12}:certificate/[0-9a-f-]{36}"
        super().__init__(
            pattern,
            "the ARN of an ACM certificate in us-east-1, the only region that CloudFront takes certificates from",
            "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012",
        )


class Domain(Text):
    """A host name in lower case, without scheme, port and path."""

    def __init__(self) -> None:
        label = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
        pattern = rf"(?=.{{4,253}}$){label}(\.{label})+"
        super().__init__(pattern, "a domain name in lower case, without https://", "images.example.com")


class SignerKey(Rule):
    """A public key that CloudFront verifies signed addresses with, in PEM.

    RSA of 2,048 bits as a SubjectPublicKeyInfo, whose first 33 bytes are always the same, with the exponent 65,537
    (CloudFront Developer Guide, "Create key pairs for your signers"; RFC 3279, 2.3.1).
    """

    EXAMPLE = (  # of a pair whose private key nobody has
        "-----BEGIN PUBLIC KEY-----\n"
        "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAnvxpXmCkolNV8v6ai7Gf\n"
        "xk5/fYpTdD74ZMrWLTweJuWEFSYVKF0DFiAW7piu87Mo1vCoN0We0/97H0FvZ6tU\n"
        "wMoU/uEWFXK4fg6lFlxzQ8KDS+xMdHrVAFGkMEgtNpgCCMc9YWeOuU8fTimvl7iS\n"
        "waimUpVu5CfILq5rw1c+X6Wg4SZLZDvuazg4qOL+8P5+XSpEZzngaLOoFS4LtpoA\n"
        "28ibU5abuiQIQJzEva4IhXtprRfJ831TvTgPoTePXrYizMKnO/Jb2hca4RT+OnJy\n"
        "YatstT3stApeRxhFQE/uYpzs46dvcMSXKglVWDqynNss8cRoya3X/Ci4KzwTqDWs\n"
        "hQIDAQAB\n"
        "-----END PUBLIC KEY-----\n"
    )
    _HEAD = bytes.fromhex("30820122300d06092a864886f70d01010105000382010f003082010a0282010100")
    _TAIL = bytes.fromhex("0203010001")
    _PEM = re.compile(r"\s*-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*")

    def __init__(self) -> None:
        super().__init__(
            "a public RSA key of 2,048 bits in PEM (openssl rsa -pubout), never the private one", self.EXAMPLE
        )

    def parse(self, value: object) -> str:
        """Return the key in PEM, with one line break at its end."""
        found = self._PEM.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            raise ValueError(value)
        text = "".join(found.group(1).split())
        key = base64.b64decode(text, validate=True)  # binascii.Error is a ValueError
        if len(key) != len(self._HEAD) + 256 + len(self._TAIL):
            raise ValueError(value)
        if not (key.startswith(self._HEAD) and key.endswith(self._TAIL)):
            raise ValueError(value)
        lines = "\n".join(textwrap.wrap(text, 64))
        return f"-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n"


class ModerationLabel(Rule):
    """A label of Rekognition's moderation model, in any case; parsed to its proper spelling."""

    def __init__(self) -> None:
        super().__init__("a label of Rekognition's moderation model", "Weapons")

    def parse(self, value: object) -> str:
        """Return the label's proper spelling."""
        known = taxonomy.names().get(value.casefold()) if isinstance(value, str) else None
        if known is None:
            raise ValueError(value)
        return known


class ReviewedLabel(Text):
    """A top-level label, or `default` for all that are not listed; labels in any case, parsed to their spelling."""

    def __init__(self) -> None:
        tops = taxonomy.top_levels()
        super().__init__(".*", f"{DEFAULT_LABEL} or a top-level label: {', '.join(tops)}", DEFAULT_LABEL)
        self._known = {name.casefold(): name for name in (DEFAULT_LABEL, *tops)}

    def parse(self, value: object) -> str:
        """Return the label's proper spelling."""
        known = self._known.get(super().parse(value).casefold())
        if known is None:
            raise ValueError(value)
        return known

    def nearest(self, name: str) -> str:
        """Return the name that an unknown one most likely meant."""
        return self._known[difflib.get_close_matches(name.casefold(), self._known, n=1, cutoff=0.0)[0]]


def _number(value: object) -> float:
    if not isinstance(value, bool) and isinstance(value, int | float | str):
        number = float(value)  # ValueError for "big"
        if math.isfinite(number):
            return number
    raise ValueError(value)
