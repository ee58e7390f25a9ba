"""Errors a person can act on: each message says what is wrong, where, and what to do."""


class DoppelcartError(Exception):
    """Base of every error this package raises on purpose."""


class InputError(DoppelcartError):
    """A source's files or tables cannot be used as they are."""


class ParameterError(DoppelcartError):
    """Parameters are out of bounds, unknown, or contradict the data."""


class TrackingError(DoppelcartError):
    """The tracking server cannot be reached."""


class StorageError(DoppelcartError):
    """The data folder cannot be written, or holds a half-written dataset."""


class LineageError(DoppelcartError):
    """Saved data do not belong together, or nobody knows what they were made from."""


class TrainingDivergedError(DoppelcartError):
    """A training loop left the numbers that a computer can hold."""


class MissingExtraError(DoppelcartError):
    """An optional dependency that a pipeline needs is not installed."""
