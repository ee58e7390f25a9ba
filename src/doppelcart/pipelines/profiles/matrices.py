"""Readable features as matrices of numbers: scalings are fitted on training users alone."""

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.histories import Histories
from doppelcart.pipelines.profiles.behaviour import PRICE_POSITION, PRIVATE_LABEL
from doppelcart.pipelines.profiles.nodes import (
    DEMOGRAPHIC,
    ITEM_TEXTS,
    demographic_frame,
    top_levels,
)
from doppelcart.pipelines.profiles.params import ProfilesParams
from doppelcart.pipelines.profiles.scaling import (
    Transformer,
    columns_of,
    fill_with,
    log_amount,
    log_share,
    one_hot,
    robust_steps,
    to_matrix,
)

AMOUNTS = (
    "recency_days",
    "tenure_days",
    "mean_gap_days",
    "visits",
    "purchases",
    "items",
    "purchases_per_visit",
    "units",
    "spend_total",
    "spend_per_visit",
    "ratings",
)
LOG_SHARES = (f"{Columns.DEPARTMENT}_share_", f"{Columns.CATEGORY}_share_")


def fit_profile_transformer(feat_users: pd.DataFrame, params: ProfilesParams) -> Transformer:
    """Fits the scaling of behaviour: logarithms, medians and quartiles of the training users."""
    columns = [
        column
        for column in feat_users.select_dtypes("number").columns
        if not column.startswith(DEMOGRAPHIC)
    ]
    amounts = [column for column in columns if column in AMOUNTS]
    shares = [column for column in columns if column.startswith(LOG_SHARES)]
    rates = [column for column in columns if column not in {*amounts, *shares}]
    transformer = columns_of(
        [
            ("amount", robust_steps(log_amount, params.clip), amounts),
            ("log_share", robust_steps(log_share, params.clip), shares),
            ("rate", robust_steps(None, params.clip), rates),
        ]
    )
    return transformer.fit(feat_users)


def fit_taste_transformer(train_histories: Histories, params: ProfilesParams) -> Transformer:
    """Fits the coordinates of taste: users on the leading singular vectors of their histories.

    Readable columns say how much a user spends on what departments; which products go together
    below that level is in the singular vectors alone.

    Returns:
        Truncated SVD (Halko 2011) and a scaling of each coordinate to unit variance.
    """
    from sklearn.decomposition import TruncatedSVD
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    n_taste = min(params.n_taste, train_histories.n_items, train_histories.n_users)
    svd = TruncatedSVD(max(n_taste, 1), random_state=params.seed)
    return make_pipeline(svd, StandardScaler()).fit(train_histories.matrix)


def measure_taste(
    train_histories: Histories, taste_transformer: Transformer, params: ProfilesParams
) -> pd.DataFrame:
    """Coordinates of taste of the training users: user_id and clipped float32 ``taste_*``."""
    values = np.clip(taste_transformer.transform(train_histories.matrix), -params.clip, params.clip)
    columns = [f"taste_{number:02d}" for number in range(values.shape[1])]
    taste = pd.DataFrame(values.astype(np.float32), columns=columns)
    taste.insert(0, Columns.USER, train_histories.user_ids.astype(str))
    return taste


def scale_profiles(
    feat_users: pd.DataFrame,
    profile_transformer: Transformer,
    taste_matrix: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Applies the fitted scaling: user_id and float32 ``behaviour__*``, in the same order.

    The coordinates of taste, where given, join them as ``behaviour__taste_*``.
    """
    profiles = to_matrix(feat_users, profile_transformer, "behaviour", Columns.USER)
    if taste_matrix is None:
        return profiles
    taste = taste_matrix.set_index(Columns.USER).add_prefix("behaviour__")
    return profiles.join(taste, on=Columns.USER)


def fit_item_transformer(feat_items: pd.DataFrame, params: ProfilesParams) -> Transformer:
    """Fits the scaling of items: log price, price position, department, category and words."""
    from doppelcart.pipelines.profiles.words import WordCoordinates, has_words

    texts = [column for column in (Columns.DEPARTMENT, Columns.CATEGORY) if column in feat_items]
    counts = {Columns.DEPARTMENT: params.n_departments, Columns.CATEGORY: params.n_categories}
    levels = {text: list(top_levels(feat_items, text, counts[text])) for text in texts}
    texts = [text for text in texts if levels[text]]
    price = [Columns.PRICE] if Columns.PRICE in feat_items else []
    written = [text for text in ITEM_TEXTS if text in feat_items and has_words(feat_items[text])]
    transformer = columns_of(
        [
            ("price", robust_steps(log_amount, params.clip), price),
            ("position", fill_with(0.5), [PRICE_POSITION]),
            ("level", one_hot([levels[text] for text in texts]), texts),
            ("flag", fill_with(0.0), [PRIVATE_LABEL] if PRIVATE_LABEL in feat_items else []),
            (
                "words",
                WordCoordinates(params.n_words, params.seed),
                written if params.n_words else [],
            ),
        ]
    )
    return transformer.fit(feat_items)


def scale_items(feat_items: pd.DataFrame, item_transformer: Transformer) -> pd.DataFrame:
    """Applies the fitted scaling: item_id and float32 ``item__*``, in catalogue order."""
    return to_matrix(feat_items, item_transformer, "item", Columns.ITEM)


def fit_demographics_transformer(
    prm_users: ir.Table, train_histories: Histories, params: ProfilesParams
) -> Transformer:
    """Fits which levels of each demographic column get a column, from the training users alone."""
    users = demographic_frame(prm_users, train_histories.user_ids.astype(str))
    flags = list(users.select_dtypes("bool").columns)
    texts = [str(column) for column in users if column not in flags]
    levels = {text: frequent_levels(users[text], params) for text in texts}
    texts = [text for text in texts if levels[text]]
    transformer = columns_of(
        [
            ("level", one_hot([levels[text] for text in texts]), texts),
            ("flag", "passthrough", flags),
        ]
    )
    return transformer.fit(users)


def frequent_levels(column: pd.Series, params: ProfilesParams) -> list[str]:
    """A column's levels with users enough, the most frequent first, at most so many."""
    counts = column.dropna().value_counts().sort_index(kind="stable")
    counts = counts.sort_values(ascending=False, kind="stable")
    counts = counts[counts >= params.min_demographic_users]
    return list(counts.index[: params.max_demographic_levels])


def encode_demographics(
    prm_users: ir.Table, train_histories: Histories, demographics_transformer: Transformer
) -> pd.DataFrame:
    """Encodes every known user: user_id and float32 ``demographic__*``, sorted by user_id.

    A user who is not in the result is one of whom nothing is known: all zeros, but for
    the columns that end in ``missing``, which are one.
    """
    known = prm_users.select(Columns.USER).execute()[Columns.USER].dropna().astype(str)
    user_ids = np.union1d(known.to_numpy(dtype=str), train_histories.user_ids.astype(str))
    users = demographic_frame(prm_users, user_ids)
    return to_matrix(users, demographics_transformer, "demographic", Columns.USER)
