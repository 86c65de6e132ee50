"""What becomes of the loss in a picture; imports nothing, so that the command line can name the choices at once."""

from typing import Literal, get_args

Under = Literal["none", "heat", "contour", "surface"]
"""`surface`: not under the arrows, but as a surface in space that carries them."""

UNDER: tuple[Under, ...] = get_args(Under)
