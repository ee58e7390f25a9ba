"""The served model as MLflow runs it: code that MLflow copies beside the artefact, no pickle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
from mlflow.pyfunc import PythonModel

from doppelcart.serving import artefact
from doppelcart.serving.answers import answer
from doppelcart.serving.questions import Question, read_json


class ServedModel(PythonModel):
    """Answers questions as ``doppelcart serve`` does."""

    def load_context(self, context: Any) -> None:
        """Check every file of the artefact against the digest kept with the model, and load it."""
        self._digest = str(context.model_config["digest"])
        self._model = artefact.read(Path(context.artifacts["model"]), self._digest)

    def predict(self, context: Any, model_input: list[str]) -> list[dict[str, Any]]:  # noqa: ARG002
        """Answers, one a question.

        Args:
            context: Not used again.
            model_input: Questions, each as the JSON text that the server would be sent.
        """
        questions = [Question.model_validate(read_json(text.encode())) for text in model_input]
        version = self._digest[:12]
        return [answer(self._model, one, version).model_dump(mode="json") for one in questions]


mlflow.models.set_model(ServedModel())
