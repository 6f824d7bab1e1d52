"""Settings and the set-up of the engine."""
