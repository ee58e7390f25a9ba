"""The one base class of parameters."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Parameters(BaseModel):
    """Parameters as a person gives them: frozen, without unknown keys, infinities and NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    PATH: ClassVar[str] = ""
    """The dotted name by which a person gives them, where messages are to name their fields."""

    @classmethod
    def name_of(cls, field: str) -> str:
        """The dotted name of a field, such as ``private.training.steps``; bare without a path.

        It is taken from the model, so that no message names a parameter that there is not.

        Args:
            field: Name of the field in the model.

        Raises:
            AttributeError: The model has no such field.
        """
        if field not in cls.model_fields:
            raise AttributeError(f"{cls.__name__} has no field {field}")
        return f"{cls.PATH}.{field}" if cls.PATH else field
