"""A trained generator as the arrays that a server completes histories with."""

from __future__ import annotations

from typing import Any

import numpy as np

from doppelcart.models.histories.networks import ITEM_FEATURES, PROFILE_INPUTS
from doppelcart.serving.history_completer import Completer, noise_of


def completer_arrays(generator: Any, n_draws: int, seed: int = 0) -> Completer:
    """The arrays of a generator, for customers of whom no behaviour is known but their purchases.

    What is unknown enters the network as zeros, so its rows of the first hidden layer are left out.

    Args:
        generator: G of ``networks.build_generator``, trained.
        n_draws: Draws of noise that are averaged.
        seed: Of the noise.
    """
    (table,) = generator.get_layer(ITEM_FEATURES).get_weights()
    encoder, encoder_bias = generator.get_layer("item_bottleneck").get_weights()
    first, first_bias = generator.get_layer("trunk_0").get_weights()
    hidden, hidden_bias = generator.get_layer("trunk_1").get_weights()
    output, output_bias = generator.get_layer("item_logits").get_weights()
    norms = [generator.get_layer(f"norm_{layer}").get_weights() for layer in range(2)]
    noise = noise_of(n_draws, generator.input["noise"].shape[-1], seed)
    n_read = encoder.shape[1] + 1 + table.shape[1]
    n_before = n_read + noise.shape[1]
    n_demographics, *others = (generator.input[name].shape[-1] for name in PROFILE_INPUTS)
    assert len(first) == n_before + n_demographics + sum(others)
    wanted = (
        generator.get_layer("wanted_features").get_weights()[0]
        if table.shape[1]
        else np.zeros((len(hidden), 0), np.float32)
    )
    return Completer(
        encoder=encoder,
        encoder_bias=encoder_bias,
        table=table,
        reading=first[:n_read],
        noises=noise @ first[n_read:n_before] + first_bias,
        told=first[n_before : n_before + n_demographics + 1],
        hidden=hidden,
        hidden_bias=hidden_bias,
        scales=np.stack([scale for scale, _ in norms]),
        shifts=np.stack([shift for _, shift in norms]),
        output=output,
        output_bias=output_bias,
        wanted=wanted,
    )
