"""The privacy pipeline, alone, over what a whole run left."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import yaml
from running import PROJECT, kedro

pytestmark = pytest.mark.slow

SEED = 907_030_507_011
VARIABLE = "DOPPELCART_PRIVATE_TRAINING_SEED"


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of a folder by its name, and every member of the archives among them."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield str(path), path.read_bytes()
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as archive:
                    for name in archive.namelist():
                        yield f"{path}/{name}", archive.read(name)


def verbose(folder: Path) -> str:
    """A logging configuration that says everything there is to say."""
    logging = yaml.safe_load((PROJECT / "conf/logging.yml").read_text())
    logging["handlers"] = {"loud": {"class": "logging.StreamHandler"}}
    logging["loggers"] = {"kedro": {"level": "DEBUG"}, "doppelcart": {"level": "DEBUG"}}
    (folder / "logging.yml").write_text(yaml.safe_dump(logging | {"root": {
        "handlers": ["loud"], "level": "DEBUG"}}))  # fmt: skip
    return str(folder / "logging.yml")


def test_the_audit_and_private_training_run_from_what_is_saved_and_keep_their_secret(
    copy_of_run: Path, tmp_path: Path
) -> None:
    settings = {VARIABLE: str(SEED), "KEDRO_LOGGING_CONFIG": verbose(tmp_path)}
    done = kedro(copy_of_run, "--pipelines", "privacy", **settings)
    assert done.returncode == 0, done.stdout[-3000:]
    # The report, which lists all parameters, is made by a pipeline that does not use the secret. It
    # is not made at the level of debugging, at which Kedro prints whatever is saved: whole figures.
    again = kedro(copy_of_run, "--pipelines", "reporting", "--params",
                  f"private.training.seed={SEED}", **{VARIABLE: ""})  # fmt: skip
    assert again.returncode == 0, again.stdout[-3000:]
    assert "private.training.seed" in (copy_of_run / "data/08_reporting/report.html").read_text()
    written = dict(contents(copy_of_run)) | {"terminal": (done.stdout + again.stdout).encode()}
    assert any("private_generator.keras/config.json" in name for name in written)
    assert any(name.endswith("mlflow.db") for name in written)
    forms = [str(SEED).encode(), f"{SEED:,}".encode()]
    assert [name for name, text in written.items() if any(form in text for form in forms)] == []
    reporting = copy_of_run / "data/08_reporting"
    sets = json.loads((reporting / "privacy_summary.json").read_text())["sets"]
    assert {"gan", "denoiser", "copies", "non_members", "gan_completion"} <= set(sets)
    assert sets["copies"]["auc"] > 0.9
    assert "near copies" in sets["copies"]["failed"]
    curve = pd.read_csv(reporting / "private_curve.csv")
    assert curve["budget"].tolist() == ["epsilon 8", "no noise"] * 2
    assert curve["epsilon"][0] <= 8


def test_without_a_secret_nothing_private_is_trained_and_the_audit_runs(copy_of_run: Path) -> None:
    off = {"DOPPELCART_TRACKING": "off", VARIABLE: ""}
    refused = kedro(copy_of_run, "--pipelines", "privacy", **off)
    assert refused.returncode == 1
    assert f"export {VARIABLE}=$(python -c" in refused.stdout
    assert "Traceback" not in refused.stdout
    assert not (copy_of_run / "data/08_reporting/privacy_summary.json").exists()
    audit = kedro(copy_of_run, "--pipelines", "privacy", "--tags", "audit", **off)
    assert audit.returncode == 0, audit.stdout[-3000:]


def test_a_budget_out_of_reach_names_the_least(copy_of_run: Path) -> None:
    done = kedro(
        copy_of_run,
        "--pipelines",
        "privacy",
        "--tags",
        "private",
        "--params",
        "private.training.max_noise=1.5,private.training.steps=20000",
        DOPPELCART_TRACKING="off",
        **{VARIABLE: str(SEED)},
    )
    assert done.returncode != 0
    assert "cannot be reached" in done.stdout
    assert "the least is" in done.stdout
    assert "Traceback" not in done.stdout
