"""IAM: roles, their inline policies, and managed policies of the stack's own."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from embedded_aws.resources.base import (
    AutoName,
    Aws,
    Handler,
    Inputs,
    State,
    as_tag_list,
    from_tag_list,
    json_document,
    pages,
    policy_text,
    tag_changes,
)


class Role(Handler):
    """A role; the id is its name."""

    type_name = "aws:iam/role:Role"
    resource = "iam.Role"
    service = "iam"
    carries = frozenset(
        {
            "name",
            "path",
            "description",
            "assumeRolePolicy",
            "assumeRolePolicy.*",
            "maxSessionDuration",
            "forceDetachPolicies",
            "tags.*",
        }
    )
    replaces = frozenset({"name", "path"})
    autoname = AutoName(input="name", max_length=64)
    defaults: ClassVar[Mapping[str, Any]] = {
        "path": "/",
        "maxSessionDuration": 3600,
        "forceDetachPolicies": False,
    }

    @classmethod
    def existing(cls, aws: Aws) -> Iterator[str]:
        """Yield all roles."""
        yield from (role["Arn"] for role in pages(aws, "iam", "list_roles", "Roles"))

    def create(self, inputs: Inputs) -> str:
        """Create the role with trust policy and tags."""
        self.aws.client("iam").create_role(
            RoleName=inputs["name"],
            Path=inputs["path"],
            Description=inputs.get("description", ""),
            AssumeRolePolicyDocument=policy_text(
                inputs["assumeRolePolicy"], f"{self.type_name}: assumeRolePolicy"
            ),
            MaxSessionDuration=inputs["maxSessionDuration"],
            Tags=as_tag_list(inputs["tagsAll"]),
        )
        return str(inputs["name"])

    def read(self, id_: str) -> State | None:
        """Return the role with its trust policy as text."""
        iam = self.aws.client("iam")
        try:
            role = iam.get_role(RoleName=id_)["Role"]
        except iam.exceptions.NoSuchEntityException:
            return None
        return {
            "name": id_,
            "arn": role["Arn"],
            "uniqueId": role["RoleId"],
            "path": role["Path"],
            "createDate": role["CreateDate"].isoformat(),
            "maxSessionDuration": role["MaxSessionDuration"],
            "assumeRolePolicy": json.dumps(role["AssumeRolePolicyDocument"]),
            "tagsAll": from_tag_list(role.get("Tags", [])),
        }

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Update trust policy, description, session length and tags."""
        iam = self.aws.client("iam")
        if old["assumeRolePolicy"] != new["assumeRolePolicy"]:
            iam.update_assume_role_policy(
                RoleName=id_,
                PolicyDocument=policy_text(new["assumeRolePolicy"], f"{self.type_name}: assumeRolePolicy"),
            )
        if any(old.get(key) != new.get(key) for key in ("description", "maxSessionDuration")):
            iam.update_role(
                RoleName=id_,
                Description=new.get("description", ""),
                MaxSessionDuration=new["maxSessionDuration"],
            )
        tags, untag = tag_changes(old, new)
        if tags:
            iam.tag_role(RoleName=id_, Tags=as_tag_list(tags))
        if untag:
            iam.untag_role(RoleName=id_, TagKeys=untag)

    def delete(self, id_: str, state: State) -> None:
        """Delete the role; AWS refuses (DeleteConflict) while it has policies."""
        iam = self.aws.client("iam")
        try:
            iam.delete_role(RoleName=id_)
        except iam.exceptions.NoSuchEntityException:
            return


