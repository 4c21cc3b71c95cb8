"""What a campus fills in, signs and checks before it goes live, and whether it has."""
