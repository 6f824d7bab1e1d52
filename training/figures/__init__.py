"""Pictures for cards and documents."""
