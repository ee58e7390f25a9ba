"""A fabricated shop: small, seeded, with planted structure or with none at all.

The items fall into groups, and every user belongs to one group: most of what a user buys is a
random few of the group's items, the rest anything. Two users of a group therefore share only some
items, so that counting pairs of items says little, while whoever recognises the group from a few
items can tell all the others. Demographics tell the group of many users before they buy anything:
there, completing a history pays most.

Without groups the same numbers of items are drawn by popularity, whoever the user is, or evenly:
then nothing but popularity can be learned, or nothing at all.

Run as ``python -m tests.fabricate FOLDER [groups | popularity | none]`` it writes the shop.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

N_USERS = 240
N_ITEMS = 120
N_GROUPS = 6
N_STORES = 3
START = pd.Timestamp("2024-01-01")
DAYS = 180
SHARE_OF_GROUP = 0.85

Shop = dict[str, pd.DataFrame]
Structure = Literal["groups", "popularity", "none"]


def make_shop(
    structure: Structure = "groups",
    seed: int = 0,
    n_users: int = N_USERS,
    n_items: int = N_ITEMS,
) -> Shop:
    """Fabricate every canonical table of a shop.

    Args:
        structure: What decides which items a user buys.
        seed: Seed of all draws.
        n_users: Number of users.
        n_items: Number of items, a multiple of the number of groups.

    Returns:
        Tables by canonical name. One line in a hundred of the interactions is of the kind that
        cleaning takes: without user, cancelled, returned, free, or there twice.
    """
    rng = np.random.default_rng(seed)
    items = _items(rng, n_items)
    groups = rng.permutation(np.arange(n_users) % N_GROUPS)
    lines = _lines(rng, items, groups, structure)
    return {
        "interactions": _spoilt(rng, lines),
        "items": items.drop(columns=["group", "weight"]),
        "users": _users(rng, groups, structure),
        "promotions": _promotions(rng, items),
        "coupons": pd.DataFrame(
            {"coupon_id": "K" + items["item_id"], "item_id": items["item_id"], "campaign_id": "1"}
        ).head(20),
        "campaigns": pd.DataFrame(
            {
                "campaign_id": "1",
                "type": "mail",
                "start": START,
                "end": START + pd.Timedelta(days=30),
                "user_id": [f"u{user:04d}" for user in range(0, n_users, 3)],
            }
        ),
        "redemptions": pd.DataFrame(
            {
                "user_id": [f"u{user:04d}" for user in range(0, n_users, 12)],
                "coupon_id": "Ki0000",
                "campaign_id": "1",
                "timestamp": START + pd.Timedelta(days=5),
            }
        ),
        "reviews": _reviews(rng, lines),
    }


def write_shop(
    folder: Path | str,
    structure: Structure = "groups",
    seed: int = 0,
    file_format: str = "parquet",
    n_users: int = N_USERS,
) -> dict[str, Any]:
    """Write a fabricated shop, one file per table.

    Args:
        folder: Where to; made if need be.
        structure: What decides which items a user buys.
        seed: Seed of all draws.
        file_format: ``parquet`` or ``csv``.
        n_users: Number of users.

    Returns:
        The declaration of the source, as under ``source`` in globals.yml.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    shop = make_shop(structure, seed=seed, n_users=n_users)
    for name, table in shop.items():
        path = folder / f"{name}.{file_format}"
        if file_format == "parquet":
            table.to_parquet(path, index=False)
        else:
            table.to_csv(path, index=False)
    return declaration(shop, folder, file_format)


def declaration(shop: Shop, folder: Path, file_format: str = "parquet") -> dict[str, Any]:
    """The declaration of a source whose files have the canonical columns already."""
    return {
        "name": "fabricated",
        "description": "A shop made up for the tests.",
        "files": {name: {"path": str(folder / f"{name}.{file_format}")} for name in shop},
        "tables": {
            name: {"from": name, "columns": {column: f'"{column}"' for column in table.columns}}
            for name, table in shop.items()
        },
    }


