"""How arms, and those who made their customers, are drawn: in every figure alike."""

from typing import Any, Final

from doppelcart.recommendation.arms import NONE
from doppelcart.reporting import style
from doppelcart.reporting.style import INK, OTHER, Mark

REAL: Final = "real"

_MARKS: Final = {
    "gan_completion": Mark("#0b5cab", "circle"),
    "gan_new_users": Mark("#7a3fa0", "diamond", "dashdot"),
    "gan_only": Mark("#0b5cab", "circle"),
    "gan": Mark("#0b5cab", "circle"),
    "vae_completion": Mark("#00796b", "hexagon", "longdash"),
    "vae_new_users": Mark("#00796b", "star-square", "longdash"),
    "vae_only": Mark("#00796b", "hexagon", "longdash"),
    "vae": Mark("#00796b", "hexagon", "longdash"),
    "targeted_gan": Mark("#0b5cab", "circle"),
    "uniform_gan": Mark("#7a3fa0", "diamond", "dashdot"),
    "targeted_denoiser": Mark("#a84a00", "square", "dash"),
    "targeted_copies": Mark("#5b6672", "x", "longdash"),
    "denoiser_completion": Mark("#a84a00", "square", "dash"),
    "denoiser_new_users": Mark("#8a6d00", "pentagon", "dash"),
    "denoiser_only": Mark("#a84a00", "square", "dash"),
    "denoiser": Mark("#a84a00", "square", "dash"),
    "popularity_completion": Mark("#5b6672", "triangle-right", "dot"),
    "popularity_only": Mark("#5b6672", "triangle-down", "dot"),
    "popularity": Mark("#5b6672", "triangle-down", "dot"),
    "mixup": Mark("#5b6672", "triangle-up", "longdashdot"),
    "copies": Mark("#5b6672", "x", "longdash"),
    NONE: Mark(INK, "line-ns-open"),
    REAL: Mark(INK, "circle"),
}


def mark_of(name: str) -> Mark:
    """How an arm, or who made its customers, is drawn."""
    return _MARKS.get(name, OTHER)


def marker_of(name: str, size: int) -> dict[str, Any]:
    """Marker of an arm, of a size (pixels)."""
    return style.marker_of(mark_of(name), size)


def line_of(name: str) -> dict[str, Any]:
    """Line of who made the customers; that of real customers is thicker."""
    return style.line_of(mark_of(name), 3 if name == REAL else 2)
