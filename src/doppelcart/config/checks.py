"""What is looked at before the first node runs: parameters, room to write, and what is read."""

import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from kedro.io import CatalogProtocol, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.validation import TypeExtractor
from pydantic import TypeAdapter, ValidationError

from doppelcart.config import secrecy
from doppelcart.config.agreement import Rule
from doppelcart.config.hints import did_you_mean, fault_message
from doppelcart.errors import InputError, ParameterError, StorageError

PREFIX = "params:"
DEFAULT = "__default__"
MARKERS = ".incomplete"
MOST_NAMED = 5
GIGABYTE = 1e9
MOST_OF_MEMORY = 0.9
"""The share of the machine's memory that a run may take; the system needs some."""
CONTAINER = Path("/sys/fs/cgroup/memory.max")
"""Where Linux says what a container may take; a word instead of a number is no limit."""


def check_parameters(
    raw: Mapping[str, Any], pipelines: Mapping[str, Pipeline], rules: Iterable[Rule] = ()
) -> None:
    """Hold the parameters against every model and every name that a pipeline asks for.

    Args:
        raw: Parameters as configuration and command line give them.
        pipelines: Every registered pipeline.
        rules: What several parameters must agree on.

    Raises:
        ParameterError: Lists all that is unknown, out of bounds, of a wrong type, or at odds with
            another, at once.
    """
    used = {
        name.removeprefix(PREFIX)
        for pipeline in pipelines.values()
        for name in pipeline.inputs()
        if name.startswith(PREFIX)
    }
    models, invalid = _validated(raw, pipelines)
    problems = [*_unknown(raw, used), *invalid, *(line for rule in rules for line in rule(models))]
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise ParameterError(
            f"{len(problems)} parameter{'s' * (len(problems) > 1)} cannot be used:\n{listed}\n"
            f"They come from conf/<environment>/parameters* and from --params. Nothing has run."
        )


def _unknown(raw: Mapping[str, Any], used: set[str], parent: str = "") -> Iterator[str]:
    """Names that no node asks for; what lies below a name in use is its model's affair."""
    for key, value in raw.items():
        path = f"{parent}{key}"
        if path in used:
            continue
        below = sorted(name for name in used if name.startswith(f"{path}."))
        if below and isinstance(value, Mapping):
            yield from _unknown(value, used, f"{path}.")
            continue
        if below:
            yield f"{path}: holds {', '.join(below)}; set one of these (given: {value!r:.80})"
            continue
        depth = path.count(".") + 1
        known = sorted({".".join(name.split(".")[:depth]) for name in used})
        known = [name for name in known if name.startswith(parent)]
        hint = did_you_mean(path, known)
        yield f"{path}: unknown; {hint[:1].lower()}{hint[1:]}known are {', '.join(known)}"


def _validated(
    raw: Mapping[str, Any], pipelines: Mapping[str, Pipeline]
) -> tuple[dict[str, Any], list[str]]:
    """Typed models by name, and one line for each field that its model refuses."""
    models, problems = {}, []
    required = _types(pipelines)
    secrets = secrecy.secret_names(required)
    for path, hint in sorted(required.items()):
        value = _at(raw, path)
        if value is KeyError:
            continue
        try:
            models[path] = TypeAdapter(hint).validate_python(value)
        except ValidationError as refused:
            errors = refused.errors(include_url=False)
            problems += [_explained(path, error, hint, secrets) for error in errors]
    return models, problems


def _explained(path: str, error: Mapping[str, Any], hint: Any, secrets: Collection[str]) -> str:
    name = ".".join([path, *map(str, error["loc"])])
    is_known = error["type"] != "extra_forbidden"
    is_long = isinstance(error["input"], Mapping)
    is_hidden = is_long or secrecy.concerns_secret(name, secrets, is_known)
    given = "" if is_hidden else f" (given: {error['input']!r:.80})"
    return f"{name}: {fault_message(error, hint)}{given}"


def _types(pipelines: Mapping[str, Pipeline]) -> dict[str, Any]:
    """The type that nodes hint for each parameter, by its dotted name."""
    return TypeExtractor(dict(pipelines)).extract_types_from_pipelines()


