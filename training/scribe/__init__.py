"""scribe-s, the compact default model."""
