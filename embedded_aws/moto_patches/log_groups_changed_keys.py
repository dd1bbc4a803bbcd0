"""AssociateKmsKey and DisassociateKmsKey change the key that a log group is encrypted with.

AWS: "Associates the specified AWS KMS key with either one log group in the account, or with all stored CloudWatch Logs
query insights results in the account." (CloudWatch Logs API Reference)
moto: has neither operation.
"""

from typing import Any


def apply() -> None:
    """Add both operations."""
    from moto.logs.exceptions import ResourceNotFoundException
    from moto.logs.responses import LogsResponse

    def find(self: Any) -> Any:
        groups = self.logs_backend.groups
        name = self._get_param("logGroupName")
        if name not in groups:
            raise ResourceNotFoundException()
        return groups[name]

    def associate_kms_key(self: Any) -> str:
        find(self).kms_key_id = self._get_param("kmsKeyId")
        return ""

    def disassociate_kms_key(self: Any) -> str:
        find(self).kms_key_id = None
        return ""

    added: Any = LogsResponse
    added.associate_kms_key, added.disassociate_kms_key = associate_kms_key, disassociate_kms_key
