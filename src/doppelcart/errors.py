"""Errors a person can act on: each message says what is wrong, where, and what to do."""

from collections.abc import Iterator


class DoppelcartError(Exception):
    """Base of every error this package raises on purpose."""


class InputError(DoppelcartError):
    """A source's files or tables cannot be used as they are."""


class ParameterError(DoppelcartError):
    """Parameters are out of bounds, unknown, or contradict the data."""


class ConfigurationError(DoppelcartError):
    """The configuration's files cannot be read, or there is no environment of that name."""


class RequestError(DoppelcartError):
    """The command line asks for something that there is not."""


class TrackingError(DoppelcartError):
    """The tracking server or store cannot be used."""


class StorageError(DoppelcartError):
    """A file cannot be read or written, is not there yet, or is half-written."""


class LineageError(DoppelcartError):
    """Saved data do not belong together, or nobody knows what they were made from."""


class ReportError(DoppelcartError):
    """A page was written without a part that should be in it."""


class ResourceError(DoppelcartError):
    """The machine has less memory than a run needs."""


class TrainingDivergedError(DoppelcartError):
    """A training loop left the numbers that a computer can hold."""


class MissingExtraError(DoppelcartError):
    """An optional dependency that a pipeline needs is not installed."""


def chain(error: BaseException | None, implicit: bool = True) -> Iterator[BaseException]:
    """An error and what led to it, nearest first, as a traceback would show them.

    Args:
        error: Where to begin.
        implicit: Whether to go on to an error that was merely being handled when the next one
            arose. ``raise ... from None`` ends the chain either way.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        handled = error.__context__ if implicit and not error.__suppress_context__ else None
        error = error.__cause__ or handled
