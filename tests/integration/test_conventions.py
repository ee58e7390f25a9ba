"""The project's conventions, held by walking the pipelines and the configuration."""

import inspect
import json
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pandas as pd
import pytest
import yaml
from kedro.config import OmegaConfigLoader
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.io import AbstractDataset, CatalogConfigResolver
from kedro.pipeline import Node, Pipeline
from kedro.pipeline.node import Node as KedroNode
from kedro.validation import TypeExtractor
from parse import parse
from pydantic import BaseModel

from doppelcart import pipelines as packages
from doppelcart.hooks.metadata import KEY, handlings, with_role
from doppelcart.pipeline_registry import CORE, register_pipelines
from doppelcart.reporting.capabilities import find_capabilities
from doppelcart.settings import CONFIG_LOADER_ARGS

PROJECT = Path(__file__).resolve().parents[2]
NAMES = {
    "raw": r"raw_.*",
    "intermediate": r"int_.*",
    "primary": r"prm_.*|split_.*|(train|validation|test)_(interactions|histories|cases)",
    "feature": r"feat_.*",
}
# Descriptions of a table, rows taken out of one, what was fitted on one: named for what they are.
UNPREFIXED = r"source_summary|quarantine|cleaning_report|.*_transformer"

PIPELINES = register_pipelines()
CAPABILITIES = find_capabilities(packages)
NODES = {node.name: node for pipeline in PIPELINES.values() for node in pipeline.nodes}


def config() -> OmegaConfigLoader:
    return OmegaConfigLoader(str(PROJECT / "conf"), env="base", **CONFIG_LOADER_ARGS)


def catalog_files() -> dict[str, dict[str, Any]]:
    """Entries by the pipeline whose file they stand in."""
    files = sorted((PROJECT / "conf/base").glob("*/catalog.yml"))
    return {
        path.parent.name: {
            name: entry
            for name, entry in yaml.safe_load(path.read_text()).items()
            if not name.startswith("_")
        }
        for path in files
    }


def entries(files: dict[str, dict[str, Any]], used: set[str]) -> dict[str, tuple[str, Any]]:
    """Owner and entry by dataset: those that are named, and those in use that a pattern makes.

    Args:
        files: Entries by owner, names and patterns.
        used: Datasets of all pipelines.
    """
    owners = {name: owner for owner, es in files.items() for name in es}
    resolver = patterns_of(files)
    found = {n: (owner, files[owner][n]) for n, owner in owners.items() if "{" not in n}
    for name in sorted(used - set(found)):
        pattern = resolver.match_dataset_pattern(name)
        if pattern is not None:
            found[name] = (owners[pattern], filled(files[owners[pattern]][pattern], pattern, name))
    return found


def patterns_of(files: dict[str, dict[str, Any]]) -> CatalogConfigResolver:
    """What Kedro finds patterns by, the values of the configuration left empty."""
    text = json.dumps({n: e for es in files.values() for n, e in es.items()})
    return CatalogConfigResolver(json.loads(re.sub(r"\$\{[^}]*\}", "", text)))


def filled(entry: Any, pattern: str, name: str) -> Any:
    """An entry with the parts of a name in the place of the pattern's."""
    text = json.dumps(entry)
    for part, value in parse(pattern, name).named.items():
        text = text.replace(f"{{{part}}}", value)
    return json.loads(text)


def unowned(files: dict[str, dict[str, Any]]) -> list[str]:
    """Entries that stand in no pipeline's file, or do not say whether they are tracked."""
    faults = [
        f"{n}: {o} is no pipeline" for o, es in files.items() if o not in PIPELINES for n in es
    ]
    return faults + [
        f"{name}: metadata.{KEY}.track is missing"
        for named in files.values()
        for name, entry in named.items()
        if "track" not in entry.get("metadata", {}).get(KEY, {})
    ]


def is_parameter(name: str) -> bool:
    return name == "parameters" or name.startswith("params:")


def bare(name: str) -> str:
    return name.partition("@")[0]


def datasets(pipeline: Pipeline) -> set[str]:
    return {bare(name) for name in pipeline.datasets() if not is_parameter(name)}


CATALOG = entries(catalog_files(), set().union(*map(datasets, PIPELINES.values())))
# What is there for all capabilities alike stands with the page that collects it.
SHARED = r".*\.(scores|design|differences|verdict|section)"


