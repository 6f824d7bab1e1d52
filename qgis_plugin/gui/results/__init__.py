"""The panel's second page: captioned tiles, both dates of them, and their review."""
