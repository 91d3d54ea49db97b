"""What a delivery report says, in any form."""
