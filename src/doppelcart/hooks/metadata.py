"""What hooks do with a dataset: said by its catalog entry, so that no hook knows one by name.

```yaml
metadata:
  doppelcart:
    track: {file: reporting, metrics: gan/training_log}    # {} tracks nothing
    terminal: section                                 # what a run ends with, if it ends with it
    sizes: true                                       # tells how much memory the rest needs
```
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

from kedro.io import CatalogProtocol
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from doppelcart.config.hints import fault_message
from doppelcart.errors import ConfigurationError

KEY: Final = "doppelcart"
Role = Literal["section", "product", "report"]


class Track(BaseModel):
    """What of a dataset goes to the MLflow run as it is saved."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str | None = Field(default=None, description="Folder of the artifacts for its file.")
    metrics: str | None = Field(
        default=None, description="Prefix of the names of its numbers; may be empty."
    )
    columns: tuple[str, ...] | None = Field(
        default=None, description="Columns that `metrics` takes; all where it is left out."
    )
    findings: str | None = Field(
        default=None, description="Prefix of the names of what its monitors measured."
    )
    trials: bool = Field(default=False, description="Whether its rows become nested runs.")
    registered: str | None = Field(
        default=None,
        description="Name under which what serves is registered once this decision is saved.",
    )
    source: bool = Field(default=False, description="Whether it names the source, for a tag.")


class Handling(BaseModel):
    """All that hooks do with a dataset."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    track: Track = Track()
    terminal: Role | None = Field(
        default=None, description="Its part in the last words of a run; none where it has none."
    )
    sizes: bool = Field(
        default=False, description="Whether it tells how much memory the rest of a run needs."
    )


def handling_of(catalog: CatalogProtocol | None, name: str) -> Handling:
    """What to do with a dataset of the catalog; nothing where its entry is silent."""
    dataset = catalog.get(name) if catalog is not None and name in catalog else None
    return _of(getattr(dataset, "metadata", None))


def handlings(entries: Mapping[str, Any]) -> dict[str, Handling]:
    """What to do with every entry of the catalog, by name or pattern.

    Args:
        entries: The catalog as configured.

    Raises:
        ConfigurationError: What some of them ask for is not known; all are listed.
    """
    found, faults = {}, []
    for name, entry in entries.items():
        try:
            found[name] = _of(entry.get("metadata") if isinstance(entry, Mapping) else None)
        except ValidationError as error:
            faults += [
                f"  - {name}: metadata.{KEY}.{'.'.join(map(str, fault['loc']))}: "
                f"{fault_message(fault, Handling)}"
                for fault in error.errors()
            ]
    if faults:
        listed = "\n".join(faults)
        raise ConfigurationError(
            f"The catalog asks for {len(faults)} things that no hook does:\n{listed}\n"
            "What there is stands in doppelcart.hooks.metadata. Nothing has run."
        )
    return found


def with_role(found: Mapping[str, Handling], role: Role) -> list[str]:
    """Names of the datasets that have a part in the last words of a run."""
    return [name for name, handling in found.items() if handling.terminal == role]


def _of(metadata: Any) -> Handling:
    return Handling.model_validate((metadata or {}).get(KEY) or {})