def layer(name: str) -> str:
    return CATALOG[name][1]["metadata"]["kedro-viz"]["layer"]


class TestNodes:
    @pytest.mark.parametrize("name", NODES)
    def test_a_node_is_named_and_its_function_stands_at_the_top_of_a_module(self, name):
        node = NODES[name]
        assert node._name, f"{node} has no name"
        assert inspect.isfunction(node.func), f"{name} wraps {node.func!r}"
        assert node.func.__qualname__ == node.func.__name__ != "<lambda>"
        assert re.fullmatch(r"[a-z][a-z0-9_]*", node.short_name.lower()), name

    @pytest.mark.parametrize("name", NODES)
    def test_a_nodes_function_is_typed_and_its_hints_resolve(self, name):
        function = NODES[name].func
        hints = get_type_hints(function)
        assert set(hints) >= {*inspect.signature(function).parameters, "return"}
        assert inspect.getdoc(function)

    def test_a_name_belongs_to_one_node(self):
        for name, pipeline in PIPELINES.items():
            names = [node.name for node in pipeline.nodes]
            assert len(names) == len(set(names)), name


class TestPipelines:
    @pytest.mark.parametrize("name", sorted(set(PIPELINES) - {"__default__"}))
    def test_a_pipeline_has_its_files(self, name):
        folder = Path(packages.__path__[0]) / name
        asked = any(key.partition(".")[0] == name for key in ASKED)
        own = ("params.py",) if asked else ()
        for file in ("__init__.py", "nodes.py", "pipeline.py", "README.md", *own):
            assert (folder / file).is_file(), f"{folder / file} is missing"

    @pytest.mark.parametrize("name", sorted(set(PIPELINES) - {"__default__"}))
    def test_a_pipeline_that_makes_a_verdict_brings_its_section(self, name):
        assert without_section(PIPELINES[name], {c.name for c in CAPABILITIES}) == []

    def test_a_verdict_without_a_section_is_found(self):
        lonely = Pipeline([Node(anything, "metrics", "pictures.verdict", name="judge")])
        assert without_section(lonely, set()) == ["pictures"]
        assert without_section(lonely, {"pictures"}) == ["pictures"]
        told = lonely + Pipeline([Node(anything, "pictures.verdict", "pictures.section", name="t")])
        assert without_section(told, {"pictures"}) == []

    def test_what_declares_a_capability_writes_its_section(self):
        made = {capability.name: f"{capability.name}.section" for capability in CAPABILITIES}
        assert made
        for name, section in made.items():
            assert section in PIPELINES[name].all_outputs(), name

    @pytest.mark.parametrize("name", sorted(set(PIPELINES) - {"__default__"}))
    def test_a_pipeline_runs_alone_from_what_is_saved(self, name):
        borders = {bare(n) for n in PIPELINES[name].inputs() if not is_parameter(n)}
        assert borders <= set(CATALOG), f"not saved: {sorted(borders - set(CATALOG))}"

    def test_nothing_but_the_core_is_in_the_default(self):
        assert set(CORE) <= set(PIPELINES)
        made = {output for name in CORE for output in PIPELINES[name].all_outputs()}
        assert PIPELINES["__default__"].all_outputs() == made


