"""Write docs/reference/hooks.md from the hooks and the classes of their parts.

Run `python docs/scripts/hook_reference.py`. tests/docs/test_hook_reference.py fails if the page is out of date.
"""

import ast
import inspect
import textwrap
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType
from typing import Any, ClassVar

from latentclust import api
from latentclust.plugins import hookspecs
from latentclust.plugins.checks import NAME_PATTERN, NAME_PATTERNS, hook_kind
from latentclust.plugins.options import attribute_docstrings, part_options
from latentclust.specs.parts import Spec

WIDTH = 118

FILE = Path(__file__).parents[1] / "reference" / "hooks.md"

OPENING = """# Hooks

The parts that a plugin can provide. `python docs/scripts/hook_reference.py` generates this page from
`latentclust/plugins/hookspecs.py`. [Write plugins](../how-to/write-plugins.md) has an example of each.

A hook is a function of a plugin's module, marked with `@hookimpl`. Hooks take no argument. Each returns a mapping from
names to parts. A name is {name}, unless its hook says otherwise.
Every class below is in `latentclust.api`. "Required" is what a part must define; the rest has a default, which it may
override.
"""


def reference() -> str:
    """Return the page."""
    hooks = [value for name, value in vars(hookspecs).items() if name.startswith("provide_")]
    sections = [OPENING.format(name=f"`{NAME_PATTERN}`"), *(section for hook in hooks for section in _hook(hook))]
    return "\n".join(sections)


def _hook(hook: Callable[..., Any]) -> Iterator[str]:
    kind = hook_kind(hook.__name__)
    yield f"## {hook.__name__}\n"
    yield f"```python\n{_signature(hook)}\n```\n"
    yield f"{inspect.getdoc(hook)}\n"
    if kind in NAME_PATTERNS:
        yield f"A name is `{NAME_PATTERNS[kind]}`.\n"
    (_, provided) = typing.get_args(typing.get_type_hints(hook)["return"])
    (base,) = typing.get_args(provided) if typing.get_origin(provided) is type else (None,)
    if base is not None:
        offered = (vars(api)[name] for name in api.__all__)
        specs = [one for one in offered if inspect.isclass(one) and issubclass(one, base)]
        for spec in sorted(specs, key=lambda one: (len(one.__mro__), one.__name__)):
            yield from _class(spec)


def _class(spec: type[Spec]) -> Iterator[str]:
    """Yield the section of a class, with the members that its base class does not have."""
    (base,) = (one for one in spec.__bases__ if issubclass(one, Spec))
    derived = "" if base is Spec else f"A `{base.__name__}`. "
    yield f"### {spec.__name__}\n"
    yield _wrapped(derived + _summary(spec)) + "\n"
    members = [*_class_variables(spec), *_options(spec, base), *_methods(spec)]
    if members:
        yield "\n".join(members) + "\n"


def _class_variables(spec: type[Spec]) -> Iterator[str]:
    told = attribute_docstrings(spec)
    for name, annotation in inspect.get_annotations(spec).items():
        if typing.get_origin(annotation) is ClassVar and not name.startswith("_"):
            written = name in vars(spec)
            default = f" = {vars(spec)[name]!r}" if written else ""
            (of,) = typing.get_args(annotation)
            yield _member(f"{name}: {_type(of)}{default}", "class variable", not written, told.get(name, ""))


def _options(spec: type[Spec], base: type[Spec]) -> Iterator[str]:
    for option in part_options(spec):
        if option.name not in base.model_fields:
            default = "" if option.required or option.default is None else f" = {option.default!r}"
            yield _member(f"{option.name}: {option.type}{default}", "option", option.required, option.description)


def _methods(spec: type[Spec]) -> Iterator[str]:
    for name, value in vars(spec).items():
        method = value.fget if isinstance(value, property) else value
        if not isinstance(method, FunctionType) or (name.startswith("_") and name != "__call__"):
            continue
        if method.__module__.partition(".")[0] == "pydantic":  # which adds methods to classes with private attributes
            continue
        what = "property" if isinstance(value, property) else "method"
        required = bool(getattr(method, "__isabstractmethod__", False))
        head = _signature(method).removeprefix("def ").removesuffix(": ...")
        if isinstance(value, property):
            head = head.replace("() -> ", ": ")
        yield _member(head, what, required, _summary(method))


def _summary(documented: Any) -> str:
    """Return the first paragraph of a docstring."""
    return (inspect.getdoc(documented) or "").partition("\n\n")[0]


def _member(code: str, what: str, required: bool, told: str) -> str:
    return _wrapped(f"- {'required ' * required}{what} `{code}`" + (f": {told}" if told else ""), indent="  ")


def _wrapped(text: str, indent: str = "") -> str:
    lines = textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines)


def _signature(function: Callable[..., Any]) -> str:
    """Return the signature of a function as written in the source, without `self`."""
    definition = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function)))).body[0]
    assert isinstance(definition, ast.FunctionDef), "a function's source is its definition"
    definition.args.args = [each for each in definition.args.args if each.arg != "self"]
    result = ast.unparse(definition.returns).strip("'") if definition.returns else "None"
    return f"def {definition.name}({ast.unparse(definition.args)}) -> {result}: ..."


def _type(annotation: Any) -> str:
    """Return a type as it is written in code."""
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return annotation.__name__
    arguments = ", ".join(_type(each) for each in typing.get_args(annotation))
    origin = typing.get_origin(annotation)
    return f"{origin.__name__}[{arguments}]" if origin else str(annotation).removeprefix("typing.")


if __name__ == "__main__":
    FILE.write_text(reference(), encoding="utf-8")
