"""Files that a run writes: the layer of captions, its parts, heat maps, and other formats of them."""