class TestCatalog:
    def test_every_entry_is_used(self):
        used = set().union(*(datasets(pipeline) for pipeline in PIPELINES.values()))
        assert set(map(bare, CATALOG)) <= used

    def test_every_pattern_is_used(self):
        patterns = {name for es in catalog_files().values() for name in es if "{" in name}
        resolver = patterns_of(catalog_files())
        used = {resolver.match_dataset_pattern(name) for name in CATALOG}
        assert patterns <= used

    def test_every_entry_has_an_owner_and_says_whether_it_is_tracked(self):
        assert unowned(catalog_files()) == []

    def test_an_entry_without_owner_or_tracking_is_named(self):
        tracked = {"metadata": {KEY: {"track": {}}}}
        assert unowned({"gan": {"a": tracked}}) == []
        assert unowned({"": {"b": tracked}}) == ["b:  is no pipeline"]
        assert unowned({"gan": {"c": {"type": "x"}}}) == ["c: metadata.doppelcart.track is missing"]

    def test_what_the_entries_ask_of_the_hooks_is_known(self):
        found = handlings({n: e for es in catalog_files().values() for n, e in es.items()})
        assert with_role(found, "section") == ["{capability}.section"]
        assert len(with_role(found, "product")) == len(with_role(found, "report")) == 1

    def test_what_optional_pipelines_make_lies_in_their_namespace(self):
        for name in set(PIPELINES) - {*CORE, "__default__"}:
            made = map(bare, PIPELINES[name].all_outputs())
            assert [output for output in made if not output.startswith(f"{name}.")] == [], name

    @pytest.mark.parametrize("name", CATALOG)
    def test_an_entry_stands_in_the_file_of_the_pipeline_that_makes_it(self, name):
        owner, _ = CATALOG[name]
        pipeline = PIPELINES[owner]
        outside = {bare(n) for p in PIPELINES.values() for n in p.all_outputs()}
        makes = {bare(n) for n in pipeline.all_outputs()}
        reads = {bare(n) for n in pipeline.inputs()} - outside
        if not re.fullmatch(SHARED, name):
            assert bare(name) in makes | reads

    @pytest.mark.parametrize("name", CATALOG)
    def test_a_name_a_folder_and_a_layer_agree(self, name):
        assert "kedro-viz" in CATALOG[name][1].get("metadata", {}), f"{name} has no layer"
        path = CATALOG[name][1].get("filepath")
        # What the project itself brings lies with it.
        if path is not None and not path.startswith("${project_path:"):
            assert path.startswith("${globals:data_root}/"), path
            folder = path.split("/")[1]
            assert re.fullmatch(rf"0[1-8]_{layer(name)}", folder), (folder, layer(name))
        for its, pattern in NAMES.items():
            if not re.fullmatch(UNPREFIXED, bare(name)):
                assert bool(re.fullmatch(pattern, name)) == (layer(name) == its), layer(name)

    @pytest.mark.parametrize("name", PIPELINES)
    def test_layers_follow_one_another(self, name):
        # Kedro-Viz draws no layers at all where two of them feed each other.
        before = layers_before(PIPELINES[name])
        assert list(TopologicalSorter(before).static_order()) or not before


def layers_before(pipeline: Pipeline) -> dict[str, set[str]]:
    """By layer of a pipeline, those that feed it; what is only in memory hands on its sources'."""
    fed: dict[str, set[str]] = {}
    before: dict[str, set[str]] = {}
    for node in pipeline.nodes:
        sources: set[str] = set()
        for name in map(bare, node.inputs):
            sources |= {layer(name)} if name in CATALOG else fed.get(name, set())
        for output in map(bare, node.outputs):
            if output in CATALOG:
                before.setdefault(layer(output), set()).update(sources - {layer(output)})
            else:
                fed[output] = sources
    return before


def without_section(pipeline: Pipeline, capabilities: set[str]) -> list[str]:
    """Namespaces in which a pipeline makes a verdict and no capability's section."""
    made = {bare(name) for name in pipeline.all_outputs()}
    judged = {name.rpartition(".")[0] for name in made if name.rpartition(".")[2] == "verdict"}
    # That of the core is bare.
    names = {name or "evaluation" for name in judged}
    return sorted(n for n in names if n not in capabilities or f"{n}.section" not in made)


