"""Parameters that nothing a run writes may repeat, such as the seed of a private release.

A field is secret if its model hints it with pydantic's ``Secret``, whose text is stars wherever it
is written. Values as configuration and command line give them are sealed in the same type.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel, Secret
from pydantic.fields import FieldInfo


def is_secret(field: FieldInfo) -> bool:
    """Whether a model's field is hinted as a secret, perhaps one that may be left out."""
    return any(_is_secret_type(hint) for hint in (field.annotation, *get_args(field.annotation)))


def _is_secret_type(hint: Any) -> bool:
    kind = get_origin(hint) or hint
    return isinstance(kind, type) and issubclass(kind, Secret)


def secret_names(models: Mapping[str, Any]) -> frozenset[str]:
    """Names of all secret parameters.

    Args:
        models: Types of parameters by dotted name; what is no pydantic model holds no secret.

    Returns:
        Dotted names, such as ``private.training.seed``.
    """
    return frozenset(name for path, hint in models.items() for name in _within(path, hint))


def _within(path: str, hint: Any) -> Iterator[str]:
    if not (isinstance(hint, type) and issubclass(hint, BaseModel)):
        return
    for name, field in hint.model_fields.items():
        if is_secret(field):
            yield f"{path}.{name}"
        for inner in (field.annotation, *get_args(field.annotation)):
            yield from _within(f"{path}.{name}", inner)


def sealed(values: Mapping[str, Any], names: Collection[str], parent: str = "") -> dict[str, Any]:
    """The same parameters, with each secret's value in a ``Secret``.

    Args:
        values: Parameters, nested.
        names: Dotted names of the secrets.
        parent: Name of ``values`` itself, with a dot at its end.
    """
    return {key: _sealed(value, names, f"{parent}{key}") for key, value in values.items()}


def _sealed(value: Any, names: Collection[str], path: str) -> Any:
    if path in names:
        return value if value is None or isinstance(value, Secret) else Secret(value)
    return sealed(value, names, f"{path}.") if isinstance(value, Mapping) else value


def concerns_secret(name: str, secrets: Collection[str], is_known: bool = True) -> bool:
    """Whether what was given for a parameter could be a secret, or hold one.

    Args:
        name: Dotted name of the parameter.
        secrets: Dotted names of the secrets.
        is_known: Whether a model has the parameter; else it may be a secret with its name misspelt.
    """
    return any(
        f"{secret}.".startswith(f"{name}.")
        or f"{name}.".startswith(f"{secret}.")
        or (not is_known and name.rpartition(".")[0] == secret.rpartition(".")[0])
        for secret in secrets
    )


def variable_of(name: str) -> str:
    """The environment variable that gives a secret parameter: its name in capitals."""
    return f"DOPPELCART_{name.replace('.', '_').upper()}"


def missing(name: str) -> str:
    """What to do about a secret that was not given.

    Args:
        name: Dotted name of the parameter.
    """
    make = f"export {variable_of(name)}=$(python -c 'import secrets; print(secrets.randbits(127))')"
    return (
        f"{name} was not given. It is secret and has no default, since whoever knows it can "
        f"compute the noise again and take it away. Make one up that nobody can guess and run "
        f"again: `{make}`. It is neither printed nor tracked, so note it yourself if the same "
        f"release is to be made again."
    )
