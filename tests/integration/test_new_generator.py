"""A generator added as CONTRIBUTING says gets its arms, labels, choices and verdict."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from fabricate import write_shop
from running import PROJECT, environment

pytestmark = pytest.mark.slow

IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc", "local")
ARMS = ["toy_new_users", "toy_completion", "toy_only"]
LABELS = ["Customers made by the toy", "Histories completed by the toy"]

TRAINER = '''"""A toy: reconstructs histories, and draws no noise."""

from collections.abc import Iterator

import tensorflow as tf

from doppelcart.adversarial.trainer import Tensors
from doppelcart.models.histories.history_trainer import HistoryTrainer


class ToyTrainer(HistoryTrainer):
    """Trains the generator of everybody's items, most of all popular ones."""

    def step(self, batch: Tensors, seeds: Iterator[tf.Tensor], epoch: int) -> Tensors:
        """One step of reconstruction."""
        noise = tf.zeros((tf.shape(batch["seen"])[0], self.generator.input["noise"].shape[-1]))
        with tf.GradientTape() as tape:
            loss = self.reconstruction(self.decode(batch, noise), batch)
        gradients = tape.gradient(loss, self.generator.trainable_variables)
        self.update_generator(gradients)
        return {
            "generator_loss": loss,
            "generator_gradient_norm": tf.linalg.global_norm(gradients),
        }
'''
HISTORIES = "src/doppelcart/models/histories"
FITTING = '    autoencodes = training.adversarial_loss == "autoencoding"\n'
BUILT = f"""    if family == "toy":
        from doppelcart.models.histories.toy import ToyTrainer

        return ToyTrainer(generator, build_critic(network, **beside), training, 0.0)
{FITTING}"""
GENERATORS = "_GENERATORS: Final = (\n"
LISTED = '    Generator("toy", "Toy", "the toy", "by the toy", on_trial=True),\n'
FAMILY = '"diffusion"]'


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path.name} has {text.count(old)} times: {old}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def add_generator(home: Path) -> None:
    """The steps of 'Add a generator', in their order; each touches one place."""
    (home / HISTORIES / "toy.py").write_text(TRAINER, encoding="utf-8")
    change(home / HISTORIES / "hyperparameters.py", FAMILY, '"diffusion", "toy"]')
    change(home / HISTORIES / "fitting.py", FITTING, BUILT)
    change(home / "src/doppelcart/recommendation/arms.py", GENERATORS, GENERATORS + LISTED)
    with (home / "conf/base/gan/parameters.yml").open("a", encoding="utf-8") as file:
        trainer = {"name": "toy", "family": "toy", "adversarial_weight": 0.0}
        trainer["state_folder"] = "${globals:data_root}/06_models/.training"
        yaml.safe_dump({"toy": {"trainer": trainer}}, file)
    arms = home / "conf/base/evaluation/parameters.yml"
    change(arms, "    - gan_only\n", "".join(f"    - {name}\n" for name in ("gan_only", *ARMS)))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This project with a toy generator, and what a short run over a small shop made."""
    home = tmp_path_factory.mktemp("project")
    for part in ("src", "conf"):
        shutil.copytree(PROJECT / part, home / part, ignore=IGNORED)
    shutil.copy(PROJECT / "pyproject.toml", home)
    add_generator(home)
    write_shop(home / "shop", n_users=120)
    short = {
        "gan": {"training": {"epochs": 2, "evaluate_every": 1, "batch_size": 64}},
        "evaluation": {"grids": {"ease": {"l2": [50.0]}}, "strengths": [0.0, 0.3]},
        "split": {"known_items": [5]},
    }
    for name, parameters in short.items():
        path = home / "conf/test" / name / "parameters.yml"
        kept = yaml.safe_load(path.read_text(encoding="utf-8"))[name]
        path.write_text(yaml.safe_dump({name: kept | parameters}), encoding="utf-8")
    path = os.pathsep.join([str(home / "src"), str(PROJECT / "tests" / "offline")])
    done = subprocess.run(
        [sys.executable, "-m", "kedro", "run", "--env", "test"],
        cwd=home,
        env=environment(home, PYTHONPATH=path, DOPPELCART_TRACKING="off"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )
    (home / "terminal.txt").write_text(done.stdout)
    assert done.returncode == 0, done.stdout[-5000:]
    return home


def table(project: Path, name: str, layer: str = "08_reporting") -> pd.DataFrame:
    return pd.read_csv(project / "data" / layer / f"{name}.csv")


def test_it_trains_and_invents_users_that_are_measured(project: Path) -> None:
    log = table(project, "toy_training_log", "06_models")
    assert log["epoch"].tolist() == [1, 2]
    assert log["generator_loss"].iloc[1] < log["generator_loss"].iloc[0]
    fidelity = table(project, "fidelity_report", "07_model_output")
    assert fidelity["toy"].notna().any()


def test_its_arms_are_tuned_and_judged_against_every_control(project: Path) -> None:
    assert set(ARMS[:2]) <= set(table(project, "chosen_configs", "07_model_output")["arm"])
    assert "toy_only" in set(table(project, "tstr")["arm"])
    verdict = table(project, "verdict")
    assert set(verdict["arm"]) == {"toy_new_users", "toy_completion"} | {
        "gan_new_users",
        "gan_completion",
    }
    uplift = table(project, "uplift")
    against = set(uplift.loc[uplift["arm"] == "toy_completion", "against"])
    assert {"none", "popularity_completion", "denoiser_completion", "vae_completion"} <= against
    assert "gan_completion" not in against


def test_it_has_its_labels_on_the_page(project: Path) -> None:
    page = (project / "data/08_reporting/report.html").read_text(encoding="utf-8")
    for label in (*LABELS, "Monitors: Toy"):
        assert label in page