def seal_secrets(raw: Mapping[str, Any], pipelines: Mapping[str, Pipeline]) -> dict[str, Any]:
    """The same parameters, of which nothing that prints or tracks them can read the secrets.

    Args:
        raw: Parameters as configuration or command line give them.
        pipelines: Every registered pipeline, for what is secret.
    """
    return secrecy.sealed(raw, secrecy.secret_names(_types(pipelines)))


def check_secrets(models: Mapping[str, Any]) -> None:
    """Refuse a run that needs a secret and was given none.

    Args:
        models: Validated parameters of the run's nodes, by dotted name.

    Raises:
        ParameterError: A secret is missing.
    """
    names = secrecy.secret_names({path: type(model) for path, model in models.items()})
    for name in sorted(names):
        path = max((path for path in models if name.startswith(f"{path}.")), key=len)
        value = models[path]
        for key in name.removeprefix(f"{path}.").split("."):
            value = getattr(value, key, None)
        if value is None:
            raise ParameterError(f"{secrecy.missing(name)} Nothing has run.")


def unread(given: Iterable[str], read: Collection[str]) -> list[str]:
    """Parameters that nobody reads, neither by themselves nor within a model or as one.

    Args:
        given: Dotted names, such as ``gan.training.epochs``.
        read: What some nodes ask for, by dotted name, such as ``gan.training``.

    Examples:
        >>> unread(["gan.training.epochs", "split.seed"], ["gan.training"])
        ['split.seed']
    """
    return [
        name
        for name in given
        if not any(
            f"{name}.".startswith(f"{asked}.") or asked.startswith(f"{name}.") for asked in read
        )
    ]


def _at(raw: Mapping[str, Any], path: str) -> Any:
    """Value at a dotted path, or the class KeyError where there is none."""
    value: Any = raw
    for key in path.split("."):
        if not isinstance(value, Mapping) or key not in value:
            return KeyError
        value = value[key]
    return value


def check_storage(data_root: Path, min_free_gb: float) -> None:
    """Try to write into the data folder and look at the space left.

    Args:
        data_root: Folder that holds every dataset; made where it is missing.
        min_free_gb: Free space needed, in GB (10^9 bytes).

    Raises:
        StorageError: The folder cannot be written, or has less space.
    """
    probe = data_root / ".write_probe"
    try:
        data_root.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"\0" * 4096)
        probe.unlink()
    except OSError as error:
        raise StorageError(
            f"The data folder {data_root} cannot be written: {error.strerror or error}. Make it "
            f"writable, free some space, or name another folder: `DOPPELCART_DATA=... kedro run`. "
            f"Nothing has run."
        ) from error
    free = shutil.disk_usage(data_root).free / GIGABYTE
    if free < min_free_gb:
        raise StorageError(
            f"The data folder {data_root} has {free:.2f} GB left and a run needs {min_free_gb} GB: "
            f"free some space, name another folder (`DOPPELCART_DATA=... kedro run`), or lower "
            f"`min_free_gb` in globals.yml. Nothing has run."
        )


def memory_there(limit_gb: float | None = None) -> float:
    """The bytes that a run may take: those given, else nine tenths of the machine's or container's.

    Args:
        limit_gb: The limit in GB (10^9 bytes); None asks the system.
    """
    if limit_gb is not None:
        return limit_gb * GIGABYTE
    machine = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    container = CONTAINER.read_text().strip() if CONTAINER.exists() else ""
    return MOST_OF_MEMORY * (min(machine, float(container)) if container.isdigit() else machine)


def check_whole(names: Iterable[str], markers: Path, pipelines: Mapping[str, Pipeline]) -> None:
    """Look for markers of datasets whose writing never ended.

    Args:
        names: Datasets that a run may read.
        markers: Folder of the markers, each named like its dataset.
        pipelines: Every registered pipeline.

    Raises:
        StorageError: A dataset may be half-written.
    """
    broken = sorted({name for name in map(bare, names) if (markers / name).exists()})
    if not broken:
        return
    redo = ",".join(sorted({maker for name in broken for maker in makers_of(name, pipelines)}))
    advice = f"Make them again: `kedro run --pipelines {redo}`" if redo else "Make them again"
    raise StorageError(
        f"An earlier run was stopped while it wrote {', '.join(broken)}, so what is on disk may be "
        f"half of it. {advice}, or run everything with `kedro run`. If you know the files to be "
        f"whole, delete the markers of these names in {markers}. Nothing has run."
    )


