"""What a message is: its envelope, its facts, its class, its parts; nothing of it is believed, no byte is changed."""
