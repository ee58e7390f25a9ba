"""Names of parameters for messages, taken from the models, so that none is made up."""

from typing import ClassVar

from pydantic import BaseModel


class Named(BaseModel):
    """Parameters that know by which dotted name a person gives them."""

    PATH: ClassVar[str]

    @classmethod
    def name_of(cls, field: str) -> str:
        """The dotted name of a field, such as ``private.training.steps``.

        Args:
            field: Name of the field in the model.

        Raises:
            AttributeError: The model has no such field.
        """
        if field not in cls.model_fields:
            raise AttributeError(f"{cls.__name__} has no field {field}")
        return f"{cls.PATH}.{field}"