def models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The model and every model inside it."""
    yield model
    for field in model.model_fields.values():
        for inner in _classes(field.annotation):
            if issubclass(inner, BaseModel):
                yield from models(inner)


def _classes(annotation: Any) -> Iterator[type]:
    if inspect.isclass(annotation) and not get_args(annotation):
        yield annotation
    for inner in get_args(annotation):
        yield from _classes(inner)


TYPED = TypeExtractor(PIPELINES).extract_types_from_pipelines()
ASKED = sorted(
    {n.removeprefix("params:") for p in PIPELINES.values() for n in p.inputs() if "params:" in n}
)


IDS: dict[str, tuple[str, ...]] = {
    "stockouts.orders": ("store_id", "item_id"),
    "weekly_demand.orders": ("item_id", "label"),
    "weekly_demand.shown": ("item_id",),
    "reviews.suspects": ("review", "about", "part"),
    "reviews.listed": ("group",),
    "shilling.suspects": ("user_id", "odd_item"),
    "shilling.attacks": ("target",),
    "lookalikes.suspects": ("picture_id", "sold_as", "group"),
    "lookalikes.unable": ("product",),
    "pictures.quarantine": ("picture_id", "product"),
    "items.quarantine": ("item_id", "path"),
    "ideas.ideas": ("nearest_item", "nearest_manufacturer", "manufacturer", "type"),
}
"""Ids and names of a shop, by the file that they are read from again."""


class TestIds:
    @pytest.mark.parametrize(
        "name", [n for n, (_, e) in CATALOG.items() if e["type"].endswith("SourceTables")]
    )
    def test_what_is_read_says_which_of_its_columns_are_texts(self, name):
        entry = CATALOG[name][1]
        source = "${globals:source.tables}"
        assert entry["tables"] == source or set(entry["tables"]) == {entry["declared"]}

    @pytest.mark.parametrize("name", IDS)
    def test_ids_come_back_as_they_were_saved(self, name, tmp_path):
        entry = CATALOG[name][1] | {"filepath": str(tmp_path / "ids.csv")}
        written = {column: ["00123", "1E3", "NA", "None"] for column in IDS[name]}
        dataset = AbstractDataset.from_config(name, entry)
        dataset.save(pd.DataFrame(written))
        assert dataset.load().to_dict("list") == written


class TestParameters:
    @pytest.mark.parametrize("key", ASKED)
    def test_a_parameter_has_a_model_that_is_frozen_closed_and_described(self, key):
        assert key in TYPED, f"no node hints params:{key} with a pydantic model"
        for model in models(TYPED[key]):
            assert model.model_config.get("frozen") is True, model
            assert model.model_config.get("extra") == "forbid", model
            undescribed = [n for n, f in model.model_fields.items() if not f.description]
            assert not undescribed, f"{model.__name__}: {undescribed}"

    def test_no_typed_parameter_lies_within_another(self):
        # Kedro 1.7 refuses to put a model inside of a model.
        nested = [(a, b) for a in TYPED for b in TYPED if b.startswith(f"{a}.")]
        assert nested == []

    def test_every_key_of_the_configuration_is_asked_for(self):
        keys = set(config()["parameters"])
        assert keys <= {key.partition(".")[0] for key in ASKED}

    def test_models_reach_the_nodes(self, monkeypatch):
        # Kedro hands plain dicts on, and only warns, where a hint cannot be resolved.
        monkeypatch.chdir(PROJECT)
        monkeypatch.setenv("DOPPELCART_TRACKING", "off")
        bootstrap_project(PROJECT)
        with KedroSession.create(project_path=PROJECT, env="base") as session:
            catalog = session.load_context().catalog
        for key in ASKED:
            assert isinstance(catalog.load(f"params:{key}"), BaseModel), key


# What a dataset may know of the future, by name. All else inherits what its node's inputs know.
KNOWS = {
    r"(raw|int)_.*|prm_interactions|quarantine": {"validation", "test"},
    # Attributes of items and users, which no time and no purchase are in.
    r"(int|prm)_(items|users)": set(),
    # What the shop did, not what a customer did after it.
    r"int_promotions": set(),
    r"validation_(interactions|cases)": {"validation"},
    r"test_(interactions|cases)": {"test"},
}
# The node that parts training rows from the rest, and what it makes of them.
SPLITS = {"split.split_interactions": {"train_interactions", "split_bounds"}}
# Everything that is fitted, or that something is fitted on.
FITTED = (
    r"train_.*|feat_.*|.*_transformer|.*_matrix|.*\.generator|.*\.critic|.*\.encoder"
    r"|(.*\.)?synthetic_.*"
    r"|(.*\.)?chosen_configs|validation_scores|fusion\.weights"
)
# Nodes that may see validation data without passing them on, and why.
MAY_SEE_VALIDATION = {
    "gan.train": "chooses the checkpoint by a data metric on validation users",
    "gan.denoiser.train": "as above",
    "gan.vae.train": "as above",
    "diffusion.train_diffusion": "chooses the checkpoint as the training of the GAN does",
    "diffusion.tune_diffusion": "chooses configurations, ratios, strengths as evaluation does",
    "targeting.choose_ratios": "chooses configurations and ratios for segments on validation users",
    "fusion.tune_networks": "tunes the recommenders that evaluation leaves out, as it would",
    "fusion.choose_weights": "chooses the weights of every fusion on validation users",
    "evaluation.tune_arms": "chooses every configuration, ratio and strength on validation users",
}
# Nodes that may read whole tables, and what they do to remain within training time.
MAY_READ_WHOLE = {
    ("describe_users", "int_reviews"): "reads reviews up to the last training row only",
}


def leaks(pipeline: Pipeline) -> list[str]:
    """Ways by which validation or test data reach what is fitted.

    Walks the nodes in the order in which they run; each output knows what its node's inputs know,
    unless ``KNOWS`` says otherwise of its name.
    """
    knows: dict[str, set[str]] = {}
    found = []
    for node in pipeline.nodes:
        seen: dict[str, set[str]] = {}
        for name in map(bare, node.inputs):
            if not is_parameter(name) and (node.short_name, name) not in MAY_READ_WHOLE:
                seen[name] = _declared(name, knows.get(name, set()))
        learnt = set().union(*seen.values()) if seen else set()
        if node.name in MAY_SEE_VALIDATION:
            learnt -= {"validation"}
        for output in map(bare, node.outputs):
            is_training_part = output in SPLITS.get(node.name, ())
            knows[output] = set() if is_training_part else _declared(output, learnt)
            if re.fullmatch(FITTED, output) and knows[output]:
                sources = sorted(name for name, what in seen.items() if what)
                found.append(f"{node.name}: {', '.join(sources)} -> {output}")
    return found


def _declared(name: str, inherited: set[str]) -> set[str]:
    matching = [what for pattern, what in KNOWS.items() if re.fullmatch(pattern, name)]
    return matching[-1] if matching else inherited


def anything(*inputs: Any) -> Any:
    """Stand-in for a node's function."""
    return inputs


