"""Parameters of the reporting pipeline: those of the library, which sections ask for as well."""

from doppelcart.reporting.params import ReportingParams

__all__ = ["ReportingParams"]
