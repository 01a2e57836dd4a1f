"""An image as a sequence of its patches."""

from jaxtyping import Array, Float


def image_patches(
    image: Float[Array, "height width channels"], *, size: int
) -> Float[Array, "patches size_size_channels"]:
    """The image cut into squares, row by row, each square's pixels row by row in one vector.

    ``ValueError`` where the squares do not fill the image. Dosovitskiy et al. 2021, equation 1.
    """
    height, width, channels = image.shape
    if height % size or width % size:
        raise ValueError(f"an image of {height} × {width} is not filled by squares of {size} × {size}")
    squares = image.reshape(height // size, size, width // size, size, channels).swapaxes(1, 2)
    return squares.reshape(-1, size * size * channels)
