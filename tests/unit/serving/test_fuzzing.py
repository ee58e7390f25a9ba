"""Whatever is sent is answered as the description says, and never by an error of the server."""

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from serving_model import make_model

from doppelcart.serving.limits import Limits
from doppelcart.serving.model import Model
from doppelcart.serving.server import make_app

pytestmark = pytest.mark.slow

# Which filters and values there are is no matter of the description, but of the model.
TOLD_OTHERWISE = [positive_data_acceptance]
# A body that is too large is refused before anybody looks at what is wrong with it.
REFUSED_UNREAD = [negative_data_rejection]
EXAMPLES = 80
"""Requests of each kind that are tried, half of them such as the description forbids."""


def test_every_request_is_answered_as_described(publish: Callable[[Model], Path]) -> None:
    app = make_app(publish(make_model()), Limits())
    operations = [
        found.ok()
        for found in schemathesis.openapi.from_asgi("/openapi.json", app).get_all_operations()
    ]
    assert {operation.path for operation in operations} >= {"/recommend", "/live", "/ready"}
    for operation in operations:
        takes = bool(operation.body) or any(operation.iter_parameters())
        # where nothing is given, nothing can be wrong
        for mode in (
            schemathesis.GenerationMode if takes else [schemathesis.GenerationMode.POSITIVE]
        ):
            strategy = operation.as_strategy(generation_mode=mode)

            @settings(
                max_examples=EXAMPLES,
                deadline=None,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
            )
            @given(case=strategy)
            def answered(case: schemathesis.Case) -> None:
                answer = case.call()
                too_large = answer.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
                case.validate_response(
                    answer, excluded_checks=[*TOLD_OTHERWISE, *REFUSED_UNREAD * too_large]
                )

            answered()
