"""Profiles of a shop whose every figure is worked by hand."""

import logging
from collections.abc import Callable
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pytest

from doppelcart.columns import Tables
from doppelcart.datasets.skops_dataset import SkopsDataset
from doppelcart.pipelines.profiles.matrices import (
    encode_demographics,
    fit_demographics_transformer,
    fit_item_transformer,
    fit_profile_transformer,
    scale_items,
    scale_profiles,
)
from doppelcart.pipelines.profiles.nodes import (
    activity_segment,
    describe_items,
    describe_users,
    price_position,
)
from doppelcart.pipelines.profiles.params import ProfilesParams

Maker = Callable[[str, list[tuple[Any, ...]]], ir.Table]
PARAMS = ProfilesParams(min_demographic_users=1)
TRUSTED = [
    f"doppelcart.pipelines.profiles.scaling.{name}"
    for name in ("log_amount", "log_share", "clipped")
]


def items_of(shop: dict[str, Any]) -> pd.DataFrame:
    names = ("train_interactions", "prm_items", "train_histories")
    return describe_items(*(shop[name] for name in names), PARAMS)


def users_of(shop: dict[str, Any]) -> pd.DataFrame:
    names = ("prm_users", "int_promotions", "int_reviews", "train_histories")
    tables = (shop[name] for name in names)
    return describe_users(shop["train_interactions"], items_of(shop), *tables, PARAMS)


def test_items_are_the_catalogue_in_its_order(shop: dict[str, Any]) -> None:
    items = items_of(shop)
    assert list(items.index) == list(shop["train_histories"].item_ids) == ["a", "b", "c", "d"]
    assert items["n_rows"].tolist() == [3, 1, 1, 1]
    assert items["n_users"].tolist() == [2, 1, 1, 1]
    # two pieces of b cost 6
    assert items["price"].tolist() == [2.0, 3.0, 10.0, 1.0]
    assert items["price_position"].tolist() == [0.0, 1.0, 0.5, 0.5]
    assert items["private_label"].iloc[:3].tolist() == [1.0, 0.0, 0.0]
    assert np.isnan(items["private_label"].iloc[3])
    assert "title" not in items


def test_a_listed_price_goes_before_the_price_paid(shop: dict[str, Any], table: Maker) -> None:
    priced = [("a", *[None] * 8, 9.0), ("b", *[None] * 9)]
    items = items_of(shop | {"prm_items": table(Tables.ITEMS, priced)})
    assert items["price"].tolist() == [9.0, 3.0, 10.0, 1.0]
    # without types, the position is that in the whole catalogue
    assert items["price_position"].tolist() == pytest.approx([2 / 3, 1 / 3, 1.0, 0.0])


def test_equal_prices_share_a_position() -> None:
    items = pd.DataFrame({"price": [1.0, 1.0, 5.0, np.nan], "type": ["t", "t", "t", "t"]})
    position = price_position(items)
    assert position.iloc[:3].tolist() == [0.25, 0.25, 1.0]
    assert np.isnan(position.iloc[3])


def test_users_by_hand(shop: dict[str, Any]) -> None:
    users = users_of(shop)
    assert list(users.index) == ["u1", "u2"]
    expected = {
        "recency_days": (0.0, 5 + 11 / 24),
        "tenure_days": (10 + 11 / 24, 5 + 11 / 24),
        "mean_gap_days": (10.0, np.nan),
        "visits": (2, 1),
        "purchases": (3, 3),
        "items": (2, 3),
        "purchases_per_visit": (1.5, 3.0),
        "units": (4.0, 3.0),
        "spend_total": (10.0, 13.0),
        "spend_per_visit": (5.0, 13.0),
        "discount_share": (2 / 12, 0.0),
        "coupon_share": (1 / 12, 0.0),
        "on_monday_share": (2 / 3, 0.0),
        "on_thursday_share": (1 / 3, 0.0),
        "on_saturday_share": (0.0, 1.0),
        "at_morning_share": (2 / 3, 1.0),
        "at_evening_share": (1 / 3, 0.0),
        "department_share_grocery": (1.0, 1 / 3),
        "department_share_meat": (0.0, 1 / 3),
        "category_share_beef": (0.0, 1 / 3),
        # item d has no brand: the share is of two purchases
        "private_label_share": (2 / 3, 1 / 2),
        "mean_price_position": (1 / 3, 1 / 3),
        "repeat_rate": (1 / 2, 0.0),
        "category_entropy": (0.0, np.log(2)),
        # a was shown in u1's store on Monday only; c was promoted, nothing says how
        "display_share": (1 / 3, 0.0),
        "mailer_share": (1 / 3, 0.0),
        "promotion_share": (1 / 3, 1 / 3),
        # the second rating of u1 came after the last training row
        "ratings": (1, 0),
        "mean_rating": (4.0, np.nan),
    }
    for column, values in expected.items():
        assert users[column].tolist() == pytest.approx(values, nan_ok=True), column
    assert users["demographic_age"].tolist()[0] == "45-54"
    assert users["demographic_missing"].tolist() == [False, True]


