"""Networks come back as they were, whole, and without running anything that is in the file."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kedro.io import DatasetError

from doppelcart.datasets.keras_model import KerasModelDataset
from doppelcart.errors import InputError, StorageError
from doppelcart.models.histories.hyperparameters import DiffusionNetwork, NetworkConfig

CONFIG = NetworkConfig(noise_units=4, hidden_units=8, critic_units=8)
HISTORY = np.array([[1, 0, 1, 1, 0], [0, 0, 0, 0, 0]], np.float32)


def network(name: str, widths: tuple[int, int, int] = (2, 3, 2)) -> Any:
    from doppelcart.models.histories.networks import build_critic, build_generator

    n_demographics, n_behaviours, n_features = widths
    if name == "critic":
        return build_critic(CONFIG, 5, n_demographics, n_behaviours, seed=0)
    features = np.random.default_rng(1).normal(size=(5, n_features)).astype(np.float32)
    if name == "diffusion":
        from doppelcart.models.histories.latent_diffusion import build_diffusion

        sizes = DiffusionNetwork(**CONFIG.model_dump(), denoiser_units=8, diffusion_steps=3)
        shares = np.full(5, 0.3)
        return build_diffusion(sizes, shares, 9, features, n_demographics, n_behaviours, 0)
    return build_generator(CONFIG, np.full(5, 0.3), 9, features, n_demographics, n_behaviours, 0)


def fed(model: Any) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        name: rng.normal(size=(4, tensor.shape[-1])).astype(np.float32) ** 2
        for name, tensor in model.input.items()
    }


def again(model: Any, folder: Path) -> Any:
    dataset = KerasModelDataset(filepath=str(folder / "deep" / "model.keras"))
    assert not dataset.exists()
    dataset.save(model)
    assert dataset.exists()
    return dataset.load()


@pytest.mark.parametrize("name", ["MeanItemFeatures", "HistoryScale", "LogLength"])
def test_a_layer_of_ours_comes_back(name: str, tmp_path: Path) -> None:
    import keras

    from doppelcart.models.histories import networks

    layer = getattr(networks, name)(*((5, 2) if name == "MeanItemFeatures" else ()), name="ours")
    entry = keras.Input((5,))
    model = keras.Model(entry, layer(entry))
    if layer.weights:
        layer.set_weights([np.arange(10, dtype=np.float32).reshape(5, 2)])
    loaded = again(model, tmp_path)
    assert type(loaded.get_layer("ours")) is type(layer)
    assert loaded.get_layer("ours").get_config() == layer.get_config()
    np.testing.assert_array_equal(loaded(HISTORY), model(HISTORY))


@pytest.mark.parametrize("widths", [(2, 3, 2), (0, 3, 0)], ids=["rich", "poor source"])
@pytest.mark.parametrize("name", ["generator", "critic", "diffusion"])
def test_a_network_comes_back_and_says_the_same(
    name: str, widths: tuple[int, int, int], tmp_path: Path
) -> None:
    model = network(name, widths)
    loaded = again(model, tmp_path)
    np.testing.assert_array_equal(loaded(fed(model)), model(fed(model)))
    assert loaded.name == model.name
    assert not loaded.compiled
    trainable = [v.path for v in model.trainable_variables]
    assert [v.path for v in loaded.trainable_variables] == trainable


@pytest.mark.parametrize("name", ["generator", "diffusion"])
def test_a_process_that_knows_no_layer_yet_can_load_it(name: str, tmp_path: Path) -> None:
    model = network(name)
    again(model, tmp_path)
    np.savez(tmp_path / "fed.npz", **fed(model))
    code = (
        "import sys, numpy as np; from doppelcart.datasets.keras_model import KerasModelDataset; "
        "assert not {'tensorflow', 'keras'} & set(sys.modules); "
        f"model = KerasModelDataset(filepath={str(tmp_path / 'deep/model.keras')!r}).load(); "
        f"fed = dict(np.load({str(tmp_path / 'fed.npz')!r})); "
        f"np.save({str(tmp_path / 'said.npy')!r}, np.asarray(model(fed)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    np.testing.assert_allclose(np.load(tmp_path / "said.npy"), model(fed(model)), rtol=1e-6)


@pytest.mark.parametrize("damage", ["cut", "flipped", "text", "another archive", "missing"])
def test_a_damaged_archive_is_a_storage_error_with_advice(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "gan_generator.keras"
    dataset = KerasModelDataset(filepath=str(path))
    dataset.save(network("generator"))
    whole = path.read_bytes()
    if damage == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "flipped":
        middle = len(whole) // 2
        flipped = bytes(byte ^ 0xFF for byte in whole[middle : middle + 64])
        path.write_bytes(whole[:middle] + flipped + whole[middle + 64 :])
    elif damage == "text":
        path.write_text("not an archive")
    elif damage == "another archive":
        with path.open("wb") as file:
            np.savez(file, x=np.zeros(3))
    else:
        path.unlink()
    with pytest.raises(DatasetError, match=r"gan_generator\.keras.*kedro run --pipelines gan") as e:
        dataset.load()
    assert isinstance(e.value, StorageError)


def test_advice_names_the_pipeline_that_trains(tmp_path: Path) -> None:
    dataset = KerasModelDataset(filepath=str(tmp_path / "d.keras"), trained_by="diffusion")
    with pytest.raises(DatasetError, match="kedro run --pipelines diffusion"):
        dataset.load()


def test_code_inside_an_archive_is_not_run(tmp_path: Path) -> None:
    import keras

    entry = keras.Input((5,))
    model = keras.Model(entry, keras.layers.Lambda(lambda x: x + 1)(entry))
    dataset = KerasModelDataset(filepath=str(tmp_path / "foreign.keras"))
    dataset.save(model)
    with pytest.raises(DatasetError, match=r"foreign\.keras"):
        dataset.load()


def test_a_save_that_fails_leaves_the_former_file_and_no_rubbish(tmp_path: Path) -> None:
    class Breaking:
        def save(self, path: Path) -> None:
            path.write_bytes(b"half")
            raise RuntimeError("broken")

    dataset = KerasModelDataset(filepath=str(tmp_path / "critic.keras"))
    model = network("critic")
    dataset.save(model)
    with pytest.raises(DatasetError, match="broken"):
        dataset.save(Breaking())
    np.testing.assert_array_equal(dataset.load()(fed(model)), model(fed(model)))
    assert [path.name for path in tmp_path.iterdir()] == ["critic.keras"]


def test_a_generator_of_another_catalogue_is_refused(tmp_path: Path) -> None:
    from doppelcart.models.histories.generation import generate

    loaded = again(network("generator"), tmp_path)
    items = np.array([f"i{item}" for item in range(6)])
    with pytest.raises(InputError, match=r"catalogue of 5 items.*have 6"):
        generate(loaded, 3, items, np.random.default_rng(0))


def test_describes_itself(tmp_path: Path) -> None:
    dataset = KerasModelDataset(filepath=str(tmp_path / "m.keras"), metadata={"a": 1})
    assert str(tmp_path / "m.keras") in repr(dataset)
    assert dataset.metadata == {"a": 1}