def tuning(*inputs: str) -> Pipeline:
    """A pipeline whose node has the name of one that may see validation data."""
    return Pipeline([Node(anything, [*inputs], "chosen_configs", name="evaluation.tune_arms")])


class TestLeakage:
    def test_nothing_of_the_future_reaches_what_is_fitted(self):
        assert leaks(PIPELINES["__default__"]) == []

    def test_every_other_pipeline_keeps_to_it_too(self):
        core = PIPELINES["__default__"]
        for name, pipeline in PIPELINES.items():
            assert leaks(core + pipeline) == [], name

    def test_the_nodes_that_may_look_exist(self):
        assert {*MAY_SEE_VALIDATION, *SPLITS} <= set(NODES)
        assert {node for node, _ in MAY_READ_WHOLE} <= {n.short_name for n in NODES.values()}

    @pytest.mark.parametrize(
        ("inputs", "output"),
        [
            ("test_cases", "profile_transformer"),
            ("validation_cases", "gan.generator"),
            (["train_histories", "test_interactions"], "synthetic_gan"),
            (["train_interactions", "prm_interactions"], "feat_users"),
            ("validation_interactions", "train_histories"),
        ],
    )
    def test_a_leak_is_found(self, inputs, output):
        assert leaks(Pipeline([Node(anything, inputs, output, name="leaky")])) != []

    def test_a_leak_through_an_innocent_name_is_found(self):
        detour = Pipeline(
            [
                Node(anything, "test_cases", "hint", name="first"),
                Node(anything, ["train_histories", "hint"], "extra", name="second"),
                Node(anything, ["extra", "params:gan"], "gan.critic", name="third"),
            ]
        )
        assert leaks(detour) == ["third: extra -> gan.critic"]

    def test_a_leak_into_the_real_pipeline_is_found(self):
        core = PIPELINES["__default__"]
        target = next(n for n in core.nodes if n.short_name == "fit_profile_transformer")
        leaky: KedroNode = Node(
            anything, [*target.inputs, "test_cases"], target.outputs, name=target.name
        )
        others = [n for n in core.nodes if n is not target]
        assert any(
            "test_cases -> profile_transformer" in leak
            for leak in leaks(Pipeline([*others, leaky]))
        )

    def test_permission_to_see_validation_is_none_to_see_test(self):
        assert leaks(tuning("validation_cases")) == []
        assert leaks(tuning("validation_cases", "test_cases")) != []
