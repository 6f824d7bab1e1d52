"""CCExpert."""
