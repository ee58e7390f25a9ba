"""What the shop window offers to choose from: items, customers, and what a customer bought."""

from __future__ import annotations

from itertools import islice

import numpy as np

from doppelcart.serving.model import Catalogue, Customers, Model
from doppelcart.serving.questions import Named
from doppelcart.serving.window import MOST_FOUND


def items_like(catalogue: Catalogue, text: str) -> list[Named]:
    """The first items whose identifier or title holds a text, whatever its case.

    Args:
        catalogue: Items.
        text: Part of a name; empty takes any.
    """
    wanted = text.casefold()
    named = zip(catalogue.ids, catalogue.titles, strict=True)
    exact = catalogue.positions.get(text)
    first = [] if exact is None else [Named(id=text, title=catalogue.titles[exact])]
    found = (
        Named(id=name, title=title)
        for name, title in named
        if name != text and (wanted in title.casefold() or wanted in name.casefold())
    )
    return [*first, *islice(found, MOST_FOUND - len(first))]


def customers_like(customers: Customers, text: str) -> list[Named]:
    """The first customers whose identifier begins with a text.

    Args:
        customers: Known customers, ascending.
        text: Beginning of an identifier; empty takes any.
    """
    if len(text) * 4 > customers.ids.dtype.itemsize:
        return []
    first = int(np.searchsorted(customers.ids, np.array(text, dtype=customers.ids.dtype)))
    found = []
    for row in range(first, min(first + MOST_FOUND, len(customers.ids))):
        name = str(customers.ids[row])
        if not name.startswith(text):
            break
        found.append(Named(id=name, title=f"{len(customers.of(row))} items known"))
    return found


def history_of(model: Model, user_id: str) -> list[Named]:
    """What a known customer bought; nothing of one who is not known.

    Args:
        model: What serves.
        user_id: The customer.
    """
    row = model.customers.find(user_id)
    if row is None:
        return []
    return [
        Named(id=model.catalogue.ids[item], title=model.catalogue.titles[item])
        for item in model.customers.of(row)
    ]
