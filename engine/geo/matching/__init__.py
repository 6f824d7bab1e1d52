"""Do the two dates lie on each other, and how to bring them there."""
