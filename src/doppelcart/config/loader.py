"""Kedro's configuration loader, whose errors a person can read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kedro.config import MissingConfigException, OmegaConfigLoader
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from doppelcart.config.hints import did_you_mean
from doppelcart.errors import ConfigurationError, DoppelcartError, chain

MOST_NAMED = 20


class ReadableConfigLoader(OmegaConfigLoader):
    """``OmegaConfigLoader`` that says which folder, environment or file is at fault, and why."""

    def __init__(self, conf_source: str, env: str | None = None, **arguments: Any) -> None:
        wanted = env or arguments.get("default_run_env") or ""
        _check_environment(str(conf_source), arguments.get("base_env") or "", wanted)
        super().__init__(conf_source, env=env, **arguments)

    def __getitem__(self, key: str) -> dict[str, Any]:
        """Read, merge and resolve all files of one kind.

        Args:
            key: Kind of configuration, such as ``parameters``.

        Raises:
            ConfigurationError: A file is no YAML, contradicts another one, asks for a value that
                there is not, or may not be read.
            MissingConfigException: There is no file of that kind.
        """
        try:
            return super().__getitem__(key)
        except MissingConfigException:
            raise
        except YAMLError as error:
            raise ConfigurationError(
                f"{error} {_problem(error.__cause__)}Mend the file; nothing has run."
            ) from error
        except OSError as error:
            raise ConfigurationError(
                f"Reading {error.filename or self.conf_source} failed: {error.strerror or error}. "
                "Let your account read it; nothing has run."
            ) from error
        except UnicodeDecodeError as error:
            raise ConfigurationError(
                f"These files are not in UTF-8: {', '.join(self._not_utf8())}. Save them anew in "
                "that encoding; nothing has run."
            ) from error
        except (AttributeError, OmegaConfBaseException, TypeError, ValueError) as error:
            for cause in chain(error):
                if isinstance(cause, DoppelcartError):  # of a resolver
                    raise cause from cause.__cause__
            raise ConfigurationError(
                f"The {key} in {self.conf_source} ({' and '.join(self._folders())}) cannot be "
                f"used: {_reason(error)}. Mend the file; nothing has run."
            ) from error

    def _folders(self) -> list[str]:
        return [self.base_env, self.env or self.default_run_env]

    def _not_utf8(self) -> list[str]:
        paths = [
            path
            for folder in self._folders()
            for suffix in ("yml", "yaml", "json")
            for path in sorted(Path(self.conf_source, folder).rglob(f"*.{suffix}"))
        ]
        return [str(path) for path in paths if not _is_utf8(path.read_bytes())]


def _check_environment(conf_source: str, base: str, wanted: str) -> None:
    """Stop if a local folder of configuration lacks the environment."""
    root = Path(conf_source)
    if "://" in conf_source or root.is_file():
        return
    if not (root / base).is_dir():
        raise ConfigurationError(
            f"There is no configuration in {root}: go to the project's folder (the one with "
            f"pyproject.toml and conf) and run there, or name the folder that holds {base}: "
            "`--conf-source FOLDER`. Nothing has run."
        )
    if (root / wanted).is_dir():
        return
    known = sorted(path.name for path in root.iterdir() if path.is_dir())
    raise ConfigurationError(
        f"There is no environment '{wanted}' in {root}. {did_you_mean(wanted, known)}There are "
        f"{', '.join(known[:MOST_NAMED])}; a new one is a folder of that name: "
        f"`mkdir {root / wanted}`. Nothing has run."
    )


def _problem(error: BaseException | None) -> str:
    """What the reader of YAML could not make sense of, where it says so."""
    problem = getattr(error, "problem", None)
    mark = getattr(error, "problem_mark", None)
    if problem is None or mark is None:
        return ""
    return f"Line {mark.line + 1}, column {mark.column + 1}: {problem}. "


def _reason(error: Exception) -> str:
    """What is wrong with values that are YAML."""
    if isinstance(error, OmegaConfBaseException):
        where = f" (at {error.full_key})" if error.full_key else ""
        return f"{str(error).splitlines()[0]}{where}"
    if isinstance(error, AttributeError | TypeError):
        return "a file holds a list or a bare word where names with values should be"
    return str(error)


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