class RolePolicy(Handler):
    """An inline policy; the id is `role:name`."""

    type_name = "aws:iam/rolePolicy:RolePolicy"
    resource = "iam.RolePolicy"
    service = "iam"
    removed_with = "aws:iam/role:Role"
    carries = frozenset({"name", "role", "policy", "policy.*"})
    replaces = frozenset({"name", "role"})
    autoname = AutoName(input="name", max_length=128)

    def create(self, inputs: Inputs) -> str:
        """Put the policy."""
        self._put(inputs)
        return f"{inputs['role']}:{inputs['name']}"

    def read(self, id_: str) -> State | None:
        """Return the policy with its document as text."""
        iam = self.aws.client("iam")
        role, name = id_.split(":")
        try:
            found = iam.get_role_policy(RoleName=role, PolicyName=name)
        except iam.exceptions.NoSuchEntityException:
            return None
        document = found["PolicyDocument"]
        return {
            "name": name,
            "role": role,
            "policy": document if isinstance(document, str) else json.dumps(document),
        }

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Put the policy again."""
        self._put(new)

    def delete(self, id_: str, state: State) -> None:
        """Delete the policy."""
        iam = self.aws.client("iam")
        role, name = id_.split(":")
        try:
            iam.delete_role_policy(RoleName=role, PolicyName=name)
        except iam.exceptions.NoSuchEntityException:
            return

    def _put(self, inputs: Inputs) -> None:
        text = policy_text(inputs["policy"], f"{self.type_name}: policy")
        json_document(text, f"{self.type_name}: policy")
        self.aws.client("iam").put_role_policy(
            RoleName=inputs["role"], PolicyName=inputs["name"], PolicyDocument=text
        )


class RolePolicyAttachment(Handler):
    """A managed policy on a role; the id is `role/policy ARN`."""

    type_name = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    resource = "iam.RolePolicyAttachment"
    service = "iam"
    removed_with = "aws:iam/role:Role"
    carries = frozenset({"role", "policyArn"})
    replaces = frozenset({"role", "policyArn"})

    def create(self, inputs: Inputs) -> str:
        """Attach the policy."""
        self.aws.client("iam").attach_role_policy(RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
        return f"{inputs['role']}/{inputs['policyArn']}"

    def read(self, id_: str) -> State | None:
        """Return None where it is not attached."""
        iam = self.aws.client("iam")
        role, _, arn = id_.partition("/")
        try:
            attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        except iam.exceptions.NoSuchEntityException:
            return None
        found = any(policy["PolicyArn"] == arn for policy in attached)
        return {"role": role, "policyArn": arn} if found else None

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Do nothing: every input replaces."""

    def delete(self, id_: str, state: State) -> None:
        """Detach the policy."""
        iam = self.aws.client("iam")
        role, _, arn = id_.partition("/")
        try:
            iam.detach_role_policy(RoleName=role, PolicyArn=arn)
        except iam.exceptions.NoSuchEntityException:
            return


class Policy(Handler):
    """A managed policy; the id is its ARN."""

    type_name = "aws:iam/policy:Policy"
    resource = "iam.Policy"
    service = "iam"
    carries = frozenset({"name", "path", "description", "policy", "policy.*", "tags.*"})
    replaces = frozenset({"name", "path", "description"})
    autoname = AutoName(input="name", max_length=128)
    defaults: ClassVar[Mapping[str, Any]] = {"path": "/"}

    @classmethod
    def existing(cls, aws: Aws) -> Iterator[str]:
        """Yield all managed policies but AWS's own."""
        yield from (policy["Arn"] for policy in pages(aws, "iam", "list_policies", "Policies", Scope="Local"))

    def create(self, inputs: Inputs) -> str:
        """Create the policy with its first version."""
        made = self.aws.client("iam").create_policy(
            PolicyName=inputs["name"],
            Path=inputs["path"],
            Description=inputs.get("description", ""),
            PolicyDocument=policy_text(inputs["policy"], f"{self.type_name}: policy"),
            Tags=as_tag_list(inputs["tagsAll"]),
        )
        return str(made["Policy"]["Arn"])

    def read(self, id_: str) -> State | None:
        """Return the policy with the document of its default version as text."""
        iam = self.aws.client("iam")
        try:
            shown = iam.get_policy(PolicyArn=id_)["Policy"]
        except iam.exceptions.NoSuchEntityException:
            return None
        version = iam.get_policy_version(PolicyArn=id_, VersionId=shown["DefaultVersionId"])["PolicyVersion"]
        document = version["Document"]
        state: State = {
            "arn": id_,
            "name": shown["PolicyName"],
            "path": shown["Path"],
            "policyId": shown["PolicyId"],
            "attachmentCount": shown["AttachmentCount"],
            "policy": document if isinstance(document, str) else json.dumps(document),
            "tagsAll": from_tag_list(shown.get("Tags", [])),
        }
        if shown.get("Description"):
            state["description"] = shown["Description"]
        return state

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Update the document as another version; IAM keeps five, so the one it replaces goes."""
        iam = self.aws.client("iam")
        if old["policy"] != new["policy"]:
            text = policy_text(new["policy"], f"{self.type_name}: policy")
            iam.create_policy_version(PolicyArn=id_, PolicyDocument=text, SetAsDefault=True)
            self._drop_old_versions(id_)
        tags, untag = tag_changes(old, new)
        if tags:
            iam.tag_policy(PolicyArn=id_, Tags=as_tag_list(tags))
        if untag:
            iam.untag_policy(PolicyArn=id_, TagKeys=untag)

    def delete(self, id_: str, state: State) -> None:
        """Delete the policy; AWS refuses (DeleteConflict) while it is attached to anything."""
        iam = self.aws.client("iam")
        try:
            self._drop_old_versions(id_)
            iam.delete_policy(PolicyArn=id_)
        except iam.exceptions.NoSuchEntityException:
            return

    def _drop_old_versions(self, arn: str) -> None:
        iam = self.aws.client("iam")
        for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
            if not version["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
