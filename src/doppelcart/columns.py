"""The one vocabulary of table and column names; every other module imports from here."""

from typing import Final


class Columns:
    """Column names of the canonical tables."""

    USER: Final = "user_id"
    ITEM: Final = "item_id"
    TIMESTAMP: Final = "timestamp"
    QUANTITY: Final = "quantity"
    AMOUNT: Final = "amount"
    DISCOUNT: Final = "discount"
    BASKET: Final = "basket_id"
    STORE: Final = "store_id"
    COUPON_AMOUNT: Final = "coupon_amount"

    DEPARTMENT: Final = "department"
    CATEGORY: Final = "category"
    TYPE: Final = "type"
    BRAND: Final = "brand"
    MANUFACTURER: Final = "manufacturer"
    SIZE: Final = "size"
    TITLE: Final = "title"
    DESCRIPTION: Final = "description"
    PRICE: Final = "price"

    WEEK: Final = "week"
    DISPLAY: Final = "display"
    MAILER: Final = "mailer"

    COUPON: Final = "coupon_id"
    CAMPAIGN: Final = "campaign_id"
    START: Final = "start"
    END: Final = "end"

    RATING: Final = "rating"
    TEXT: Final = "text"
    PATH: Final = "path"

    HEAD: Final = "src"
    RELATION: Final = "relationship"
    TAIL: Final = "dst"

    SALES: Final = "sales"
    IN_STOCK: Final = "in_stock"
    HOLIDAY: Final = "holiday"
    ACTIVITY: Final = "activity"
    PRECIPITATION: Final = "precipitation"
    TEMPERATURE: Final = "temperature"
    HUMIDITY: Final = "humidity"
    WIND: Final = "wind"

    SOLD: Final = "sold"
    VALUE: Final = "value"
    LABEL: Final = "label"

    REVIEW: Final = "review_id"
    PLACE: Final = "place"
    PART: Final = "part"
    REVIEWER: Final = "reviewer"

    PICTURE: Final = "picture_id"
    PRODUCT: Final = "product"
    GROUP: Final = "group"
    SPLIT: Final = "split"

    RULE: Final = "rule"
    PROTOCOL: Final = "protocol"
    SLICE: Final = "slice"
    ARM: Final = "arm"
    RECOMMENDER: Final = "recommender"


MISSING: Final = "_missing"
"""Ends the name of the column that says that another is not known."""


class Tables:
    """Names of the canonical tables a source may fill, and of those declared beside it."""

    INTERACTIONS: Final = "interactions"
    ITEMS: Final = "items"
    USERS: Final = "users"
    PROMOTIONS: Final = "promotions"
    COUPONS: Final = "coupons"
    CAMPAIGNS: Final = "campaigns"
    REDEMPTIONS: Final = "redemptions"
    REVIEWS: Final = "reviews"
    PICTURES: Final = "pictures"
    FACTS: Final = "facts"

    STOCK: Final = "stock"
    SALES: Final = "sales"
    RATINGS: Final = "ratings"
    LABELLED_REVIEWS: Final = "labelled_reviews"
    PHOTOGRAPHS: Final = "photographs"
