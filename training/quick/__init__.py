"""The first look of scribe-s-quick."""