def check_there(
    names: Iterable[str],
    catalog: CatalogProtocol,
    pipelines: Mapping[str, Pipeline],
    env: str | None = None,
) -> None:
    """Look for what a part of the whole run reads and another part makes.

    Args:
        names: Datasets that a run reads and does not make.
        catalog: Knows whether they are there.
        pipelines: Every registered pipeline.
        env: Environment of the run, for the command that the error proposes.

    Raises:
        StorageError: Some are not there; says which pipelines make them.
    """
    absent = _absent(names, catalog, pipelines)
    if not absent:
        return
    listed = [
        f"{name} is made by {' or '.join(makers_of(name, pipelines))}"
        for name in absent[:MOST_NAMED]
    ]
    more = f", and {len(absent) - MOST_NAMED} more" if len(absent) > MOST_NAMED else ""
    needed = _needed(absent, catalog, pipelines)
    raise StorageError(
        f"The run reads what is not there yet: {'; '.join(listed)}{more}. Make it first: "
        f"`kedro run{env_option(env)} --pipelines {','.join(needed)}`. Nothing has run."
    )


def env_option(env: str | None) -> str:
    """How a command that is proposed names the environment of a run; empty for the default."""
    return "" if env in (None, "local") else f" --env {env}"


def check_sources(
    names: Iterable[str], catalog: CatalogProtocol, pipelines: Mapping[str, Pipeline]
) -> None:
    """Look for the files of every source that a run reads, some of which another run may make.

    Args:
        names: Datasets that a run reads and does not make.
        catalog: Has the sources.
        pipelines: Every registered pipeline.

    Raises:
        InputError: Files are not there, or are none; says which pipelines make them, if any.
    """
    for name in sorted(names):
        source = catalog.get(name) if name in catalog else None
        if source is None or not hasattr(source, "require"):
            continue
        try:
            source.require()
        except InputError as error:
            advice = _making(source.paths, catalog, pipelines)
            raise InputError(f"{error}{advice} Nothing has run.") from error


def _making(
    paths: Iterable[str], catalog: CatalogProtocol, pipelines: Mapping[str, Pipeline]
) -> str:
    """How to make those of the missing files that are datasets of a pipeline."""
    wanted = {Path(path).resolve() for path in paths if not Path(path).exists()}
    made = {
        output
        for pipeline in pipelines.values()
        for output in pipeline.all_outputs()
        if output in catalog and _path_of(catalog.get(output)) in wanted
    }
    needed = _needed(sorted(made), catalog, pipelines)
    return f" `kedro run --pipelines {','.join(needed)}` makes them." if needed else ""


def _path_of(dataset: Any) -> Path | None:
    found = getattr(dataset, "_filepath", None)
    return None if found is None else Path(str(found)).resolve()


def makers_of(name: str, pipelines: Mapping[str, Pipeline]) -> list[str]:
    """Names of the pipelines that make a dataset, the default left aside."""
    return [
        key
        for key, pipeline in pipelines.items()
        if key != DEFAULT and bare(name) in map(bare, pipeline.all_outputs())
    ]


def bare(name: str) -> str:
    """Name of a dataset without Kedro's transcoding suffix."""
    return name.partition("@")[0]


def _absent(
    names: Iterable[str], catalog: CatalogProtocol, pipelines: Mapping[str, Pipeline]
) -> list[str]:
    """Those of the datasets that a pipeline makes and that are not there."""
    return [
        name
        for name in sorted(names)
        if not name.startswith(PREFIX)
        and makers_of(name, pipelines)
        and not _is_there(name, catalog)
    ]


def _is_there(name: str, catalog: CatalogProtocol) -> bool:
    dataset = catalog.get(name) if name in catalog else None
    if dataset is None or isinstance(dataset, MemoryDataset):
        return False
    return getattr(dataset, "optional", False) or catalog.exists(name)


def _needed(
    absent: Iterable[str], catalog: CatalogProtocol, pipelines: Mapping[str, Pipeline]
) -> list[str]:
    """Pipelines that make the datasets, and those that make what these in turn lack."""
    needed: list[str] = []
    wanted = list(absent)
    while wanted:
        maker = makers_of(wanted.pop(), pipelines)[0]
        if maker not in needed:
            needed.append(maker)
            wanted += _absent(pipelines[maker].inputs(), catalog, pipelines)
    return sorted(needed)
