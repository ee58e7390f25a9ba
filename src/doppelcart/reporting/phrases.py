"""Phrases that several sections say."""

from collections.abc import Sequence

from doppelcart.reporting.tables import number


def joined(parts: Sequence[str], word: str) -> str:
    """Words in a row: ``a, b and c``.

    Examples:
        >>> joined(["a", "b", "c"], "and")
        'a, b and c'
    """
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {word} {parts[-1]}"


def costs_of_lacking(levels: Sequence[float]) -> str:
    """What a lacking unit costs, in units left over, for a service level to be what costs least.

    Args:
        levels: Service levels, each a share of days or weeks without a lack.

    Examples:
        >>> costs_of_lacking([0.9, 0.95, 0.98])
        '9, 19 and 49 at 90, 95 and 98 %'
    """
    costs = [number(level / (1 - level)) for level in levels]
    return f"{joined(costs, 'and')} at {joined([f'{100 * level:g}' for level in levels], 'and')} %"
