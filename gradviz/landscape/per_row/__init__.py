"""What each row of a minibatch does on a plane: its own field, of which the minibatch's field is the mean."""

from gradviz.landscape.per_row.computing import row_fields
from gradviz.landscape.per_row.fields import RowFields
from gradviz.landscape.per_row.increments import Increments

__all__ = ["Increments", "RowFields", "row_fields"]
