"""Checks of annotations in all tests: beartype checks types, and jaxtyping the shapes of functions that state some."""

import dataclasses
import os
from typing import Any, ForwardRef, get_args

import jaxtyping
from beartype import beartype

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the threads of several workers would wait for each other

SHAPES_AND_TYPES = jaxtyping.jaxtyped(typechecker=beartype)


def needs_jaxtyping(annotation: Any) -> bool:
    """Whether an annotation states a shape, or has a name in quotes, which jaxtyping resolves."""
    if isinstance(annotation, str | ForwardRef):
        return True
    if isinstance(annotation, type) and issubclass(annotation, jaxtyping.AbstractArray):
        return True
    return any(needs_jaxtyping(part) for part in get_args(annotation) if part is not Ellipsis)


def checked(part: Any) -> Any:
    """A function, or a class with the constructor of its dataclass, that checks its arguments and its result."""
    if isinstance(part, type):
        if dataclasses.is_dataclass(part) and "__init__" in vars(part):
            part.__init__ = checked(part.__init__)
        return part
    annotations = getattr(part, "__annotations__", {})
    return (SHAPES_AND_TYPES if any(map(needs_jaxtyping, annotations.values())) else beartype)(part)


# jaxtyping's import hook decorates everything with this. Its own decorator binds the signature anew in each call, and
# takes seven times as long as beartype alone.
jaxtyping.jaxtyped = lambda typechecker: checked
