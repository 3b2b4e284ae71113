"""The base of options that Python and the command line share: invalid values are reported by the option's name."""

import operator
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ModelWrapValidatorHandler, ValidationError
from pydantic import model_validator as validator

from latentclust.errors import Issue, LatentclustError, did_you_mean


def option_name(field: str) -> str:
    """Return the command-line option of a field."""
    return f"--{field.replace('_', '-')}"


def _to_int(value: Any) -> Any:
    """Convert integers of other libraries, such as NumPy's."""
    return operator.index(value) if hasattr(value, "__index__") and not isinstance(value, bool) else value


def _to_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


Whole = Annotated[int, BeforeValidator(_to_int)]
Count = Annotated[int, BeforeValidator(_to_int), Field(ge=1)]
NonNegative = Annotated[int, BeforeValidator(_to_int), Field(ge=0)]
Words = Annotated[tuple[str, ...], BeforeValidator(_to_tuple)]
WholeNumbers = Annotated[tuple[Whole, ...], BeforeValidator(_to_tuple)]
Numbers = Annotated[tuple[float, ...], BeforeValidator(_to_tuple)]


class OptionModel(BaseModel):
    """Options, each a field whose docstring is its help."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", use_attribute_docstrings=True)

    @validator(mode="wrap")
    @classmethod
    def _check(cls, values: Any, handler: ModelWrapValidatorHandler["OptionModel"]) -> "OptionModel":
        """Validate all options. Raise LatentclustError that lists every invalid one."""
        try:
            options = handler(values)
        except ValidationError as error:
            # Each branch of a union reports an error of its own; the first one is enough.
            issues = {found["loc"][:1]: _to_issue(cls, found) for found in reversed(error.errors(include_url=False))}
            raise LatentclustError(*reversed(issues.values())) from None
        options.check_combinations()
        return options

    def check_combinations(self) -> None:
        """Raise LatentclustError if options exclude or require each other."""

    @property
    def given(self) -> dict[str, Any]:
        """The values of the fields that differ from their defaults."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: value for name, value in values.items() if value != type(self).model_fields[name].default}

    @property
    def given_options(self) -> dict[str, Any]:
        """The same by command-line option."""
        return {option_name(name): value for name, value in self.given.items()}


def _to_issue(model: type[BaseModel], error: Any) -> Issue:
    """Convert a validation error to an issue that names the option and its value."""
    field = str(error["loc"][0]) if error["loc"] else "options"
    if error["type"] == "extra_forbidden":
        return Issue("label", f"{field!r} is not an option", did_you_mean(field, model.model_fields))
    default = model.model_fields[field].default
    expected = error["msg"].replace("Input should be", "must be").replace("greater than or equal to", "at least")
    fix = "Correct it, or leave it out" + (f" for the default, {default}" if default not in (None, (), False) else "")
    return Issue(option_name(field), f"{expected}, got {error['input']!r}", fix)


def check_exclusive(options: Mapping[str, Any]) -> None:
    """Raise LatentclustError if more than one of the options has a value."""
    given = [option for option, value in options.items() if value is not None]
    if len(given) > 1:
        what = f"exclude each other ({' and '.join(str(options[option]) for option in given)})"
        raise LatentclustError.at(", ".join(given), what, "Pass only one of them")


def check_required(option: str, value: object | None, needed: str, present: bool) -> None:
    """Raise LatentclustError if an option has a value and the option that it needs has none."""
    if value is not None and not present:
        raise LatentclustError.at(option, f"{value!r} requires {needed}", f"Give {needed} too")
