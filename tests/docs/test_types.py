"""The page of types and roles names every type of the vocabulary and every role."""

import re
from typing import NewType

from latentclust import tensors
from latentclust.specs import roles


def test_every_type_and_role_has_a_row(page):
    found = page("docs/reference/types.md")
    types = {name for name, value in vars(tensors).items() if isinstance(value, NewType)}
    own = {name: value for name, value in vars(tensors).items() if getattr(value, "__module__", "") == tensors.__name__}
    types |= {"Sample", *(name for name, value in own.items() if hasattr(value, "__dataclass_fields__"))}
    assert set(found.rows("Values of a step", "type")) == types
    protocols = {name for name, value in vars(roles).items() if getattr(value, "__module__", "") == roles.__name__}
    assert set(found.rows("Roles", "role")) == protocols
    assert all(re.search(rf"`{name}`", found.text) for name in types | protocols)
