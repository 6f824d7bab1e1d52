"""Words: tokens and vocabularies, what a sentence states, and what a person's review makes of a row."""
