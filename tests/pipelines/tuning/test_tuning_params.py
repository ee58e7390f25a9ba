"""All that is wrong with a search space is refused at once, under the name it stands under."""

import pytest
from pydantic import ValidationError

from doppelcart.pipelines.tuning.params import TuningParams


def test_every_wrong_dimension_is_told_with_its_name():
    space = {
        "learning_rat": {"low": 0.1, "high": 0.2},
        "dropout": {"low": 0.5, "high": 0.1},
        "critic_units": {"choices": [8, 1]},
        "hidden_units": {"low": 8, "high": 16},
        "batch_size": {"low": 8, "hihg": 16},
        "new_user_share": 3,
    }
    with pytest.raises(ValidationError) as refused:
        TuningParams.model_validate({"study": {"storage": "x"}, "space": space})
    told = {error["loc"] for error in refused.value.errors()}
    assert told == {
        ("space", "learning_rat"),
        ("space", "dropout"),
        ("space", "critic_units"),
        ("space", "batch_size", "hihg"),
        ("space", "new_user_share"),
    }


def test_the_name_is_the_key_and_is_not_written_again(params):
    assert params.space["hidden_units"].name == "hidden_units"
    assert "name" not in params.model_dump()["space"]["hidden_units"]


def test_a_seed_twice_is_refused(params):
    data = params.model_dump() | {"confirmation_seeds": [1, 1]}
    with pytest.raises(ValidationError, match="must be distinct"):
        TuningParams.model_validate(data)


def test_a_space_of_nothing_is_refused():
    with pytest.raises(ValidationError, match="at least 1"):
        TuningParams.model_validate({"study": {"storage": "x"}, "space": {}})
