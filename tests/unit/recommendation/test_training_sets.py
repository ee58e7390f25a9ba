import numpy as np
import pytest

from doppelcart.data.histories import Histories
from doppelcart.errors import InputError
from doppelcart.recommendation.training_sets import check_synthetic, training_matrix

ITEMS = np.array(["a", "b", "c"])


def histories(*rows: list[int], items: np.ndarray = ITEMS) -> Histories:
    users = np.array([f"u{i}" for i in range(len(rows))])
    return Histories.from_lists([np.array(row) for row in rows], users, items)


TRAIN = histories([0], [0, 1], [1], [2])
GAN = histories([2, 0], [1, 2], [0, 1, 2])


def test_the_first_rows_are_added_as_far_as_the_ratio_asks() -> None:
    matrix = training_matrix("gan_new_users", 0.5, TRAIN, {"gan": GAN})
    assert matrix.toarray().tolist() == [
        [1, 0, 0],
        [1, 1, 0],
        [0, 1, 0],
        [0, 0, 1],
        [1, 0, 1],
        [0, 1, 1],
    ]


@pytest.mark.parametrize("arm", ["none", "gan_new_users"])
def test_ratio_zero_is_the_real_users_alone(arm: str) -> None:
    matrix = training_matrix(arm, 0.0, TRAIN, {"gan": GAN})
    assert (matrix != TRAIN.matrix).nnz == 0


def test_synthetic_only_has_no_real_user_and_as_many_as_there_were() -> None:
    with pytest.raises(InputError, match="needs 4 synthetic users, but synthetic_gan holds 3"):
        training_matrix("gan_only", 1.0, TRAIN, {"gan": GAN})
    two = histories([0], [1])
    assert training_matrix("gan_only", 1.0, two, {"gan": GAN}).toarray().tolist() == [
        [1, 0, 1],
        [0, 1, 1],
    ]


def test_too_few_synthetic_users_are_an_error_that_says_how_many() -> None:
    with pytest.raises(InputError, match="needs 4 synthetic users, but synthetic_gan holds 3"):
        training_matrix("gan_new_users", 1.0, TRAIN, {"gan": GAN})


def test_all_unfit_sets_are_listed_together() -> None:
    other = histories([0], [0], [0], [0], items=np.array(["a", "b", "x"]))
    with pytest.raises(InputError) as raised:
        check_synthetic(
            TRAIN,
            {"gan": GAN, "mixup": other, "copies": TRAIN},
            {"gan_new_users": 1.0, "mixup": 1.0, "copies": 1.0},
        )
    assert "synthetic_gan holds 3 users, 4 are needed" in str(raised.value)
    assert "synthetic_mixup has a catalogue" in str(raised.value)
    assert "copies" not in str(raised.value)