def test_promotions_without_stores_hold_everywhere(shop: dict[str, Any], table: Maker) -> None:
    everywhere = table(Tables.PROMOTIONS, [("a", None, "2024-01-01", True, None)])
    users = users_of(shop | {"int_promotions": everywhere})
    assert users["display_share"].tolist() == pytest.approx([1 / 3, 1 / 3])


def test_a_promotion_without_a_store_holds_beside_those_of_one(
    shop: dict[str, Any], table: Maker
) -> None:
    rows = [
        ("a", None, "2024-01-01", True, None),
        ("b", "s2", "2024-01-01", True, None),
        ("c", "s2", "2024-01-01", True, None),
    ]
    users = users_of(shop | {"int_promotions": table(Tables.PROMOTIONS, rows)})
    # u1 bought a in s1, twice, of which once in that week, and b, shown in s2; u2 a, c and d in s2
    assert users["display_share"].tolist() == pytest.approx([1 / 3, 2 / 3])


@pytest.mark.parametrize(
    ("begins", "expected"),
    [
        ("2024-01-01 06:00", (1 / 3, 1 / 3)),  # a Monday, though not at midnight
        ("2023-12-31", (1 / 3, 1 / 3)),  # a Sunday: Monday the 1st and Saturday the 6th
        ("2023-12-26", (1 / 3, 0)),  # a Tuesday: Monday the 1st is its seventh day
        ("2024-01-05", (1 / 3, 1 / 3)),  # a Friday: Saturday the 6th and Thursday the 11th
        ("2024-01-07", (1 / 3, 0)),  # a Sunday: Thursday the 11th
    ],
)
def test_a_promotion_holds_for_the_seven_days_from_its_own(
    shop: dict[str, Any], table: Maker, begins: str, expected: tuple[float, float]
) -> None:
    rows = [("a", None, begins, True, None)]
    users = users_of(shop | {"int_promotions": table(Tables.PROMOTIONS, rows)})
    assert users["display_share"].tolist() == pytest.approx(expected)


