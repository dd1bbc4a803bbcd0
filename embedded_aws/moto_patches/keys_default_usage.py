"""A key that says nothing of its usage encrypts and decrypts, and DescribeKey says so.

AWS: "KeyUsage: ... The default value is ENCRYPT_DECRYPT. This parameter is optional when you are creating a symmetric
encryption KMS key" (AWS KMS API Reference, "CreateKey")
moto: has no usage of such a key, so that DescribeKey answers without one.
"""

from typing import Any

from embedded_aws.moto_replacement import replace


def apply() -> None:
    """Give keys the usage that they have by default."""
    from moto.kms.models import KmsBackend

    def create_key(self: Any, policy: Any, key_usage: Any, *rest: Any, **named: Any) -> Any:
        return original(self, policy, key_usage or "ENCRYPT_DECRYPT", *rest, **named)

    original = replace(KmsBackend, "create_key", create_key)
