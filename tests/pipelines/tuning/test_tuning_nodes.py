"""The search with real, tiny trainings; the best of it; its figures."""

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest

from doppelcart.errors import ParameterError, TrainingDivergedError
from doppelcart.models.histories import fitting
from doppelcart.pipelines.tuning import figures
from doppelcart.pipelines.tuning.nodes import (
    choose_best,
    confirm_best,
    confirmation,
    gather_data,
    search_parameters,
)


@pytest.fixture
def trials() -> pd.DataFrame:
    """As they are read from the file: the third is no candidate, whatever its value."""
    return pd.DataFrame(
        {
            "study": "s",
            "number": [0, 1, 2, 3],
            "state": ["complete", "complete", "pruned", "failed"],
            "value": [0.5, 0.75, 0.9, np.nan],
            "epochs": [3, 3, 2, 1],
            "seconds": [1.0, 1.0, 1.0, 1.0],
            "started": "2020-01-01T00:00:00.000+00:00",
            "reason": ["", "", "", "TrainingDivergedError: it did"],
            "hidden_units": [4, 9, 16, 5],
            "learning_rate": [0.002, 0.0031415926535, 0.009, 0.001],
        }
    )


class TestSearch:
    def test_the_first_trial_is_what_is_configured_and_the_next_run_goes_on(self, inputs, shop):
        trials, importances = search_parameters(**inputs)
        assert trials["state"].tolist() == ["complete"] * 3
        assert trials["hidden_units"][0] == 8
        assert trials["learning_rate"][0] == 0.001
        assert trials["epochs"].tolist() == [3, 3, 3]
        assert importances["value"].isna().all()

        # A trial's value is that of the checkpoint which the gan pipeline would keep.
        users = shop["train_histories"].user_ids
        expected, _ = fitting.fit(
            shop["train_histories"],
            *(
                shop[name].set_index("user_id").loc[users].to_numpy("f4")
                for name in ("demographics_matrix", "profile_matrix")
            ),
            shop["item_matrix"].drop(columns="item_id").to_numpy("f4"),
            shop["validation_cases"]["cold_2"],
            inputs["network"],
            inputs["training"],
            1.0,
            "gan",
        )
        assert trials["value"][0] == pytest.approx(
            expected.training_log["selection"].max(), abs=1e-6
        )

        more = inputs["params"].study.model_copy(update={"n_trials": 4})
        pasted = inputs["network"].model_copy(update={"hidden_units": 16})
        changed = {"params": inputs["params"].model_copy(update={"study": more}), "network": pasted}
        again, _ = search_parameters(**inputs | changed)
        pd.testing.assert_frame_equal(again[:3], trials)
        assert len(again) == 4

    def test_a_training_that_fails_is_a_row_and_not_the_end(self, inputs, monkeypatch):
        def diverging(*args: Any, **kwargs: Any) -> Any:
            if kwargs["network"].hidden_units == 8:
                raise TrainingDivergedError("it diverged")
            kwargs["on_evaluation"](2, {"selection": 0.5})
            return type("T", (), {"training_log": pd.DataFrame({"selection": [np.nan, 0.5]})}), None

        monkeypatch.setattr(fitting, "fit", diverging)
        trials, _ = search_parameters(**inputs)
        assert trials["state"][0] == "failed"
        assert trials["reason"][0] == "TrainingDivergedError: it diverged"
        assert trials["value"][1:].tolist() == [0.5, 0.5]

    def test_other_settings_that_are_not_searched_are_another_study(self, inputs, monkeypatch):
        def instant(*args: Any, **kwargs: Any) -> Any:
            return type("T", (), {"training_log": pd.DataFrame({"selection": [0.5]})}), None

        monkeypatch.setattr(fitting, "fit", instant)
        one, _ = search_parameters(**inputs)
        longer = inputs["training"].model_copy(update={"epochs": 4})
        two, _ = search_parameters(**inputs | {"training": longer})
        assert one["study"][0] != two["study"][0]
        assert len(two) == 3

    def test_a_slice_that_is_not_there_is_told_before_a_study_is_made(self, inputs, read):
        trainer = inputs["trainer"].model_copy(update={"selection_slice": "cold_1"})
        with pytest.raises(ParameterError, match="cold_1"):
            gather_data(**read, trainer=trainer)


