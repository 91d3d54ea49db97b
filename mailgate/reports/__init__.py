"""What a delivery report says, in whatever dialect."""
