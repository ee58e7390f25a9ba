"""Why an item is recommended: who carries the score, along which edge, in which words."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from serving_model import IDS, POPULARITY, make_model

from doppelcart.errors import RequestError
from doppelcart.serving import artefact
from doppelcart.serving.answers import answer
from doppelcart.serving.model import Catalogue, Model, Pairs, System
from doppelcart.serving.questions import Question
from doppelcart.serving.reasons import (
    BEST_SELLER,
    LEAST_WEIGHT,
    NOTHING,
    RELATIONS,
    path_between,
    reasons_of,
    weights_of,
)
from doppelcart.serving.scorer import ItemWeights, Popular, Projection, Shares

FRUIT: dict[str, list[str | None]] = {
    "department": ["PRODUCE", "PRODUCE", "GROCERY", "GROCERY"],
    "category": ["BERRIES", "BERRIES", "SOUP", None],
    "type": ["STRAWBERRIES", "STRAWBERRIES", "SOUP", "SALT"],
    "manufacturer": ["69", "70", "70", "ACME"],
    "brand": [None, None, None, None],
}
TITLES = ["Large strawberries", "Small strawberries", "Tomato soup", "Salt"]


def pairs_of(n_items: int, *pairs: tuple[int, int]) -> Pairs:
    matrix = sparse.lil_matrix((n_items, n_items))
    for one, other in pairs:
        matrix[one, other] = matrix[other, one] = 1
    found = matrix.tocsr()
    return Pairs(found.indptr, found.indices)


def catalogue(attributes: Any = FRUIT, titles: list[str] = TITLES, pairs: Any = None) -> Catalogue:
    return Catalogue([f"i{n}" for n in range(len(titles))], titles, attributes, pairs)


def to_last(*weights: float) -> System:
    """What brings so much of each known item to an item after them."""
    n_items = len(weights) + 1
    matrix = np.zeros((n_items, n_items), dtype=np.float32)
    matrix[:-1, -1] = weights
    return System(ItemWeights(matrix), np.arange(n_items, 0, -1, dtype=np.float32))


def words_of(items: Catalogue, system: System, known: list[int], target: int) -> str:
    return reasons_of(items, system, np.array(known), np.array([target]))[0].words


def test_weights_are_parts_of_what_speaks_for_an_item() -> None:
    shares = Shares(np.array([[3.0, 0], [1, -2], [-1, 0]]), np.array([4.0, -1]))
    # of 3 + 1 and the base of 4; and of nothing at all
    np.testing.assert_allclose(weights_of(shares), [[3 / 8, 0], [1 / 8, 0], [0, 0]])


def test_words_name_who_carries_most_and_what_both_are() -> None:
    weights = np.zeros((4, 4), dtype=np.float32)
    weights[[0, 2, 3], 1] = 41, 40, 19
    system = System(ItemWeights(weights), POPULARITY)
    [found] = reasons_of(catalogue(), system, np.array([0, 2, 3]), np.array([1]))
    assert found.words == (
        "Because you bought Large strawberries (41 % of what speaks for it): "
        "both are STRAWBERRIES of PRODUCE."
    )
    assert found.relation == "type"
    assert [(r.item_id, round(r.weight, 2)) for r in found.items] == [
        ("i0", 0.41), ("i2", 0.40), ("i3", 0.19),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("known", "target", "pairs", "expected"),
    [
        (2, 1, [], "both are made by manufacturer 70"),
        (0, 3, [(0, 3)], "the two are bought together more often than by chance"),
        (2, 1, [(1, 2)], "the two are bought together more often than by chance"),
        (0, 1, [(0, 1)], "both are STRAWBERRIES of PRODUCE"),
    ],
)
def test_the_most_telling_edge_is_told(
    known: int, target: int, pairs: list[tuple[int, int]], expected: str
) -> None:
    weights = np.zeros((4, 4), dtype=np.float32)
    weights[known, target] = 1
    items = catalogue(pairs=pairs_of(4, *pairs))
    assert expected in words_of(items, System(ItemWeights(weights), POPULARITY), [known], target)


def test_a_path_ends_at_the_first_related_item_that_carries_enough() -> None:
    attributes = {"type": ["A", "B", "A", "C", "B"]}
    items = catalogue(attributes, ["zero", "one", "two", "three", "four"])
    system = to_last(60, 15, 14, 11)
    assert words_of(items, system, [0, 1, 2, 3], 4) == (
        "Because you bought one (15 % of what speaks for it): both are B."
    )
    # Below a tenth an item is no reason, related or not.
    assert words_of(items, to_last(85, 5, 5, 5), [0, 1, 2, 3], 4) == (
        "Because you bought zero (85 % of what speaks for it)."
    )


def test_where_nobody_carries_a_tenth_the_words_say_so() -> None:
    system = to_last(*([1.0] * 20))
    items = catalogue({"type": ["A"] * 21}, [f"item {n}" for n in range(21)])
    assert words_of(items, system, list(range(20)), 20) == (
        "Because of 20 purchases together; none carries a tenth, and item 0 most (5 %)."
    )


def test_what_falls_short_of_a_tenth_is_not_rounded_up_to_one() -> None:
    items = catalogue({"type": ["A"] * 14}, [f"item {n}" for n in range(14)])
    system = to_last(97, *([903 / 12] * 12))
    assert words_of(items, system, list(range(13)), 13) == (
        "Because of 13 purchases together; none carries a tenth, and item 0 most (9 %)."
    )


def test_popularity_and_an_empty_history_give_no_reason() -> None:
    popular = System(Popular(POPULARITY), POPULARITY)
    [found] = reasons_of(catalogue(), popular, np.array([1, 2]), np.array([0]))
    assert (found.words, found.items, found.relation) == (BEST_SELLER, [], None)
    best, worst = reasons_of(catalogue(), to_last(1, 1, 1), np.empty(0, int), np.array([0, 3]))
    assert (best.words, best.items, best.base) == (BEST_SELLER, [], 4)
    assert (worst.words, worst.items, worst.base) == (NOTHING, [], 1)
    # What is listed by how it sells is not for that among what sells most.
    [found] = reasons_of(catalogue(), popular, np.array([0, 2]), np.array([3]))
    assert (found.words, found.base) == (NOTHING, 1)


@pytest.mark.parametrize(
    ("sold", "expected"),
    [
        (list(range(40)), [36, 37, 38, 39]),
        # The 4th and the 5th sell alike, so that neither is of the tenth; 3 of 40 are.
        ([*range(35), 35, 35, 37, 38, 39], [37, 38, 39]),
        ([3, 7, 0], [1]),
        ([7, 7, 0], []),
        ([0], []),
        ([1], [0]),
    ],
)
def test_a_tenth_of_the_catalogue_sells_most(sold: list[int], expected: list[int]) -> None:
    popularity = np.array(sold, np.float32)
    found = System(Popular(popularity), popularity).best_sellers
    assert np.flatnonzero(found).tolist() == expected


def test_what_nothing_speaks_for_has_no_reason() -> None:
    assert words_of(catalogue(), to_last(-1, 0, 0), [0, 1], 3) == NOTHING


def test_an_item_is_no_reason_for_itself() -> None:
    system = System(Projection(np.eye(4, 2, dtype=np.float32) + 1), POPULARITY)
    [found] = reasons_of(catalogue(), system, np.array([1, 3]), np.array([1]))
    assert [reason.item_id for reason in found.items] == ["i3"]
    score = system.scorer.score(sparse.csr_matrix([[0, 1, 0, 1]], dtype=np.float32))[0, 1]
    assert sum(r.share for r in found.items) + found.others + found.base == pytest.approx(score)
    [alone] = reasons_of(catalogue(), system, np.array([1]), np.array([1]))
    assert (alone.words, alone.items) == (NOTHING, [])


@pytest.mark.parametrize(("known", "target"), [(0, 4), (-1, 1), (9, 1)])
def test_an_item_that_is_not_in_the_model_is_refused(known: int, target: int) -> None:
    with pytest.raises(RequestError, match="1 of 2 items are not among the 4 of the model"):
        reasons_of(catalogue(), to_last(1, 1, 1), np.array([known]), np.array([target]))


def test_a_graph_without_edges_leaves_the_shares() -> None:
    bare = catalogue({})
    [found] = reasons_of(bare, to_last(1, 3, 0), np.array([0, 1]), np.array([3]))
    assert found.relation is None
    assert found.words == "Because you bought Small strawberries (75 % of what speaks for it)."


def test_titles_that_are_missing_or_in_another_script() -> None:
    items = catalogue({}, ["  ", "苺 (いちご)", "", "塩"])
    assert words_of(items, to_last(1, 3, 0), [0, 1], 3) == (
        "Because you bought 苺 (いちご) (75 % of what speaks for it)."
    )
    assert "you bought i0 (" in words_of(items, to_last(3, 1, 0), [0, 1], 3)


def test_a_value_that_a_tenth_of_the_shop_has_relates_nothing() -> None:
    brands: list[str | None] = ["Own"] * 4 + ["Rare"] * 2 + [None] * 24
    items = catalogue({"brand": brands}, [f"item {n}" for n in range(30)])
    assert path_between(items, 0, 1) is None
    assert path_between(items, 4, 5) == "brand"
    assert path_between(items, 6, 7) is None


def test_paths_go_along_edges_that_are_there() -> None:
    """Whatever the shop and the history: an edge of the graph, from who carries a tenth."""
    rng = np.random.default_rng(0)
    n_items, told = 40, 0
    for _ in range(60):
        attributes: dict[str, list[str | None]] = {
            name: [None if rng.random() < 0.2 else f"v{rng.integers(15)}" for _ in range(n_items)]
            for name in ("type", "manufacturer", "brand", "category", "department")
        }
        edges = {tuple(sorted(pair)) for pair in rng.integers(0, n_items, (30, 2)).tolist()}
        items = catalogue(attributes, [f"t{n}" for n in range(n_items)], pairs_of(n_items, *edges))
        system = System(
            ItemWeights(rng.normal(0, 1, (n_items, n_items)).astype(np.float32)),
            np.ones(n_items, np.float32),
        )
        known = rng.choice(n_items, rng.integers(1, 25), replace=False)
        targets = np.setdiff1d(np.arange(n_items), known)
        weights = weights_of(system.scorer.shares(known, targets))
        for place, found in enumerate(reasons_of(items, system, known, targets)):
            if found.relation is None:
                continue
            told += 1
            assert found.relation in RELATIONS
            target = int(targets[place])
            [row] = [n for n in range(len(known)) if f"bought t{known[n]} (" in found.words]
            assert weights[row, place] >= LEAST_WEIGHT
            if found.relation == "bought_with":
                assert tuple(sorted((int(known[row]), target))) in edges
            else:
                values = attributes[found.relation]
                assert values[known[row]] == values[target] is not None
                assert str(values[target]) in found.words
    assert told > 100


def test_no_word_depends_on_who_the_customer_is() -> None:
    """Age, income or any other attribute of the profile swapped: the same answer, word for word."""
    model = make_model()
    rng = np.random.default_rng(0)
    bought = [{"item_id": "bread"}, {"item_id": "jam"}]

    def asked(profile: dict[str, Any] | None) -> list[Any]:
        given = {"items": bought, "explain": True, "profile": profile}
        return answer(model, Question.model_validate(given), "1").items

    plain = asked(None)
    assert plain[0].reasons is not None
    for _ in range(20):
        swapped = {
            "age": str(rng.choice(["19-24", "65+"])),
            "income": float(rng.integers(10, 200)),
            "married": bool(rng.random() < 0.5),
        }
        assert asked(swapped) == plain


def test_what_is_bought_together_survives_the_artefact(tmp_path: Path) -> None:
    model = make_model()
    paired = Model(
        Catalogue(IDS, model.catalogue.titles, {}, pairs_of(4, (0, 1))),
        model.customers, model.strategies, model.lineage,
    )  # fmt: skip
    for number, one in enumerate((model, paired)):
        folder = tmp_path / str(number)
        again = artefact.read(folder, artefact.write(one, folder))
        pairs = again.catalogue.pairs
        # An artefact of before there were pairs has none, and is read all the same.
        assert (pairs is not None) == bool(number)
        if pairs is not None:
            assert [pairs.holds(0, 1), pairs.holds(1, 0), pairs.holds(0, 2)] == [True, True, False]
