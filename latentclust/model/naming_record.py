"""The record of labels that named clusters, in the header of a model file: nothing is trained on them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from latentclust.errors import LatentclustError, first_problem

NAMED_FROM = "named_from"
"""Entry of the header that holds the records."""

MAX_DIGESTS = 10_000
"""Maximum number of labelled images whose digests a record contains. A digest takes 15 bytes."""

DIGEST_DIGITS = 12
"""Number of hexadecimal digits of a digest, so that two of 10,000 images are taken for one with probability 2e-7."""

MAX_NUMBERS = 12
"""Maximum number of clusters that a sentence lists."""

Rule = Literal["majority", "one-to-one"]
"""The most frequent class of a cluster, or a one-to-one matching of clusters and classes."""

Unit = Literal["images", "points and polygons"]
"""What the labels are given to."""


@dataclass(frozen=True, slots=True)
class NamingRecord:
    """Labels that named clusters.

    Attributes:
        file: Name of the file of labels, without its folder.
        sha256: SHA-256 of the file.
        unit: What the labels are given to.
        labels: Number of labels that counted.
        rule: How clusters were named.
        date: Day of the naming, as YYYY-MM-DD.
        names: Names that the labels gave to clusters, counted from 1.
        digests: Beginning of the SHA-256 of each labelled image as the model reads it, sorted. Empty for points and
            polygons, and for more than `MAX_DIGESTS` images.
    """

    file: str
    sha256: str
    unit: Unit
    labels: int
    rule: Rule
    date: str
    names: Mapping[int, str]
    digests: tuple[str, ...] = ()

    def valid_for(self, names: Mapping[int, str]) -> list[int]:
        """Return the clusters that still have the name that the labels gave."""
        return sorted(cluster for cluster, name in self.names.items() if names.get(cluster) == name)

    def as_json(self, names: Mapping[int, str]) -> dict[str, Any]:
        """Return the record as a JSON-serializable dict, with the clusters that still have their names."""
        facts = {"file": self.file, "sha256": self.sha256, "unit": self.unit, "labels": self.labels}
        return {**facts, "rule": self.rule, "date": self.date, "clusters": self.valid_for(names)}


class _Stored(BaseModel):
    model_config = ConfigDict(strict=True)

    file: Annotated[str, Field(max_length=4096)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    unit: Unit
    labels: Annotated[int, Field(ge=1)]
    rule: Rule
    date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    names: dict[Annotated[str, Field(pattern="^[1-9][0-9]{0,8}$")], str]
    digests: Annotated[list[Annotated[str, Field(pattern="^[0-9a-f]+$")]], Field(max_length=MAX_DIGESTS)] = []


_RECORDS = TypeAdapter(list[_Stored])


def records_to_header(records: Iterable[NamingRecord]) -> dict[str, Any]:
    """Return records as an entry of a model file's header; no entry if there are none."""
    rows = [
        {
            **asdict(record),
            "names": {str(cluster): name for cluster, name in record.names.items()},
            "digests": list(record.digests),
        }
        for record in records
    ]
    return {NAMED_FROM: rows} if rows else {}


def records_from_header(header: Mapping[str, Any], where: str) -> tuple[NamingRecord, ...]:
    """Return the records of a header. Raise LatentclustError if they are invalid."""
    try:
        rows = _RECORDS.validate_python(header.get(NAMED_FROM, []))
    except ValidationError as error:
        what = f"the header has an invalid record of the labels that named clusters ({first_problem(error)})"
        raise LatentclustError.at(where, what, "Use an unchanged copy of the file") from error
    return tuple(_record(row) for row in rows)


def _record(row: _Stored) -> NamingRecord:
    names = {int(cluster): name for cluster, name in row.names.items()}
    digests = tuple(row.digests)
    return NamingRecord(row.file, row.sha256, row.unit, row.labels, row.rule, row.date, names, digests)


def with_record(records: Sequence[NamingRecord], new: NamingRecord) -> tuple[NamingRecord, ...]:
    """Return records with a new one, which replaces what others say of its clusters. Empty records are dropped."""
    kept = []
    for record in records:
        names = {cluster: name for cluster, name in record.names.items() if cluster not in new.names}
        if names:
            kept.append(replace(record, names=names))
    return (*kept, new) if new.names else tuple(kept)


def naming_sentences(names: Mapping[int, str], records: Iterable[NamingRecord]) -> list[str]:
    """Return which clusters have names from labels, one sentence for each file of labels.

    A cluster that was renamed since is not among them: its name is not from the labels.

    Args:
        names: Names of clusters, counted from 1.
        records: Records of the labels.
    """
    sentences = []
    for record in records:
        clusters = record.valid_for(names)
        if clusters:
            labels = f"{record.labels:,} label{'' if record.labels == 1 else 's'} of {record.unit}"
            source = f"{record.file}, {record.rule}, {record.date}"
            verb = "is" if len(clusters) == 1 else "are"
            noun = "The name of cluster" if len(clusters) == 1 else "The names of clusters"
            sentences.append(
                f"{noun} {listed_numbers(clusters)} {verb} from {labels} ({source}). Nothing is trained on them."
            )
    return sentences


def listed_numbers(numbers: Sequence[int]) -> str:
    """Return numbers as text, the first `MAX_NUMBERS` of them."""
    more = f" and {len(numbers) - MAX_NUMBERS:,} others" if len(numbers) > MAX_NUMBERS else ""
    return ", ".join(map(str, numbers[:MAX_NUMBERS])) + more
