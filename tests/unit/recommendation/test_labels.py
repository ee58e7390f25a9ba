from doppelcart.experiment.design import BEST_BASELINE
from doppelcart.recommendation import labels
from doppelcart.recommendation.arms import ARMS


def test_every_arm_has_a_label_of_its_own():
    names = [labels.arm_label(arm) for arm in ARMS]
    assert len(set(names)) == len(ARMS)
    assert not set(names) & set(ARMS)


def test_unknown_names_are_shown_as_they_are():
    assert labels.arm_label("vae") == "vae"
    assert labels.recommender_label("slim") == "slim"
    assert labels.metric_label("serendipity@10") == "serendipity@10"


def test_arms_stand_with_the_generator_before_its_controls_and_none_last():
    found = labels.arm_order(["none", "copies", "gan_new_users", "denoiser_completion",
                              "gan_completion", "vae"])  # fmt: skip
    assert found == ["gan_completion", "denoiser_completion", "gan_new_users", "copies", "none",
                     "vae"]  # fmt: skip


def test_only_the_generators_arms_are_on_trial():
    judged = {arm for arm in ARMS if labels.is_generator(arm)}
    assert judged == {"gan_completion", "gan_new_users", "gan_only"}
    assert not labels.is_generator("gan_of_somebody_else")


def test_what_an_arm_is_compared_with_is_named():
    assert labels.against_label(BEST_BASELINE) == "the best recommender without synthetic data"
    assert labels.against_label("mixup") == labels.arm_label("mixup")
