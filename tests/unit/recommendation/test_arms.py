from doppelcart.recommendation.arms import ARMS, SYNTHETIC_OF, Kind, controls_of, of_kind


def test_controls_of_a_generators_arm_are_all_others_of_its_kind() -> None:
    assert controls_of("gan_new_users") == (
        "copies",
        "popularity",
        "mixup",
        "denoiser_new_users",
        "vae_new_users",
    )
    assert controls_of("gan_completion") == (
        "popularity_completion",
        "denoiser_completion",
        "vae_completion",
    )


def test_every_arm_that_trains_on_synthetic_users_names_its_set() -> None:
    trained = {*of_kind(Kind.TRAINING), *of_kind(Kind.SYNTHETIC_ONLY)}
    assert set(SYNTHETIC_OF) == trained


def test_the_level_is_a_strength_for_completions_and_a_ratio_for_training() -> None:
    assert ARMS["gan_completion"].level == "strength"
    assert ARMS["copies"].level == "ratio"
