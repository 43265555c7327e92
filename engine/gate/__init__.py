"""What code must prove before it is saved."""
