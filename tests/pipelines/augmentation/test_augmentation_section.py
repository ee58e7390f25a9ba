"""What the page says of synthetic customers, in words."""

import numpy as np
import pandas as pd
import pytest

from doppelcart.pipelines.augmentation.section import privacy_in_words

NAMES = ["exact_copy_rate", "near_copy_rate", "closer_to_train_share"]


@pytest.mark.parametrize(
    ("values", "copies", "nearer"),
    [
        ((0, 0, 0.5), "no customer of the GAN copies a real one", "They are no nearer"),
        ((0, 0.02, 0.6), "2.0 % of the GAN's customers copy", "But 60.0 % are nearer"),
        ((0.0004, 0.0004, 0.546), "fewer than 0.1 % of the GAN's", "54.6 % are nearer to those it"),
        ((0, 0.0006, 0.5001), "0.1 % of the GAN's", "They are no nearer"),
        ((0, 0, 0.42), "no customer of the GAN copies a real one", "They are no nearer"),
        ((np.nan, 0.02, 0.5), "2.0 % of the GAN's customers copy", "They are no nearer"),
        ((0, np.nan, 0.5), "copy real ones is not known", "They are no nearer"),
        ((np.nan,) * 3, "copy real ones is not known", "than to others is not known"),
    ],
)
def test_what_was_not_measured_is_not_known(values, copies, nearer):
    told = privacy_in_words(pd.DataFrame({"statistic": NAMES, "gan": values}))
    assert copies in told
    assert nearer in told


def test_a_measure_that_is_not_there_is_not_known_either():
    told = privacy_in_words(pd.DataFrame({"statistic": ["dcr_train_p05"], "gan": [0.1]}))
    assert told.count("is not known") == 2
