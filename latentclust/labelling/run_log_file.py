"""labelling.json as a file: what it holds, written whole and read back checked."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from latentclust.errors import LatentclustError
from latentclust.files import write_atomic
from latentclust.labelling.label_report import SceneOutcome

NAME = "labelling.json"


class Account(BaseModel):
    """What labelling.json holds; `Manifest` says what each part means."""

    model_config = ConfigDict(strict=True, protected_namespaces=())

    format: Literal[1]
    model: str
    model_path: str = ""
    options: dict[str, Any]
    scenes: list[SceneOutcome]
    replaced: list[SceneOutcome] = []

    def write(self, folder: Path) -> None:
        """Writes it into an output folder; raises LatentclustError where it cannot."""
        write_atomic(folder / NAME, self.model_dump_json(indent=2) + "\n")


def read_account(folder: Path, fix: str) -> Account:
    """What a run left in an output folder; raises LatentclustError where there is none, or it is damaged."""
    path = folder / NAME
    try:
        return Account.model_validate_json(path.read_bytes())
    except OSError as error:
        raise LatentclustError.at(str(path), f"cannot be read ({error.strerror or error})", fix) from error
    except ValidationError as error:
        first: Any = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise LatentclustError.at(str(path), f"cannot be read ({place}: {first['msg']})", fix) from error
