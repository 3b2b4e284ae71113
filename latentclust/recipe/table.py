"""Models that the tables of a recipe are made of."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Table(BaseModel):
    """A table with fixed keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class PartTable(BaseModel):
    """A table that selects a part by `use`. Keys that are not fields are the options of that part."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, allow_inf_nan=False)

    use: str
    """Name of the part, or `distribution:name`."""

    @property
    def options(self) -> dict[str, Any]:
        """Options of the part."""
        return dict(self.model_extra or {})