class TestBest:
    def test_the_best_complete_trial_stands_as_in_the_configuration(self, trials, params):
        assert choose_best(trials, params) == {
            "gan": {
                "network": {"hidden_units": 9},
                "training": {"learning_rate": 0.0031415926535},
            }
        }

    def test_a_choice_of_none_survives_the_file(self, params):
        data = params.model_dump()
        data["space"] = {"gradient_penalty": {"choices": [None, 1.0]}}
        file = io.StringIO("number,state,value,reason,gradient_penalty\n0,complete,1.0,,\n")
        read = pd.read_csv(file, keep_default_na=False)
        best = choose_best(read, type(params).model_validate(data))
        assert best == {"gan": {"training": {"gradient_penalty": None}}}

    def test_where_no_trial_came_to_its_end_the_reasons_are_told(self, trials, params):
        with pytest.raises(TrainingDivergedError, match=r"None of 2 trials.*it did"):
            choose_best(trials[2:], params)


class TestConfirmation:
    BEST = {"gan": {"network": {"hidden_units": 4}, "training": {"learning_rate": 0.004}}}  # noqa: RUF012

    @pytest.fixture
    def trained(self, monkeypatch) -> list[Any]:
        """Instead of a training: what it was asked for; its value is its width, and its seed."""
        asked: list[Any] = []

        def instant(*args: Any, **kwargs: Any) -> Any:
            network, training = kwargs["network"], kwargs["training"]
            asked.append((network.hidden_units, training.learning_rate, training.seed))
            if training.seed == 9 and network.hidden_units == 4:
                raise TrainingDivergedError("it diverged")
            value = float(network.hidden_units + training.seed)
            return type("T", (), {"training_log": pd.DataFrame({"selection": [value]})}), None

        monkeypatch.setattr(fitting, "fit", instant)
        return asked

    def confirm(self, inputs: dict[str, Any], *seeds: int) -> pd.DataFrame:
        params = inputs["params"].model_copy(update={"confirmation_seeds": seeds})
        return confirm_best(**inputs | {"best": self.BEST, "params": params})

    def test_both_are_trained_with_every_seed(self, inputs, trained):
        table = self.confirm(inputs, 5, 7)
        assert trained == [(8, 0.001, 5), (4, 0.004, 5), (8, 0.001, 7), (4, 0.004, 7)]
        assert table.to_dict("list") == {
            "seed": [5, 7], "configured": [13, 15], "best": [9, 11], "difference": [-4, -4],
        }  # fmt: skip

    def test_a_training_that_diverges_leaves_it_unconfirmed(self, inputs, trained, caplog):
        with caplog.at_level("INFO"):
            table = self.confirm(inputs, 5, 9)
        assert np.isnan(table["best"][1])
        assert "1 of 2 seeds" in caplog.text
        assert "diverged" in caplog.text

    def test_no_seeds_make_an_empty_table(self, inputs, trained, caplog):
        with caplog.at_level("INFO"):
            assert self.confirm(inputs).empty
        assert trained == []
        assert "takes two seeds" in caplog.text

    def test_the_seed_that_chose_is_refused_before_the_search(self, inputs, trained):
        params = inputs["params"].model_copy(update={"confirmation_seeds": (0, 1)})
        with pytest.raises(ParameterError, match="holds 0, the seed with which every trial"):
            search_parameters(**inputs | {"params": params})
        assert trained == []

    def test_it_says_what_the_interval_says(self):
        # mean 2, standard error 1 / sqrt(3), t of two degrees of freedom 4.303
        assert "is not known to be better" in confirmation(np.array([1.0, 2.0, 3.0]))
        assert "+2.0000 (-0.4841 to +4.4841)" in confirmation(np.array([1.0, 2.0, 3.0]))
        assert "trial is better than" in confirmation(np.array([1.9, 2.0, 2.1]))
        assert "trial is worse than" in confirmation(np.array([-1.9, -2.0, -2.1]))


class TestFigures:
    def test_states_are_told_apart_and_the_best_so_far_is_drawn(self, trials, params):
        figure = figures.draw_trials(trials, params)
        assert [trace.name for trace in figure.data] == [
            "complete (2)", "pruned (1)", "failed (1)", "best so far",
        ]  # fmt: skip
        assert list(figure.data[3].y) == [0.5, 0.75]
        assert list(figure.data[2].y) == [0.5]
        assert "it did" in figure.data[2].text[0]
        assert "alt" in figure.layout.meta

    def test_importances_are_bars_or_a_line_that_says_there_are_none(self):
        table = pd.DataFrame({"parameter": ["a", "b"], "value": [0.75, 0.25]})
        assert list(figures.draw_importances(table).data[0].y) == ["b", "a"]
        nothing = figures.draw_importances(table.assign(value=np.nan))
        assert "too few" in nothing.layout.annotations[0].text
