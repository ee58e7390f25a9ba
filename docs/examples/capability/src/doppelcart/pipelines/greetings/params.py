"""Parameters of the greetings pipeline."""

from pydantic import Field

from doppelcart.config.base import Parameters


class GreetingsParams(Parameters):
    """A made-up log of visits, with an effect that is planted in it."""

    n_visits: int = Field(default=300, ge=1, description="visits per arm")
    gain: float = Field(default=0.5, ge=-5, le=5, description="planted effect, minutes")
    seed: int = Field(default=0, ge=0, description="of the visits")
