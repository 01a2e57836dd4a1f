"""What two boxes have in common, in plain Python: nothing of the house's own."""


def overlap(one, other):
    """IoU of (left, top, right, bottom); 0 where the union is."""
    common = max(0, min(one[2], other[2]) - max(one[0], other[0])) * max(
        0, min(one[3], other[3]) - max(one[1], other[1])
    )
    union = size(one) + size(other) - common
    return common / union if union > 0 else 0.0


def size(box):
    return max(0, box[2] - box[0]) * max(0, box[3] - box[1])


def inside(one, crowd):
    """The share of a box that lies in a crowd."""
    common = max(0, min(one[2], crowd[2]) - max(one[0], crowd[0])) * max(
        0, min(one[3], crowd[3]) - max(one[1], crowd[1])
    )
    return common / size(one) if size(one) > 0 else 0.0