def test_weeks_that_begin_on_several_days_count_once_and_are_told(
    shop: dict[str, Any], table: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    # Of the three purchases of a, all but that on Monday the 1st; Saturday the 6th is in both.
    rows = [("a", None, begins, True, None) for begins in ("2024-01-03", "2024-01-05")]
    users = users_of(shop | {"int_promotions": table(Tables.PROMOTIONS, rows)})
    assert users["display_share"].tolist() == pytest.approx([1 / 3, 1 / 3])
    assert "begin on several days (wednesday, friday)" in caplog.text


def test_the_order_of_the_rows_does_not_matter(
    shop: dict[str, Any], table: Maker, interaction_rows: list[tuple[Any, ...]]
) -> None:
    turned = shop | {"train_interactions": table(Tables.INTERACTIONS, interaction_rows[::-1])}
    pd.testing.assert_frame_equal(users_of(shop), users_of(turned))
    pd.testing.assert_frame_equal(items_of(shop), items_of(turned))


def test_ratings_of_no_known_moment_are_left_out_and_counted(
    shop: dict[str, Any], table: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    """They may be of after the training."""
    undated = [("u1", "a", None, 4.0, None), ("u1", "b", None, None, None)]
    dated = [("u1", "c", "2024-01-05", 2.0, None)]
    some = users_of(shop | {"int_reviews": table(Tables.REVIEWS, undated + dated)})
    assert some.loc["u1", "mean_rating"] == 2.0
    assert "1 of 2 ratings have no timestamp" in caplog.text
    none = users_of(shop | {"int_reviews": table(Tables.REVIEWS, undated)})
    assert not {"ratings", "mean_rating"} & set(none)


def test_a_bare_source_loses_columns_and_says_so(
    bare_shop: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        users, items = users_of(bare_shop), items_of(bare_shop)
    assert not {"spend_total", "units", "display_share", "ratings", "category_entropy"} & set(users)
    # without baskets a visit is a day
    assert users["visits"].tolist() == [2, 1]
    assert items["price_position"].isna().all()
    for word in ("amount", "brand", "promotions", "no ratings that can be used"):
        assert word in caplog.text
    profiles = scale_profiles(users, fit_profile_transformer(users, PARAMS))
    catalogue = scale_items(items, fit_item_transformer(items, PARAMS))
    tables = bare_shop["prm_users"], bare_shop["train_histories"]
    people = encode_demographics(*tables, fit_demographics_transformer(*tables, PARAMS))
    assert catalogue["item__price_position"].tolist() == [0.5] * 4
    assert people["demographic__missing"].tolist() == [1.0, 1.0]
    for matrix in (profiles, catalogue, people):
        assert np.isfinite(matrix.iloc[:, 1:].to_numpy()).all()


def test_matrices_are_aligned_scaled_and_float32(shop: dict[str, Any]) -> None:
    users, items = users_of(shop), items_of(shop)
    profiles = scale_profiles(users, fit_profile_transformer(users, PARAMS))
    catalogue = scale_items(items, fit_item_transformer(items, PARAMS))
    assert profiles["user_id"].tolist() == ["u1", "u2"]
    assert catalogue["item_id"].tolist() == ["a", "b", "c", "d"]
    assert set(profiles.dtypes.iloc[1:]) == set(catalogue.dtypes.iloc[1:]) == {np.dtype("float32")}
    assert all(name.startswith("behaviour__") for name in profiles.columns[1:])
    # two users lie one interquartile range either side of the median
    assert profiles["behaviour__purchases_per_visit"].tolist() == pytest.approx([-1.0, 1.0])
    assert profiles["behaviour__mean_gap_days_missing"].iloc[1] > 0
    assert catalogue["item__department_grocery"].tolist() == [1, 1, 0, 0]
    assert catalogue["item__category_beef"].tolist() == [0, 0, 1, 0]
    assert catalogue["item__private_label"].tolist() == [1, 0, 0, 0]


def test_scaled_values_are_clipped() -> None:
    users = pd.DataFrame({"visits": [*[1.0, 2.0, 3.0, 4.0] * 5, 1e9]})
    scaled = scale_profiles(users, fit_profile_transformer(users, ProfilesParams(clip=2.0)))
    assert scaled["behaviour__visits"].max() == 2.0


def test_demographic_levels_come_from_training_users_alone(shop: dict[str, Any]) -> None:
    transformer = fit_demographics_transformer(shop["prm_users"], shop["train_histories"], PARAMS)
    people = encode_demographics(shop["prm_users"], shop["train_histories"], transformer)
    people = people.set_index("user_id")
    assert list(people.index) == ["held out", "u1", "u2"]
    assert "demographic__age_65" not in people
    assert people["demographic__age_45_54"].tolist() == [0, 1, 0]
    assert people["demographic__age_missing"].tolist() == [0, 0, 1]
    assert people["demographic__home_missing"].tolist() == [1, 0, 1]
    assert people["demographic__missing"].tolist() == [0, 0, 1]


def test_rare_levels_get_no_column(shop: dict[str, Any]) -> None:
    params = ProfilesParams(min_demographic_users=2)
    transformer = fit_demographics_transformer(shop["prm_users"], shop["train_histories"], params)
    people = encode_demographics(shop["prm_users"], shop["train_histories"], transformer)
    names = ["age_missing", "home_missing", "missing"]
    assert list(people.columns[1:]) == [f"demographic__{name}" for name in names]


def test_transformers_come_back_from_their_files(shop: dict[str, Any], tmp_path: Any) -> None:
    users = users_of(shop)
    transformer = fit_profile_transformer(users, PARAMS)
    dataset = SkopsDataset(filepath=tmp_path / "profile.skops", trusted=TRUSTED)
    dataset.save(transformer)
    pd.testing.assert_frame_equal(
        scale_profiles(users, dataset.load()), scale_profiles(users, transformer)
    )


def test_segments_are_thirds_by_visits() -> None:
    segments = activity_segment(pd.Series([9, 1, 5, 2, 8, 4]))
    assert segments.tolist() == ["heavy", "light", "medium", "light", "heavy", "medium"]
