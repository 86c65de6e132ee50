"""The inputs of the study of deliveries: nine fields over fifteen characters, one-hot: 675 inputs."""

from dataclasses import dataclass

CHARACTERS = "0123456789. -:_"
PADDING = "_"


@dataclass(frozen=True)
class Field:
    """One field of the experiment: its name, its column in the table, its width in characters."""

    name: str
    column: str
    width: int

    @property
    def is_date(self) -> bool:
        return self.column == "created_at"


FIELDS: tuple[Field, ...] = (
    Field("Store Number", "store_id", 4),
    Field("Market", "market_id", 1),
    Field("Order Made", "created_at", 15),
    Field("Cost", "subtotal", 5),
    Field("Total Deliverers", "total_onshift_dashers", 4),
    Field("Busy Deliverers", "total_busy_dashers", 4),
    Field("Total Orders", "total_outstanding_orders", 4),
    Field("Estimated Transit Time", "estimated_store_to_consumer_driving_duration", 4),
    Field("Linear Estimation", "linear_ests", 4),
)
DELIVERERS = FIELDS[4]  # the quantity d of the target y = 10 d
NUM_CHARACTERS = sum(field.width for field in FIELDS)
NUM_INPUTS = NUM_CHARACTERS * len(CHARACTERS)