def _items(rng: np.random.Generator, n_items: int) -> pd.DataFrame:
    """Items in groups; two groups share a department, four item types cut across all groups."""
    number = np.arange(n_items)
    group = number % N_GROUPS
    return pd.DataFrame(
        {
            "item_id": [f"i{item:04d}" for item in number],
            "department": np.where(group < N_GROUPS / 2, "Food", "Home"),
            "category": [f"Category {value}" for value in group // 2],
            "type": [f"Type {value}" for value in rng.integers(0, 4, n_items)],
            "brand": rng.choice(["National", "Private"], n_items, p=[0.7, 0.3]),
            "manufacturer": [f"M{value}" for value in rng.integers(0, 9, n_items)],
            "size": "1 piece",
            "title": [f"Article {item}" for item in number],
            "description": [f"A fine article, number {item}" for item in number],
            "price": np.round(rng.lognormal(1.0, 0.5, n_items), 2),
            "group": group,
            "weight": rng.permutation(1.0 / np.sqrt(1 + number)),
        }
    )


def _lines(
    rng: np.random.Generator, items: pd.DataFrame, groups: np.ndarray, structure: Structure
) -> pd.DataFrame:
    """What every user buys, in baskets spread over the whole period."""
    frames = []
    weight = items["weight"].to_numpy() if structure != "none" else np.ones(len(items))
    for user, group in enumerate(groups):
        liked = (items["group"] == group).to_numpy()
        chances = weight / weight.sum()
        if structure == "groups":
            inside = np.where(liked, 1.0, 0.0)
            chances = SHARE_OF_GROUP * inside / inside.sum() + (1 - SHARE_OF_GROUP) * chances
        chosen = rng.choice(len(items), size=rng.integers(7, 15), replace=False, p=chances)
        # Some items are bought again.
        again = rng.choice(chosen, size=len(chosen) // 3, replace=False)
        bought = np.concatenate([chosen, again])
        days = np.sort(rng.uniform(0, DAYS, size=max(3, len(bought) // 2)))
        visit = np.concatenate(
            [rng.integers(0, len(days), len(chosen)), np.full(len(again), len(days) - 1)]
        )
        frames.append(
            pd.DataFrame(
                {
                    "user_id": f"u{user:04d}",
                    "item_id": items["item_id"].to_numpy()[bought],
                    "timestamp": START + pd.to_timedelta((days[visit] * 86400).round(), unit="s"),
                    "basket_id": [f"b{user:04d}-{number}" for number in visit],
                    "store_id": f"s{user % N_STORES}",
                    "price": items["price"].to_numpy()[bought],
                }
            )
        )
    lines = pd.concat(frames, ignore_index=True)
    lines = lines.drop_duplicates(["basket_id", "item_id"], ignore_index=True)
    lines["quantity"] = rng.integers(1, 4, len(lines)).astype(float)
    shelf = lines["quantity"] * lines.pop("price")
    lines["discount"] = (shelf * rng.choice([0.0, 0.2], len(lines), p=[0.8, 0.2])).round(2)
    lines["amount"] = (shelf - lines["discount"]).round(2)
    lines["coupon_amount"] = np.where(rng.random(len(lines)) < 0.05, lines["discount"], 0.0)
    return lines


def _spoilt(rng: np.random.Generator, lines: pd.DataFrame) -> pd.DataFrame:
    """Add some lines of each kind that cleaning takes, and shuffle."""
    some = [lines.iloc[rng.choice(len(lines), 6, replace=False)] for _ in range(5)]
    cancelled = some[0].assign(
        basket_id="C" + some[0]["basket_id"],
        quantity=-some[0]["quantity"],
        amount=-some[0]["amount"],
        timestamp=some[0]["timestamp"] + pd.Timedelta(minutes=5),
    )
    spoilt = [
        cancelled,
        some[1].assign(user_id=None),
        some[2].assign(quantity=-1.0, amount=-1.0),
        some[3].assign(amount=0.0),
        some[4],
    ]
    return pd.concat([lines, *spoilt]).sample(frac=1, random_state=rng, ignore_index=True)


def _users(rng: np.random.Generator, groups: np.ndarray, structure: Structure) -> pd.DataFrame:
    """Demographics of two users in three; household tells the group, four times in five."""
    shown = groups if structure == "groups" else rng.permutation(groups)
    told = np.where(rng.random(len(groups)) < 0.8, shown, rng.integers(0, N_GROUPS, len(groups)))
    users = pd.DataFrame(
        {
            "user_id": [f"u{user:04d}" for user in range(len(groups))],
            "household": [f"Household {value}" for value in told],
            "age": rng.choice(["18-34", "35-54", "55+"], len(groups)),
        }
    )
    return users[rng.random(len(users)) < 2 / 3].reset_index(drop=True)


def _promotions(rng: np.random.Generator, items: pd.DataFrame) -> pd.DataFrame:
    """Every week a fifth of the items in every store, on display, in the mailer or both."""
    weeks = START + pd.to_timedelta(np.arange(0, DAYS, 7), unit="D")
    grid = items[["item_id"]].merge(pd.DataFrame({"week": weeks}), how="cross")
    stores = pd.DataFrame({"store_id": [f"s{store}" for store in range(N_STORES)]})
    grid = grid.sample(frac=0.2, random_state=rng).merge(stores, how="cross")
    display = rng.random(len(grid)) < 0.5
    return grid.assign(display=display, mailer=~display | (rng.random(len(grid)) < 0.3))[
        ["item_id", "store_id", "week", "display", "mailer"]
    ]


def _reviews(rng: np.random.Generator, lines: pd.DataFrame) -> pd.DataFrame:
    """A review of one line in ten."""
    some = lines.sample(frac=0.1, random_state=rng)
    rating = rng.integers(1, 6, len(some)).astype(float)
    words = {1: "awful", 2: "bad", 3: "fine", 4: "good", 5: "excellent"}
    return pd.DataFrame(
        {
            "user_id": some["user_id"].to_numpy(),
            "item_id": some["item_id"].to_numpy(),
            "timestamp": some["timestamp"].to_numpy() + np.timedelta64(2, "D"),
            "rating": rating,
            "text": [f"This is {words[int(value)]}." for value in rating],
        }
    )


if __name__ == "__main__":
    write_shop(sys.argv[1], *sys.argv[2:3])
