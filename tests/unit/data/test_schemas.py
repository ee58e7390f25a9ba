import ibis
import pytest

from doppelcart.columns import Tables
from doppelcart.data import schemas
from doppelcart.errors import InputError


@pytest.mark.parametrize("name", list(schemas.SCHEMAS))
def test_an_empty_table_has_its_schema(name: str) -> None:
    table = schemas.empty(name)
    assert dict(table.schema().items()) == schemas.SCHEMAS[name]
    assert schemas.check(table, name).count().to_pandas() == 0


def test_a_missing_column_and_a_wrong_type_are_named_together() -> None:
    table = schemas.empty(Tables.ITEMS).drop("brand").mutate(price=ibis.literal("x"))
    with pytest.raises(InputError) as raised:
        schemas.check(table, Tables.ITEMS)
    assert "brand" in str(raised.value)
    assert "'price' to have type float64, got string" in str(raised.value)


def test_a_column_too_many_is_refused_except_for_users() -> None:
    with pytest.raises(InputError, match="colour"):
        schemas.check(schemas.empty(Tables.ITEMS).mutate(colour=ibis.literal("x")), Tables.ITEMS)
    users = schemas.empty(Tables.USERS).mutate(age=ibis.literal("x"))
    assert schemas.check(users, Tables.USERS).columns == ("user_id", "age")


def test_cleaned_tables_have_no_null_key_and_no_key_twice() -> None:
    users = ibis.memtable({"user_id": ["u", None]}, schema={"user_id": "string"})
    schemas.check(users, Tables.USERS)
    with pytest.raises(InputError, match="'user_id' contains null"):
        schemas.check(users, Tables.USERS, cleaned=True)
    twice = ibis.memtable({"user_id": ["u", "u"]}, schema={"user_id": "string"})
    with pytest.raises(InputError, match="not unique"):
        schemas.check(twice, Tables.USERS, cleaned=True)
