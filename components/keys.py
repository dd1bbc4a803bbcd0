"""The base of each group of keys of a stack's configuration."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Keys(BaseModel):
    """A group of keys: no unknown key is accepted, and no value changes after parsing."""

    # Without `use_attribute_docstrings`, which parses a file anew for each class of it: only documents read them.
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)
