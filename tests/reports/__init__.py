"""What use has found: each test is named for what a user met."""
